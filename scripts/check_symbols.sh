#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What libcapmill shows to others: scripts/check_symbols.sh [BUILD_FOLDER]
# The shared library shows the functions of include/capmill/, all of them and nothing else. The archive's global names all
# begin with capmill_ or cm_, so that they meet no other library's.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
build=${1:-build/release}

shown=$(nm -D --defined-only "$build/src/libcapmill.so" | awk '{ print $3 }' | sort)
# a declaration: CAPMILL_API, a type, the name, a parenthesis; over as many lines as it takes
declared=$(grep -h -v '^ *#' include/capmill/*.h | tr '\n' ' ' | grep -o 'CAPMILL_API [^;(]*(' |
    grep -o 'capmill_[a-z0-9_]*($' | tr -d '(' | sort)
[ -n "$declared" ] || { echo "no declarations found in include/capmill/"; exit 1; }
if [ "$shown" != "$declared" ]; then
    echo "shown (>) and declared (<) differ:"
    diff <(echo "$declared") <(echo "$shown") || exit 1
fi
echo "$(wc -l <<<"$shown") functions are shown and declared"

foreign=$(nm --defined-only --extern-only "$build/src/libcapmill.a" 2>/dev/null | awk 'NF == 3 { print $3 }' |
    grep -v -E '^(capmill|cm)_' || true)
if [ -n "$foreign" ]; then
    echo "global names of the archive that are nobody's:"
    echo "$foreign"
    exit 1
fi
