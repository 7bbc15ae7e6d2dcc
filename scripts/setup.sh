#!/bin/sh
# Installs what building percept needs and is missing: cmake, a C++ compiler, libclang,
# pkg-config and the ALSA headers. Says what it does; asks only in a terminal.
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
[ -z "$missing" ] && exit 0

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
if [ -z "$manager" ]; then
    say "missing:$missing. No apt-get, dnf, pacman or brew here: install these and run this again."
    exit 1
fi

packages=""
for need in $missing; do
    packages="$packages $(package "$manager" "$need")"
done
case $manager in
    apt-get) install="apt-get install -y --no-install-recommends$packages" ;;
    dnf) install="dnf install -y$packages" ;;
    pacman) install="pacman -S --needed --noconfirm$packages" ;;
    brew) install="brew install$packages" ;;
esac

sudo=""
if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
    if ! have sudo; then
        say "missing:$missing. Run this as root, then try again:  $install"
        exit 1
    fi
    sudo="sudo"
    if [ -t 0 ] && [ -t 2 ]; then
        printf 'setup: building percept needs%s. Run  sudo %s  now? [y/N] ' "$missing" "$install" >&2
        read -r answer
        case $answer in
            y | Y | yes) ;;
            *)
                say "nothing was installed. When you are ready:  sudo $install"
                exit 1
                ;;
        esac
    else
        sudo="sudo -n"
    fi
fi

say "building percept needs$missing; running:  $sudo $install"
export DEBIAN_FRONTEND=noninteractive
if [ "$manager" = apt-get ]; then
    # The lists of a fresh machine are empty or old; an install may work all the same.
    $sudo apt-get update -q >&2 || say "the package lists could not be renewed"
fi
# shellcheck disable=SC2086 # words are meant to split
if ! $sudo $install >&2; then
    say "that did not work. Install what is missing ($missing ) by hand:  $install"
    exit 1
fi
