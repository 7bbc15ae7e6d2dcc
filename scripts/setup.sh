#!/bin/sh
# Installs what building percept needs and is missing: cmake, a C++ compiler, libclang,
# pkg-config and the ALSA headers. Says what it does; asks only in a terminal.
#
# Then, in a terminal, it offers Tesseract, with which percept reads the text in pictures.
# That is asked once: that it was is kept in ~/.cache/percept/tesseract-asked.
#
# With the argument `tests` it also sees to the programs that tests use: PulseAudio and ffmpeg.
# It installs them as root with apt-get where nobody is there to be asked, and else only says
# how; nothing is started.
set -eu

say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

if ! have cargo; then
    say "cargo is missing. Install a Rust toolchain from https://rustup.rs and run this again."
    exit 1
fi

have_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    # Not libclang-cpp.so, a library of its own that bindgen can't use.
    for file in /usr/lib/llvm-*/lib/libclang.so* /usr/lib/llvm-*/lib/libclang-[0-9]*.so* \
        /usr/lib/*/libclang.so* /usr/lib/*/libclang-[0-9]*.so* \
        /usr/lib/libclang.so* /usr/lib64/libclang.so* /usr/lib64/llvm*/lib/libclang.so* \
        /opt/homebrew/opt/llvm/lib/libclang.dylib /usr/local/opt/llvm/lib/libclang.dylib \
        /Library/Developer/CommandLineTools/usr/lib/libclang.dylib \
        /Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib/libclang.dylib; do
        [ -e "$file" ] && return 0
    done
    return 1
}

have_alsa() {
    [ "$(uname -s)" != Linux ] && return 0
    [ -e /usr/include/alsa/asoundlib.h ] && return 0
    have pkg-config && pkg-config --exists alsa
}

missing=""
have cmake || missing="$missing cmake"
have c++ || have g++ || have clang++ || missing="$missing c++"
have_libclang || missing="$missing libclang"
have pkg-config || missing="$missing pkg-config"
have_alsa || missing="$missing alsa"

# package MANAGER NEED: what NEED is called there.
package() {
    case "$1:$2" in
        apt-get:c++) echo g++ ;;
        apt-get:libclang) echo libclang-dev ;;
        apt-get:alsa) echo libasound2-dev ;;
        dnf:c++) echo gcc-c++ ;;
        dnf:libclang) echo clang-devel ;;
        dnf:pkg-config) echo pkgconf-pkg-config ;;
        dnf:alsa) echo alsa-lib-devel ;;
        pacman:c++) echo gcc ;;
        pacman:libclang) echo clang ;;
        pacman:pkg-config) echo pkgconf ;;
        pacman:alsa) echo alsa-lib ;;
        brew:c++ | brew:libclang) echo llvm ;;
        brew:pkg-config) echo pkgconf ;;
        apt-get:tesseract) echo tesseract-ocr ;;
        apt-get:pactl | dnf:pactl) echo pulseaudio-utils ;;
        pacman:pactl | pacman:pulseaudio) echo pulseaudio ;;
        pacman:tesseract) echo "tesseract tesseract-data-eng" ;;
        *) echo "$2" ;;
    esac
}

manager=""
for candidate in apt-get dnf pacman brew; do
    if have "$candidate"; then
        manager=$candidate
        break
    fi
done

# install_line PACKAGE...: the command that installs them.
install_line() {
    case $manager in
        apt-get) echo "apt-get install -y --no-install-recommends $*" ;;
        dnf) echo "dnf install -y $*" ;;
        pacman) echo "pacman -S --needed --noconfirm $*" ;;
        brew) echo "brew install $*" ;;
    esac
}

in_terminal() { [ -t 0 ] && [ -t 2 ]; }

# agreed QUESTION: asks it in the terminal.
agreed() {
    printf 'setup: %s [y/N] ' "$1" >&2
    read -r answer || return 1
    case $answer in
        y | Y | yes) return 0 ;;
        *) return 1 ;;
    esac
}

# Only root may install, but for brew, which wants a user.
is_allowed() { [ "$manager" = brew ] || [ "$(id -u)" = 0 ]; }

# run_install SUDO COMMAND: SUDO may be empty.
run_install() {
    export DEBIAN_FRONTEND=noninteractive
    if [ "$manager" = apt-get ]; then
        # The lists of a fresh machine are empty or old; an install may work all the same.
        $1 apt-get update -q >&2 || say "the package lists could not be renewed"
    fi
    # shellcheck disable=SC2086 # words are meant to split
    $1 $2 >&2
}

install_missing() {
    if [ -z "$manager" ]; then
        say "missing:$missing. No apt-get, dnf, pacman or brew here: install these and run this again."
        exit 1
    fi
    packages=""
    for need in $missing; do
        packages="$packages $(package "$manager" "$need")"
    done
    # shellcheck disable=SC2086 # words are meant to split
    install=$(install_line $packages)
    sudo=""
    if ! is_allowed; then
        if ! have sudo; then
            say "missing:$missing. Run this as root, then try again:  $install"
            exit 1
        fi
        sudo="sudo"
        if ! in_terminal; then
            sudo="sudo -n"
        elif ! agreed "building percept needs$missing. Run  sudo $install  now?"; then
            say "nothing was installed. When you are ready:  sudo $install"
            exit 1
        fi
    fi
    say "building percept needs$missing; running:  $sudo $install"
    if ! run_install "$sudo" "$install"; then
        say "that did not work. Install what is missing ($missing ) by hand:  $install"
        exit 1
    fi
}

# Whatever comes of it, percept can be built.
offer_tesseract() {
    cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/percept
    if have tesseract || ! in_terminal || [ -z "$manager" ] || [ -e "$cache/tesseract-asked" ]; then
        return 0
    fi
    # shellcheck disable=SC2046 # words are meant to split
    install=$(install_line $(package "$manager" tesseract))
    sudo=""
    if ! is_allowed; then
        have sudo || return 0
        sudo="sudo "
    fi
    if agreed "Tesseract is optional: with it percept reads the text in pictures. Run  $sudo$install  now?"; then
        run_install "$sudo" "$install" || say "that did not work; percept does without. By hand:  $sudo$install"
    else
        say "fine, percept does without. When you want it:  $sudo$install"
    fi
    if mkdir -p "$cache" && : >"$cache/tesseract-asked"; then
        say "you won't be asked again ($cache/tesseract-asked)"
    fi
    return 0
}

# Whatever comes of it, the tests can be run: those that lack a program say so and skip.
install_for_tests() {
    wanted=""
    for program in pulseaudio pactl ffmpeg; do
        have "$program" || wanted="$wanted $program"
    done
    if [ -z "$wanted" ] || [ -z "$manager" ]; then
        return 0
    fi
    packages=""
    for program in $wanted; do
        packages="$packages $(package "$manager" "$program")"
    done
    # shellcheck disable=SC2086 # words are meant to split
    install=$(install_line $packages)
    if [ "$manager" != apt-get ] || ! is_allowed || in_terminal; then
        say "tests that need$wanted are skipped. To run them too, as root:  $install"
        return 0
    fi
    say "some tests need$wanted; running:  $install"
    run_install "" "$install" || say "that did not work; those tests are skipped. By hand:  $install"
    return 0
}

if [ -n "$missing" ]; then
    install_missing
fi
if [ "${1:-}" = tests ]; then
    install_for_tests
fi
offer_tesseract
