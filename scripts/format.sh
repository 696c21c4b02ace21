#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lays out all C sources by .clang-format: scripts/format.sh [--check] [FILE...]
# With --check nothing is written and a difference is a failure. Versions of clang-format differ, so there is one: 14.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

formatter=
for name in clang-format-14 clang-format; do
    if command -v $name >/dev/null && $name --version | grep -q 'version 14\.'; then
        formatter=$name
        break
    fi
done
[ -n "$formatter" ] || { echo "clang-format 14 is not installed (Debian 12: clang-format-14)"; exit 77; }

check=false
if [ "${1:-}" = --check ]; then
    check=true
    shift
fi
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(find src include tests bench -name '*.[ch]' -o -name '*.cpp' | sort)
if ! $check; then
    exec "$formatter" -i "${files[@]}"
fi
wrong=$("$formatter" --dry-run "${files[@]}" 2>&1 | sed -n 's/^\([^ :]*\):.*code should be clang-formatted.*/\1/p' | uniq -c)
[ -z "$wrong" ] || { echo "places that scripts/format.sh would lay out otherwise:"; echo "$wrong"; exit 1; }
echo "${#files[@]} files"
