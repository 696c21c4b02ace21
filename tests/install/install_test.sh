#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs a build into a folder of its own, moves the folder, and makes user.c against what lies there, in each way that
# docs/library.md names: install_test.sh CMAKE BUILD_FOLDER C_COMPILER GENERATOR. 77: no pkg-config here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cmake=$1 build=$2 compiler=$3 generator=$4
command -v pkg-config >/dev/null || { echo "skipped: no pkg-config"; exit 77; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
"$cmake" --install "$build" --prefix "$folder/first" >/dev/null
mv "$folder/first" "$folder/moved"
prefix=$folder/moved
libraries=$(dirname "$(find "$prefix" -name 'libcapmill.so')")
export PKG_CONFIG_PATH="$libraries/pkgconfig"
cd "$folder"

expect() { # TEXT COMMAND...: the command prints exactly this
    text=$1
    shift
    printed=$("$@") || { echo "failed: $*"; exit 1; }
    [ "$printed" = "$text" ] || { echo "$*: printed '$printed', expected '$text'"; exit 1; }
}
there() { # PATH...: installed
    for path in "$@"; do
        [ -s "$prefix/$path" ] || { echo "not installed: $path"; exit 1; }
    done
}

version=$(pkg-config --modversion capmill)
there bin/capmill include/capmill/capmill.h include/capmill/errors.h include/capmill/rules.h \
    include/capmill/changes.h share/man/man1/capmill.1 \
    share/man/man1/capmill-sort.1 share/doc/capmill/README.md share/doc/capmill/docs/sort.md \
    share/doc/capmill/LICENSE share/doc/capmill/config.example.toml share/bash-completion/completions/capmill \
    share/zsh/site-functions/_capmill share/fish/vendor_completions.d/capmill.fish share/capmill/recipes/sample-10mb.recipe
[ "$(find "$prefix/include" -type f | wc -l)" -eq 4 ] || { echo "a header too many is installed"; exit 1; }
"$prefix/bin/capmill" --version | grep -F "$version" >/dev/null || { echo "capmill --version is not $version"; exit 1; }
"$prefix/bin/capmill" generate --packets 1234 --seed 1 -o sample.pcap 2>/dev/null

echo "pkg-config, shared library"
# word splitting is meant: these are lists of options
"$compiler" -Wall -Wextra -Werror "$here/user.c" $(pkg-config --cflags --libs capmill) -o with_shared
expect "$version 1234" env LD_LIBRARY_PATH="$libraries" ./with_shared sample.pcap
rm "$prefix/bin/capmill"

echo "pkg-config, archive"
mkdir archive
cp "$libraries/libcapmill.a" archive
"$compiler" -Wall -Wextra -Werror "$here/user.c" $(pkg-config --cflags capmill) -Larchive \
    $(pkg-config --libs --static capmill | sed 's/-L[^ ]*//') -o with_archive
expect "$version 1234" ./with_archive sample.pcap

echo "find_package"
mkdir project
cat > project/CMakeLists.txt <<PROJECT
cmake_minimum_required(VERSION 3.22)
project(user C)
find_package(capmill ${version} REQUIRED)
add_executable(user_shared $here/user.c)
target_link_libraries(user_shared PRIVATE capmill::shared)
add_executable(user_static $here/user.c)
target_link_libraries(user_static PRIVATE capmill::static)
PROJECT
"$cmake" -S project -B project/build -G "$generator" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
"$cmake" --build project/build >/dev/null
expect "$version 1234" project/build/user_shared sample.pcap
expect "$version 1234" project/build/user_static sample.pcap
