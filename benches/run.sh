#!/bin/sh
# Sets up what the benchmarks need (a Python environment of their own) and runs them.
# run.sh FOLDER [256m|2b]; AGAINST=1 also builds llama-cpp-python from PyPI and compares.
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
"$environment/bin/python" "$here/screen.py" "$1"
"$environment/bin/python" "$here/turns.py" "$1" "${2:-256m}" $against
