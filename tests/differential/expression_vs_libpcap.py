#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every capture of the collection with every listed filter expression: do we keep the packets that libpcap keeps?

usage: expression_vs_libpcap.py BPF_COMPARE [--captures FOLDER]

One process of tests/tools/bpf_compare does it all. Exit status: 0 equal, 1 different, 77 cannot run here.
"""
import argparse
import os
import pathlib
import subprocess
import sys

FEWEST_FILES = 100  # fewer that libpcap opens: the collection is not what it should be, and the test shows nothing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bpf_compare")
    here = pathlib.Path(__file__).resolve()
    parser.add_argument("--captures", default=os.environ.get("CAPMILL_CAPTURES", here.parents[3] / "shared" / "captures"))
    arguments = parser.parse_args()
    files = sorted(str(path) for path in pathlib.Path(arguments.captures).glob("**/*")
                   if path.is_file() and path.suffix in (".pcap", ".pcapng", ".cap", ".ntar"))
    if not files:
        print(f"no captures in {arguments.captures}")
        return 77
    done = subprocess.run([arguments.bpf_compare, *files], stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    print("\n".join(lines[:40] if len(lines) <= 41 else lines[:40] + ["..."] + lines[-1:]))
    if done.returncode not in (0, 1, 77):
        print(f"bpf_compare ended with {done.returncode}")
        return 1
    if done.returncode == 0 and int(lines[-1].split()[0]) < FEWEST_FILES:
        print(f"fewer than {FEWEST_FILES} captures were read")
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
