#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Debian packages a purpose needs and this machine lacks; says which. Not for anything but Debian's packages.
#   install_packages.sh build|test|release
# Exit status 1: some are missing and cannot be installed here (no apt-get, no root and no sudo, CAPMILL_NO_INSTALL set).
set -euo pipefail

build=(gcc g++ libc6-dev cmake ninja-build libxxhash-dev liburing-dev libpcap-dev libhyperscan-dev nettle-dev
    libtomlplusplus-dev libsnappy-dev libzstd-dev zlib1g-dev liblz4-dev)
test=("${build[@]}"
    clang libclang-rt-14-dev llvm-14           # sanitizers, fuzzing, and the names of functions in their reports
    clang-format-14 groff-base                 # layout of sources, man pages
    libcriterion-dev pkg-config python3 ccache
    python3-venv                               # a place for readers of tables (install_readers.sh)
    tshark tcpdump tcpreplay                   # what results are compared with (with capinfos, reordercap, editcap)
    gcc-mingw-w64-x86-64-win32 g++-mingw-w64-x86-64-win32 wine64 # the Windows build and a place to run it
    util-linux git dpkg-dev)                   # another user's view, a release
release=("${build[@]}" git dpkg-dev)

case "${1:-}" in
    build) wanted=("${build[@]}") ;;
    test) wanted=("${test[@]}") ;;
    release) wanted=("${release[@]}") ;;
    *) echo "usage: install_packages.sh build|test|release" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "no apt-get here; the packages by their Debian 12 names: ${wanted[*]}"
    exit 1
fi
missing=()
for package in "${wanted[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ -n "${CAPMILL_NO_INSTALL:-}" ]; then
    echo "not installed, as CAPMILL_NO_INSTALL is set: ${missing[*]}"
    exit 1
elif [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "not installed, for want of root and sudo: ${missing[*]}"
        exit 1
    fi
    as_root=(sudo)
fi

echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" \
        >"$log" 2>&1 </dev/null || { tail -n 30 "$log" >&2; return 1; }
}
apt update || echo "the package lists could not be renewed; trying with those that are here"
apt install -y --no-install-recommends "${missing[@]}"
