#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every #include in src/ against src/layers.txt, and keeps systems and their headers inside src/os/.

    check_layers.py [ROOT]        exit status 0: all as the table says; 1: each fault on a line of its own
    check_layers.py --self-test   the rules, tried on made-up lines

A room is a folder of src/; it includes itself, the rooms of its row, and of the API what its row says (`api`: any
capmill/*.h; `errors`: capmill/errors.h). src/pipeline alone implements the API, so it has the row for it. Headers of the C
library may be included anywhere; outside libraries only by the rooms of THIRD_PARTY; the system's only by src/os/.
"""
import pathlib
import re
import sys

C_LIBRARY = {f"{name}.h" for name in (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbool stddef stdint stdio stdlib stdnoreturn string tgmath time uchar wchar wctype").split()}
# Headers of libraries that every system has, and the rooms that may use them.
THIRD_PARTY = {
    "xxhash.h": {"flow", "format"},
    "hs/hs.h": {"filter"},
    "pcap/pcap.h": {"filter"},
    "toml++/toml.h": {"toml"},
    "nettle/aes.h": {"transform"},
    "nettle/hmac.h": {"transform"},
    "nettle/version.h": {"transform"},
    # tells the sanitizer what memory of a pool is in use; there only while one is switched on
    "sanitizer/asan_interface.h": {"core"},
}
# What names a system or a compiler that only one system has. Asking for a capability needs no such name.
SYSTEM_NAMES = re.compile(
    r"\b(_WIN32|_WIN64|WIN32|__MINGW32__|__MINGW64__|__CYGWIN__|_MSC_VER|__linux__|__linux|linux|__unix__|__unix|"
    r"__APPLE__|__FreeBSD__|__NetBSD__|__OpenBSD__|__ANDROID__|_POSIX_VERSION)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b(.*)")
PUBLIC_SYSTEM_NAMES = {"include/capmill/errors.h"}  # how a symbol is exported differs


def read_table(text):
    """{room: set of what it may include}"""
    table = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        room, colon, allowed = line.partition(":")
        if not colon or room.strip() in table:
            raise ValueError(f"layers.txt:{number}: not 'room: rooms', or a second row for one room: {line}")
        table[room.strip()] = set(allowed.split())
    return table


def fault_of_include(table, room, quoted, name):
    """What is wrong with `#include name` in a file of `room`, or None."""
    first, slash, rest = name.partition("/")
    allowed = table[room]
    if first == "capmill" and slash:
        if "api" in allowed or ("errors" in allowed and rest == "errors.h"):
            return None
        return f"{room} may not include {name}"
    if quoted:
        if slash and first == room or slash and first in table and first in allowed:
            return None
        if slash and first in table:
            return f"{room} may not include {first} ({name})"
        if name == "capmill_version.h" and room == "pipeline":
            return None  # made by CMake
        return f"{name}: not ROOM/FILE.h"
    if name in C_LIBRARY or room == "os" or room in THIRD_PARTY.get(name, ()):
        return None
    if name in THIRD_PARTY:
        return f"{room} may not include <{name}>: see THIRD_PARTY in check_layers.py"
    return f"<{name}> is the system's: only src/os/ includes it"


def faults_of_file(table, room, text):
    """[(line number, fault)] of a source file. Comments are not removed: an include in one is odd enough to look at."""
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        include = INCLUDE.match(line)
        if include:
            fault = fault_of_include(table, room, include.group(1) == '"', include.group(2))
            if fault:
                faults.append((number, fault))
        condition = CONDITION.match(line)
        if condition and room != "os":
            system = SYSTEM_NAMES.search(condition.group(2))
            if system:
                faults.append((number, f"{system.group(1)} outside src/os/"))
    return faults


def check(root):
    table = read_table((root / "src/layers.txt").read_text(encoding="utf-8"))
    faults, n_files = [], 0
    words = set(table) | {"api", "errors"}
    for room, allowed in table.items():
        faults += [f"src/layers.txt: {room} names {word}, which is no room" for word in sorted(allowed - words)]
    sources = [path for path in (root / "src").rglob("*") if path.suffix in (".c", ".h", ".cpp")]
    for path in sorted(sources):
        place = path.relative_to(root)
        n_files += 1
        if len(place.parts) < 3 or place.parts[1] not in table:
            faults.append(f"{place}: lies in no room of src/layers.txt")
            continue
        for number, fault in faults_of_file(table, place.parts[1], path.read_text(encoding="utf-8")):
            faults.append(f"{place}:{number}: {fault}")
    for path in sorted((root / "include").rglob("*.h")):
        n_files += 1
        place = str(path.relative_to(root))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            include = INCLUDE.match(line)
            if include and include.group(2) not in C_LIBRARY and not include.group(2).startswith("capmill/"):
                faults.append(f"{place}:{number}: a public header includes {include.group(2)}")
            condition = CONDITION.match(line)
            if condition and SYSTEM_NAMES.search(condition.group(2)) and place not in PUBLIC_SYSTEM_NAMES:
                faults.append(f"{place}:{number}: {condition.group(0).strip()}")
    return n_files, faults


def self_test():
    table = read_table("# rooms\ncli: api base\nsort: core base # no sink\ncore: os base\nos: base\nbase: errors\n")
    bad = {
        "cli": ['#include "core/ring.h"', "#include <unistd.h>", "#ifdef _WIN32", "#  if defined(__linux__)"],
        "sort": ['#include "sink/reunite.h"', '#include "order.h"', "#include <sys/mman.h>", "#include <pthread.h>",
                 '#include "capmill/capmill.h"', "#include <xxhash.h>", " # include <windows.h>",
                 "#elif defined(_MSC_VER)", "#include <linux/futex.h>", '#include "../sort/order.h"'],
        "base": ['#include "core/ring.h"', '#include "capmill/capmill.h"'],
    }
    good = {
        "cli": ['#include "capmill/capmill.h"', '#include "cli/options.h"', "#include <stdio.h>"],
        "sort": ['#include "core/ring.h"', "#ifdef CM_SORT_H", "/* _WIN32 */", "#include <stdatomic.h>"],
        "os": ["#ifdef _WIN32", "#include <windows.h>", "#include <sys/mman.h>"],
        "base": ['#include "capmill/errors.h"', "#include <time.h>"],
    }
    wrong = [f"accepted in {room}: {line}" for room, lines in bad.items() for line in lines
             if not faults_of_file(table, room, line)]
    wrong += [f"refused in {room}: {line}" for room, lines in good.items() for line in lines
              if faults_of_file(table, room, line)]
    for text in ("a: b\na: c\n", "just words\n"):
        try:
            read_table(text)
            wrong.append(f"table accepted: {text!r}")
        except ValueError:
            pass
    return wrong


def main():
    if sys.argv[1:] == ["--self-test"]:
        wrong = self_test()
        print("\n".join(wrong) if wrong else "the rules hold")
        return 1 if wrong else 0
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    n_files, faults = check(root)
    print("\n".join(faults) if faults else f"{n_files} files, each within its row of src/layers.txt")
    return 1 if faults or n_files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
