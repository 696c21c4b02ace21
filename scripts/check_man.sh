#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The man pages of a build: there is one for the program and one for each command, and groff has nothing against them.
#   scripts/check_man.sh [BUILD_FOLDER]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
build=${1:-build/release}
command -v groff >/dev/null || { echo "groff is not installed"; exit 77; }

pages=(capmill)
for command in $("$build/capmill" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
    [ -f "docs/$command.md" ] && pages+=("capmill-$command")
done
[ ${#pages[@]} -ge 5 ] || { echo "capmill help names too few commands: ${pages[*]}"; exit 1; }
for page in "${pages[@]}"; do
    warnings=$(LC_ALL=C groff -k -man -ww -z -Tutf8 "$build/man/$page.1" 2>&1)
    [ -z "$warnings" ] || { echo "$page.1: $warnings"; exit 1; }
    text=$(groff -k -man -Tascii -P-cbou "$build/man/$page.1" 2>&1)
    [[ $text == *SYNOPSIS* ]] || { echo "$page.1: no synopsis"; exit 1; }
done
echo "${pages[*]}"
