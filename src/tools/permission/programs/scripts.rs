//! Programs that get a pattern or a script of their own.

use super::special::{awk, fd, find, jq, sed};
use super::{Program, Takes, program};
use crate::tools::permission::place::Reads;

pub(super) const TABLE: &[Program] = &[
    program(
        "grep egrep fgrep",
        "E F G P e= i y v w x c l L m= o q s b H h n T Z z A= B= C= a I r U # f= extended-regexp fixed-strings \
         basic-regexp perl-regexp regexp= file= ignore-case no-ignore-case invert-match word-regexp line-regexp \
         count color? colour? files-without-match files-with-matches max-count= only-matching quiet silent \
         no-messages byte-offset with-filename no-filename line-number initial-tab null null-data \
         after-context= before-context= context= text binary-files= exclude= exclude-from= exclude-dir= \
         include= recursive line-buffered label=",
        Takes::Script(&["-e", "--regexp", "-f", "--file"]),
    )
    .through(Reads::All),
    program(
        "rg",
        "e= f= F i s S v w x c l n N o q H I p r= m= M= A= B= C= t= T= g= d= j= a U 0 b regexp= file= \
         fixed-strings ignore-case case-sensitive smart-case invert-match word-regexp line-regexp count \
         count-matches files-with-matches files-without-match files line-number no-line-number only-matching \
         quiet with-filename no-filename pretty replace= max-count= max-columns= after-context= \
         before-context= context= type= type-not= type-list glob= iglob= max-depth= threads= text multiline \
         multiline-dotall null byte-offset column color= colors= heading no-heading json stats trim sort= \
         sortr= vimgrep crlf no-messages no-config one-file-system passthru max-filesize= stop-on-nonmatch",
        Takes::Script(&["-e", "--regexp", "-f", "--file", "--files", "--type-list"]),
    )
    .through(Reads::Shown),
    program(
        "sed",
        "n E r s z u e= quiet silent expression= regexp-extended separate null-data unbuffered posix debug l= \
         line-length=",
        Takes::Script(&["-e", "--expression"]),
    )
    .check(sed),
    program("awk gawk mawk nawk", "F= v= field-separator= assign=", Takes::Script(&[])).check(awk),
    program(
        "jq",
        "r j a n c s S e C M R tab indent= raw-output join-output ascii-output null-input compact-output slurp \
         sort-keys exit-status color-output monochrome-output raw-input stream seq",
        Takes::Script(&[]),
    )
    .check(jq),
    program("yq", "r P o= e n C M p= j prettyPrint output-format= exit-status input-format= null-input colors \
         no-colors", Takes::Script(&[]))
        .check(jq),
    program("find", FIND, Takes::Checked).check(find),
    program(
        "fd fdfind",
        "s i g F a l p H I hidden no-ignore d= E= t= e= S= 0 c= j= case-sensitive ignore-case glob fixed-strings absolute-path \
         full-path max-depth= min-depth= exact-depth= exclude= type= extension= size= changed-within= \
         changed-before= owner= print0 color= threads= max-results= quiet one-file-system and=",
        Takes::Checked,
    )
    .check(fd),
];

/// What `find` takes. Its flags are words of one dash, and their order counts; no order of
/// these does more than print.
const FIND: &str = "-H -P -a -o -and -or -not -print -print0 -ls -prune -depth -d -empty -true -false -daystart \
    -mount -xdev -noleaf -readable -writable -executable -nouser -nogroup -quit -warn -nowarn -amin= -anewer= \
    -atime= -cmin= -cnewer= -ctime= -fstype= -gid= -group= -ilname= -iname= -inum= -ipath= -iregex= -iwholename= \
    -links= -lname= -maxdepth= -mindepth= -mmin= -mtime= -name= -newer= -newermt= -newerct= -newerat= -path= \
    -perm= -printf= -regex= -regextype= -samefile= -size= -type= -uid= -used= -user= -wholename= -xtype= \
    -ignore_readdir_race";
