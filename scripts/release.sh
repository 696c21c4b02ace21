#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes what a release gives away, from the last commit, and tries it: scripts/release.sh [FOLDER]
#
#   capmill-VERSION.tar.gz        the sources; the same bytes from the same commit, whoever makes it
#   capmill_VERSION_ARCH.deb      program, library, headers, pkg-config and CMake files, man pages, documentation
#   SHA256SUMS
#
# FOLDER is dist/ in the build folder where none is given. 77: not a git checkout.
set -euo pipefail

here=$PWD
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
out=${1:-$root/build/dist}
case $out in
    /*) ;;
    *) out=$here/$out ;;
esac
cd "$root"
# The checkout may belong to somebody else, as it does in a container.
git() {
    command git -c safe.directory="$root" "$@"
}
for tool in git dpkg-deb dpkg-shlibdeps cmake ninja strip; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
git rev-parse --verify HEAD >/dev/null 2>&1 || { echo "not a git checkout"; exit 77; }
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "note: uncommitted changes are not in it"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(git show HEAD:CMakeLists.txt | sed -n 's/^project(capmill VERSION \([0-9.]*\).*/\1/p')
[ -n "$version" ] || { echo "CMakeLists.txt names no version"; exit 1; }
name=capmill-$version
# Every date within is the commit's.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
mkdir -p "$out"

# git archive writes the commit's time and no owner; gzip -n neither name nor time.
git archive --format=tar --prefix="$name/" HEAD | gzip -9n >"$work/$name.tar.gz"
git archive --format=tar --prefix="$name/" HEAD | gzip -9n | cmp - "$work/$name.tar.gz"

# The package is built from the archive: what is not committed cannot get in.
tar -xzf "$work/$name.tar.gz" -C "$work"
cd "$work/$name"
architecture=$(dpkg --print-architecture)
flags="-g0 -ffile-prefix-map=$work/$name=. -D_FORTIFY_SOURCE=2 -fstack-protector-strong"
cmake -S . -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAPMILL_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr \
    -DCMAKE_INSTALL_LIBDIR="lib/$(gcc -print-multiarch)" -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" \
    -DCMAKE_EXE_LINKER_FLAGS='-Wl,-z,relro,-z,now' -DCMAKE_SHARED_LINKER_FLAGS='-Wl,-z,relro,-z,now' >/dev/null
cmake --build "$work/build" >"$work/build.log" || { tail -n 40 "$work/build.log"; exit 1; }

package=$work/package
DESTDIR=$package cmake --install "$work/build" --strip >/dev/null
doc=$package/usr/share/doc/capmill
rm "$doc/LICENSE" # Debian has its text in common-licenses
gzip -9n "$package"/usr/share/man/man1/*.1
mv "$doc/CHANGELOG.md" "$doc/changelog" && gzip -9n "$doc/changelog"
cat >"$doc/copyright" <<'TEXT'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: capmill

Files: *
Copyright: the capmill authors
License: Apache-2.0
 On Debian systems the text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
TEXT
mkdir "$package/DEBIAN"
# What the program and the library load, as packages with the versions that have the symbols they use.
mkdir -p "$work/shlibs/debian"
printf 'Source: capmill\n\nPackage: capmill\nArchitecture: any\n' >"$work/shlibs/debian/control"
depends=$(cd "$work/shlibs" && dpkg-shlibdeps -O "$package/usr/bin/capmill" \
    "$package"/usr/lib/*/libcapmill.so.*.*.* 2>"$work/shlibs.log" | sed -n 's/^shlibs:Depends=//p') || cat "$work/shlibs.log"
[ -n "$depends" ] || { echo "what the program loads belongs to no package"; exit 1; }
cat >"$package/DEBIAN/control" <<TEXT
Package: capmill
Version: $version
Architecture: $architecture
Section: net
Priority: optional
Maintainer: the capmill authors
Depends: $depends
Installed-Size: $(du -sk --exclude=DEBIAN "$package" | cut -f 1)
Description: high-throughput batch processor for packet captures
 capmill reads captures in pcap and pcapng format, tells what is in them,
 puts their packets in order of time, and makes synthetic captures. This
 package has the program, its library and what is needed to build with it.
TEXT
echo 'activate-noawait ldconfig' >"$package/DEBIAN/triggers"
(cd "$package" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$package/DEBIAN/md5sums"
chmod -R u=rwX,go=rX "$package"
deb=capmill_${version}_${architecture}.deb
dpkg-deb --root-owner-group --build "$package" "$work/$deb" >/dev/null

# Try it: unpacked elsewhere, the program runs, the man page is there, and a program links.
there=$work/installed
dpkg-deb --extract "$work/$deb" "$there"
[ "$(dpkg-deb --field "$work/$deb" Version)" = "$version" ]
"$there/usr/bin/capmill" --version | grep -F "$version" >/dev/null
for path in usr/share/man/man1/capmill-sort.1.gz usr/include/capmill/capmill.h usr/share/doc/capmill/copyright \
    usr/share/doc/capmill/changelog.gz "usr/lib/$(gcc -print-multiarch)/pkgconfig/capmill.pc"; do
    [ -s "$there/$path" ] || { echo "$deb lacks $path"; exit 1; }
done
# what the archive needs beside itself, as a program would be told
beside=$(sed -n 's/^Libs.private: //p' "$there/usr/lib/$(gcc -print-multiarch)/pkgconfig/capmill.pc")
for form in so a; do
    library=$there/usr/lib/$(gcc -print-multiarch)/libcapmill.$form
    gcc tests/install/user.c -I"$there/usr/include" "$library" $beside -o "$work/user"
    "$there/usr/bin/capmill" generate --packets 321 --quiet --force -o "$work/sample.pcap"
    [ "$(LD_LIBRARY_PATH=$(dirname "$library") "$work/user" "$work/sample.pcap")" = "$version 321" ]
done
if grep -rlF "$work" "$there" | grep .; then
    echo "these name the folder they were built in"
    exit 1
fi

cd "$work"
sha256sum "$name.tar.gz" "$deb" >SHA256SUMS
mv "$name.tar.gz" "$deb" SHA256SUMS "$out/"
echo "in $out:"
cat "$out/SHA256SUMS"
