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

arguments=(-i)
if [ "${1:-}" = --check ]; then
    arguments=(--dry-run -Werror)
    shift
fi
if [ $# -gt 0 ]; then
    exec "$formatter" "${arguments[@]}" "$@"
fi
find src include tests bench -name '*.[ch]' -print0 | sort -z | xargs -0 "$formatter" "${arguments[@]}"
