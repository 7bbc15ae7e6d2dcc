#!/bin/sh
# Sets up what the benchmarks need (a Python environment of their own) and runs them.
# run.sh FOLDER [256m|2b] [CARGO]; AGAINST=1 also builds llama-cpp-python from PyPI and compares.
set -eu
here=$(dirname "$0")
environment="$here/.venv"
if [ ! -x "$environment/bin/python" ]; then
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet numpy gguf
fi
against=""
if [ "${AGAINST:-}" = 1 ]; then
    CMAKE_ARGS="-DGGML_NATIVE=ON" "$environment/bin/pip" install --quiet llama-cpp-python
    against="--against-llama-cpp-python"
fi
class="${2:-256m}"
"$environment/bin/python" "$here/make_pair.py" "$class" "$here/.pairs" >/dev/null
"$environment/bin/python" "$here/screen.py" "$1" "$here/.pairs/random-$class.gguf"
"$environment/bin/python" "$here/turns.py" "$1" "$class" $against
"${3:-cargo}" bench --locked --bench tools
"${3:-cargo}" bench --locked --bench logs
"${3:-cargo}" bench --locked --bench decode -- "$here/.pairs/random-$class.gguf"
"${3:-cargo}" bench --locked --bench lookup -- "$here/.pairs/random-$class.gguf"
