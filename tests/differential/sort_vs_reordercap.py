#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare `capmill sort` with reordercap, packet for packet, and with itself, over a folder of captures.

usage: sort_vs_reordercap.py CAPMILL [--captures FOLDER] [--only GLOB]

Every file that reordercap reads to its end: the same packets (link type, time, lengths, bytes, comments) in the same order.
And every file that capmill reads: the same bytes for one thread and for three, by every kind of input there is (read, mmap,
uring, a pipe), and when the result is sorted again. Exit status: 0 equal, 1 different, 77 cannot run here.

Where the two disagree on purpose, RULES says so, each with its reason; one that nothing needs any more is a difference.
"""
import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile

import rewrite_vs_tshark as captures

# name: reason
BEYOND = "a fraction of more than a second is added to the seconds here; reordercap overflows or orders by seconds first"
NO_TIME = "packets without a time stay behind the packet before them; reordercap writes them with whatever its buffer held"
ZEROS = "a hole of zeros: reordercap takes each 16 of them for an empty packet"
FURTHER = "the packet behind the damage is found again; reordercap ends at the damage"
RULES = {
    "formats/gopacket_epb.pcapng": "reordercap writes a queue option that its own reader refuses",
    "formats/gopacket_test901-le.pcapng": "a section of an unknown version is skipped; reordercap ends there",
    "formats/pcapng-gen_test010-le.pcapng": NO_TIME,
    "formats/pcapng-gen_test011-be.pcapng": NO_TIME,
    "formats/pcapng-gen_test011-le.pcapng": NO_TIME,
    "formats/pcapng-gen_test012-le.pcapng": NO_TIME,
    "formats/pcapng-gen_test016-le.pcapng": NO_TIME,
    "formats/pcapng-gen_test018-le.pcapng": NO_TIME,
    "formats/pcapng-gen_test201-be.pcapng": NO_TIME,
    "formats/pcapng-gen_test201-le.pcapng": NO_TIME,
    "formats/tcpdump_timestamp_invalid_micro.pcap": BEYOND,
    "linktypes/tcpflow_bug8.pcap": BEYOND,
    "malformed/pcapplusplus_crash-exception-cast-constructed-record.pcap": FURTHER,
    "malformed/pcapplusplus_fuzz-crash-8534c6.pcap": ZEROS,
    "malformed/suricata-verify_bug-6875-01_fuzz.pcap": BEYOND,
    "malformed/tcpdump_bgp_vpn_rt-oobr.pcap": ZEROS,
    "malformed/tcpdump_pim_header_asan-2.pcap": BEYOND,
}


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False, **more)


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def by_reordercap(path, folder):
    """The packets as reordercap orders them, or None where it does not read the file."""
    out = os.path.join(folder, "reference")
    done = run(["reordercap", path, out])
    if done.returncode != 0 or not os.path.exists(out):
        return None
    packets, _, whole, _ = captures.normal_form(out, folder)
    return packets if whole else None


def ways(capmill, path, out):
    """Commands that must all give the same bytes."""
    yield "threads 1", [capmill, "sort", "--quiet", "--force", "--threads", "1", "-o", out, path], None
    yield "threads 3", [capmill, "sort", "--quiet", "--force", "--threads", "3", "-o", out, path], None
    yield "mmap", [capmill, "sort", "--quiet", "--force", "--io", "mmap", "-o", out, path], None
    yield "uring", [capmill, "sort", "--quiet", "--force", "--io", "uring", "--threads", "3", "-o", out, path], None
    yield "pipe", [capmill, "sort", "--quiet", "--force", "--threads", "2", "-o", out, "-"], path


def compare(capmill, folder, name, path):
    """What differs, as texts; None where capmill does not read the file."""
    # a name that asks for no format, so that the input decides
    ours = os.path.join(folder, "ours")
    out = os.path.join(folder, "out")
    done = run([capmill, "sort", "--quiet", "--force", "-o", ours, path])
    if done.returncode not in (0, 3):
        return None if done.returncode == 1 else ["exit status %d" % done.returncode]
    differences = []
    expected = by_reordercap(path, folder)
    if expected is not None:
        packets, _, whole, said = captures.normal_form(ours, folder)
        if not whole:
            differences.append("reordercap's result is readable, ours is not: " + said.strip())
        elif [p.key(True) for p in packets] != [p.key(True) for p in expected]:
            at = next((i for i, (a, b) in enumerate(zip(packets, expected)) if a.key(True) != b.key(True)),
                      min(len(packets), len(expected)))
            differences.append("%d packets, reordercap %d; first difference at packet %d"
                               % (len(packets), len(expected), at + 1))
    first = read_bytes(ours)
    for way, command, given in ways(capmill, path, out):
        if given:
            with open(given, "rb") as stdin:
                other = run(command, stdin=stdin)
        else:
            other = run(command)
        if way == "uring" and b"io_uring is not in this build" in other.stderr:
            continue
        if other.returncode != done.returncode or read_bytes(out) != first:
            differences.append("%s: exit status %d, other bytes" % (way, other.returncode))
    again = run([capmill, "sort", "--quiet", "--force", "-o", out, ours])
    if again.returncode != 0 or read_bytes(out) != first:
        differences.append("sorted again: exit status %d, other bytes" % again.returncode)
    for file in os.listdir(folder):
        os.remove(os.path.join(folder, file))
    return differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capmill")
    parser.add_argument("--captures", default=os.environ.get("CAPMILL_CAPTURES", os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "captures")))
    parser.add_argument("--only", default="*")
    arguments = parser.parse_args()
    if not os.path.isdir(arguments.captures) or shutil.which("reordercap") is None or shutil.which("editcap") is None:
        print("skipped: no captures at hand, or no reordercap or editcap")
        return 77
    n_compared, n_different, unused = 0, 0, set(RULES)
    with tempfile.TemporaryDirectory() as folder:
        for directory, _, files in sorted(os.walk(arguments.captures)):
            for file in sorted(files):
                path = os.path.join(directory, file)
                name = os.path.relpath(path, arguments.captures)
                if not fnmatch.fnmatch(name, arguments.only) or name.split(os.sep)[0] == "licences":
                    continue
                differences = compare(arguments.capmill, folder, name, path)
                if differences is None:
                    continue
                n_compared += 1
                if name in RULES and differences and "reordercap" in differences[0]:
                    unused.discard(name)
                    differences = differences[1:]
                if differences:
                    n_different += 1
                    print("%s: %s" % (name, "; ".join(differences)))
    if arguments.only == "*" and unused:
        n_different += len(unused)
        print("rules that nothing needs: " + ", ".join(sorted(unused)))
    print("%d captures compared, %d different" % (n_compared, n_different))
    return 1 if n_different else 0


if __name__ == "__main__":
    sys.exit(main())
