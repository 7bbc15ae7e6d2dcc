#!/bin/sh
# Opens the chat; without a terminal, a short demonstration through the same code.
set -eu
if [ -t 0 ] && [ -t 1 ]; then
    exec percept "$@"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PERCEPT_DATA_DIR="$folder/data" PERCEPT_CACHE_DIR="$folder/cache" PERCEPT_CONFIG_DIR="$folder/config"
step() {
    printf '\n$ percept'
    for word in "$@"; do
        case $word in
            *\ *) printf ' "%s"' "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    percept "$@" </dev/null
}
echo "There is no terminal here, so this is a demonstration; 'make run' in a terminal opens the chat."
step ask -a samples/error.png "What does the error say?"
step ask -a samples/error.png "What is the title of the window?"
step ask -a samples/app.log "What does the error say?"
step sessions list
