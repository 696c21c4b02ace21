#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names of files: each is there once (a report, a debugger and a person say the name without its folder), none is a drawer
for everything, and every source is named by its room's CMakeLists.txt. Names in the code: scripts/check_symbols.sh.

    check_names.py [ROOT]
"""
import collections
import pathlib
import re
import sys

DRAWERS = {"common", "util", "utils", "misc", "helpers", "helper", "stuff"}
PERMITTED = re.compile(r"^[a-z0-9][a-z0-9_]*\.(c|cpp|h|txt|cmake|h\.in)$")
MANY = {"CMakeLists.txt", "README.md"}


def check(root):
    faults = []
    places = collections.defaultdict(list)
    paths = [path for folder in ("src", "include", "tests/unit", "tests/stress", "tests/fuzz", "tests/tools")
             for path in sorted((root / folder).rglob("*")) if path.is_file() and "corpus" not in path.parts]
    for path in paths:
        place = path.relative_to(root)
        if path.name in MANY:
            continue
        if path.suffix in (".c", ".cpp", ".h"):
            places[path.name].append(str(place))
        if place.parts[0] == "src" and not PERMITTED.match(path.name):
            faults.append(f"{place}: names in src/ are lower case words joined by _, and end in .c, .cpp or .h")
        drawers = DRAWERS & {part.split(".")[0] for part in place.parts}
        if drawers:
            faults.append(f"{place}: '{drawers.pop()}' says nothing of what lies in it")
    for name, where in sorted(places.items()):
        if len(where) > 1:
            faults.append(f"{name}: {len(where)} files of one name: {', '.join(where)}")

    for source in sorted([*(root / "src").rglob("*.c"), *(root / "src").rglob("*.cpp")]):
        room = root / "src" / source.relative_to(root / "src").parts[0]
        listed = (room / "CMakeLists.txt").read_text(encoding="utf-8")
        if not re.search(rf"(?<![\w]){re.escape(str(source.relative_to(room)))}\b", listed):
            faults.append(f"{source.relative_to(root)}: not in {room.relative_to(root)}/CMakeLists.txt")
    return len(paths), faults


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    n_files, faults = check(root)
    print("\n".join(faults) if faults else f"{n_files} files, each with a name of its own")
    return 1 if faults or n_files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
