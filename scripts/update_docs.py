#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps what the program says about itself the same in docs/: each block

    <!-- begin: capmill help sort -->
    ...
    <!-- end -->

is replaced with what that command line prints; so is one of `capmill --example-config`, as TOML. With --check nothing is
written and a difference is a failure.

    update_docs.py --program build/capmill [--check]
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- begin: capmill (help[\w ]*|--example-config) -->\n).*?(<!-- end -->)", re.DOTALL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()

    def replace(match):
        done = subprocess.run([arguments.program.resolve(), *match.group(2).split()], capture_output=True, check=True)
        language = "text" if match.group(2).startswith("help") else "toml"
        return f"{match.group(1)}```{language}\n{done.stdout.decode()}```\n{match.group(3)}"

    n_blocks = n_stale = 0
    for page in sorted((ROOT / "docs").glob("*.md")):
        old = page.read_text(encoding="utf-8")
        new, n_found = BLOCK.subn(replace, old)
        n_blocks += n_found
        if new == old:
            continue
        n_stale += 1
        if arguments.check:
            print(f"{page.relative_to(ROOT)} is not what the program says: run scripts/update_docs.py")
        else:
            page.write_text(new, encoding="utf-8")
            print(f"{page.relative_to(ROOT)}: updated")
    if n_blocks == 0:
        print("docs/ has no blocks: the markers were lost")
        return 1
    return 1 if arguments.check and n_stale > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
