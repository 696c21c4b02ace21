#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a bare Debian 12 to a sorted capture: scripts/quickstart.sh [FOLDER]
# Installs what is needed to build, builds a release, generates a capture with packets out of order, looks at it, sorts it,
# looks again. What it makes lies in FOLDER (out/ where none is given) and may be deleted.
set -euo pipefail

here=$PWD
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
out=${1:-$root/out}
case $out in
    /*) ;;
    *) out=$here/$out ;;
esac
cd "$root"
say() {
    printf '\n== %s\n' "$*"
}
show() { # COMMAND...: shown, then done
    printf '$ %s\n' "$*"
    "$@"
}

say "What a build needs"
if bash scripts/install_packages.sh build; then
    echo "all there"
else
    for tool in cmake ninja gcc; do
        command -v $tool >/dev/null || { echo "capmill cannot be built without $tool"; exit 1; }
    done
    echo "trying with what is here"
fi

say "Building a release in build/release"
# The tests are for scripts/test.sh; a build folder that has them keeps them.
options=()
[ -f build/release/CMakeCache.txt ] || options=(-DCAPMILL_TESTS=OFF)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { cmake --preset release "${options[@]}" && cmake --build --preset release --target capmill capmill_man; } >"$log" 2>&1; then
    cat "$log"
    exit 1
fi
capmill=$root/build/release/capmill
"$capmill" --version | sed -n 1p

mkdir -p "$out"
cd "$out"
say "A capture to work on: 1,000,000 packets, each tenth up to 50 µs away from its place"
show "$capmill" generate --packets 1000000 --flows 1000 --set order=displaced --set displaced=10% \
    --set displaced-by=50us --seed 1 --force -o capture.pcap

say "What is in it"
show "$capmill" info capture.pcap

say "In order of time"
show "$capmill" sort --force -o sorted.pcap capture.pcap

say "What is in the result"
show "$capmill" info sorted.pcap

packets() {
    "$capmill" info "$1" | awk '$1 == "Packets" { print $2 }'
}
order() {
    "$capmill" info "$1" | sed -n 's/^Order  *//p'
}
[ "$(packets capture.pcap)" = "$(packets sorted.pcap)" ] && [ "$(order sorted.pcap)" = "in time order" ] || {
    echo "the result is not what it must be: please report this"
    exit 1
}

say "What happened"
cat <<TEXT
capmill was built: $capmill
A capture was generated: $out/capture.pcap
    $(packets capture.pcap) packets, $(order capture.pcap)
It was sorted: $out/sorted.pcap
    $(packets sorted.pcap) packets, $(order sorted.pcap)
Next: $capmill help, or README.md. Every test: scripts/test.sh.
To remove what this made: rm -r '$out'
TEXT
