//! Programs that read files and text.

use super::special::{strings, tar};
use super::{Program, Takes, program};
use crate::tools::permission::place::Reads;

pub(super) const TABLE: &[Program] = &[
    program("cat", "A b e E n s t T u v show-all number number-nonblank show-ends show-tabs squeeze-blank", Takes::Paths),
    program("tac", "b s= separator=", Takes::Paths),
    program("rev", "", Takes::Paths),
    program("head", "n= c= q v z # lines= bytes= quiet silent verbose zero-terminated", Takes::Paths),
    program(
        "tail",
        "n= c= q v z f F r # lines= bytes= quiet silent verbose follow? retry sleep-interval= s= zero-terminated",
        Takes::Paths,
    ),
    program(
        "ls dir vdir",
        "a A b B c C d f F g G h H i k l m n N o p q Q r R s S t u U v x X Z 1 w= T= I= all almost-all author \
         block-size= classify? color? directory file-type format= full-time group-directories-first human-readable \
         si hide= indicator-style= inode ignore= kibibytes no-group numeric-uid-gid literal quote-name \
         quoting-style= reverse recursive size sort= time= time-style= width= escape zero hyperlink?",
        Takes::Paths,
    ),
    program(
        "tree",
        "a d f i h p s u g D F q N Q C n L: I: P: r t c v U S J X noreport dirsfirst filelimit= prune du si",
        Takes::Paths,
    ),
    program("stat", "c= f L t format= printf= file-system dereference terse", Takes::Paths),
    program("file", "b i k L h N n r 0 brief mime mime-type mime-encoding keep-going dereference no-dereference \
         no-pad raw print0 separator= F= extension", Takes::Paths),
    program("readlink realpath", "f e m n q s v z L P canonicalize canonicalize-existing canonicalize-missing \
         no-newline zero relative-to= relative-base= strip no-symlinks logical physical quiet", Takes::Paths),
    program("basename dirname", "a s= z multiple suffix= zero", Takes::Text),
    program("wc", "c m l L w bytes chars lines max-line-length words total=", Takes::Paths),
    program(
        "sort",
        "b d f g i M h n R r V c C k= m s t= u z ignore-leading-blanks dictionary-order ignore-case \
         general-numeric-sort ignore-nonprinting month-sort human-numeric-sort numeric-sort random-sort reverse \
         sort= version-sort check? key= merge stable field-separator= unique zero-terminated parallel= debug",
        Takes::Paths,
    ),
    program("uniq", "c d D f= i s= u w= z count repeated skip-fields= ignore-case skip-chars= unique check-chars= \
         zero-terminated all-repeated? group?", Takes::OnePath),
    program("cut", "b= c= d= f= n s z bytes= characters= delimiter= fields= complement only-delimited \
         output-delimiter= zero-terminated", Takes::Paths),
    program("tr", "c C d s t complement delete squeeze-repeats truncate-set1", Takes::Text),
    program("nl", "b= d= f= h= i= l= n= p s= v= w= body-numbering= number-format= number-width=", Takes::Paths),
    program("od hexdump", "A= j= N= S? t= v w? a b c d f i l o s x C n= e= address-radix= skip-bytes= read-bytes= \
         format= output-duplicates width? canonical", Takes::Paths),
    program("xxd", "a b c= e g= i l= o= p s= u d E ps", Takes::OnePath),
    program("strings", "a d f n= t= e= o s= w all bytes= radix= encoding= print-file-name #", Takes::Paths)
    .check(strings),
    program("base64 base32", "d D i w= decode ignore-garbage wrap=", Takes::OnePath),
    program("md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum sum", "b t z l= tag text binary \
         zero length= a= algorithm= r s", Takes::Paths),
    program(
        "diff",
        "u U= c C= y W= q s i w b B E Z a r N t T e n p F= I= x= brief report-identical-files normal \
         unified? context? side-by-side width= ignore-case ignore-all-space ignore-space-change \
         ignore-blank-lines ignore-trailing-space ignore-tab-expansion text recursive new-file color? \
         suppress-common-lines left-column minimal expand-tabs label= L= exclude= show-c-function strip-trailing-cr",
        Takes::Paths,
    )
    .through(Reads::All),
    program("cmp", "b i= l n= s print-bytes ignore-initial= verbose bytes= quiet silent", Takes::Paths),
    program("comm", "1 2 3 i z check-order nocheck-order output-delimiter= total zero-terminated", Takes::Paths),
    program("join", "a= e= i j= o= t= v= 1= 2= z header check-order nocheck-order", Takes::Paths),
    program("paste", "d= s z delimiters= serial zero-terminated", Takes::Paths),
    program("column", "t s= o= c= N= R= H= n= J x table separator= output-separator= json", Takes::Paths),
    program("fold", "b s w= bytes spaces width=", Takes::Paths),
    program("fmt", "c s t u w= p= g= width= # uniform-spacing", Takes::Paths),
    program("expand unexpand", "i t= a tabs= initial all first-only", Takes::Paths),
    program("tsort", "", Takes::OnePath),
    program("zcat", "f q v", Takes::Paths),
    program("zipinfo", "1 2 s m l h t T z v", Takes::Paths),
    program("unzip", "l v t Z q", Takes::Paths).needs(&["-l", "-v", "-t", "-Z"]),
    program("tar", "t f= v z j J list file= verbose gzip bzip2 xz zstd full-time numeric-owner", Takes::Paths)
        .needs(&["-t", "--list"])
        .check(tar),
    program("echo", "n e E", Takes::Text),
    program("printf", "", Takes::Text),
    program("seq", "f= s= w format= separator= equal-width #", Takes::Text),
    program("true false :", "", Takes::Text),
    program("pwd", "L P logical physical", Takes::Nothing),
    program("which", "a s all", Takes::Text),
    program("type", "a t p P f", Takes::Text),
    program("command", "v V", Takes::Text).needs(&["-v", "-V"]),
    program("sleep", "", Takes::Text),
    program("expr factor numfmt", "to= from= suffix= padding= field= format= header? round= grouping", Takes::Text),
];
