#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone, and the public ones as C++ too: scripts/check_headers.sh [BUILD_FOLDER]
# Headers of src/os/windows are compiled with mingw-w64 where it is installed. NAME_template.h is no header: it is included
# with macros set, by the file that says which.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
build=${1:-build/release}
flags=(-std=c11 -fsyntax-only -Wall -Wextra -Wno-unused-parameter -Wno-unused-function -Werror -Iinclude -Isrc
    -isystem "$build/generated/third" -I "$build/generated")

n=0 n_bad=0
try() { # FILE COMPILER FLAG...
    n=$((n + 1))
    # through another file: a header as the main file has warnings of its own
    if ! printf '#include "%s"\n#include "%s"\n' "$1" "$1" | "${@:2}" -; then
        echo "$1: does not compile alone"
        n_bad=$((n_bad + 1))
    fi
}

while IFS= read -r path; do
    case $path in
        *_template.h) ;;
        src/os/windows/*)
            command -v x86_64-w64-mingw32-gcc >/dev/null &&
                try "${path#src/}" x86_64-w64-mingw32-gcc -x c -D_WIN32_WINNT=0x0A00 "${flags[@]}" ;;
        *) try "${path#src/}" gcc -x c -D_GNU_SOURCE "${flags[@]}" ;;
    esac
done < <(find src -name '*.h' | sort)
for path in include/capmill/*.h; do
    try "${path#include/}" gcc -x c "${flags[@]}" -Wpedantic
    if command -v clang >/dev/null; then
        try "${path#include/}" clang -x c++ -std=c++11 -fsyntax-only -Wall -Wextra -Werror -Iinclude
    fi
done
echo "$n headers, $n_bad that do not compile alone"
[ $n -gt 0 ] && [ $n_bad -eq 0 ]
