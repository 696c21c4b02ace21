#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what reads tables in tests (tests/differential/readers.txt) into an environment of Python's own, build/readers or
# CAPMILL_READERS. Not for anything that building or using capmill needs.
# Exit status 1: it is not there and cannot be had (no venv, no network, CAPMILL_NO_INSTALL set).
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
wanted=$root/tests/differential/readers.txt
folder=${CAPMILL_READERS:-$root/build/readers}

# The list as it was installed lies beside what came of it: nothing to do until it changes.
cmp -s "$wanted" "$folder/readers.txt" && [ -x "$folder/bin/python3" ] && exit 0
if [ -n "${CAPMILL_NO_INSTALL:-}" ]; then
    echo "readers of tables are not installed, as CAPMILL_NO_INSTALL is set"
    exit 1
fi
command -v python3 >/dev/null || { echo "readers of tables are not installed, for want of python3"; exit 1; }

echo "installing readers of tables into ${folder#"$root/"}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mkdir -p "$(dirname "$folder")"
# --clear: an environment that was left half made is made again. Wheels only: nothing is compiled here.
if ! { python3 -m venv --clear "$folder" &&
    "$folder/bin/python3" -m pip install --quiet --disable-pip-version-check --only-binary :all: --retries 2 --timeout 20 \
        --requirement "$wanted"; } >"$log" 2>&1; then
    tail -n 10 "$log"
    echo "readers of tables are not installed"
    exit 1
fi
cp "$wanted" "$folder/readers.txt"
