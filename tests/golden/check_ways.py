#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program on the golden captures: every way of reading finds the same, and what the capture's description says.

usage: check_ways.py CAPMILL

Ways: one thread, three threads (ranges framed apart, seams proved), a mapping, reads in flight (one chain, rings), a pipe.
`info` must answer the same numbers, `sort` the same bytes, all ways alike. Exit status: 0 all right, 1 not.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
WAYS = (["--threads", "1"], ["--threads", "3"], ["--io", "mmap", "--threads", "2"], ["--io", "uring", "--threads", "3"], None)


def run(capmill, command, way, path):
    """None for a way that this build or system does not have."""
    if way is None:
        with open(path, "rb") as stdin:
            return subprocess.run([capmill, *command, "--threads", "2", "-"], stdin=stdin, capture_output=True, timeout=120)
    done = subprocess.run([capmill, *command, *way, path], capture_output=True, timeout=120)
    return None if b"--io uring: " in done.stderr else done


def info(capmill, way, path):
    done = run(capmill, ["info", "--json"], way, path)
    if done is None:
        return None
    if done.returncode not in (0, 3):
        return (done.returncode,)
    found = json.loads(done.stdout)["captures"][0]
    return (done.returncode,) + tuple(found.get(key) for key in (
        "packets", "captured_bytes", "damages", "damaged_bytes", "first_time_ns", "last_time_ns", "flows",
        "packets_out_of_order", "max_late_seconds", "sections"))


def sort(capmill, way, path, out):
    if os.path.exists(out):
        os.remove(out)
    done = run(capmill, ["sort", "--quiet", "-o", out], way, path)
    if done is None:
        return None
    if not os.path.exists(out):
        return (done.returncode, "absent")
    with open(out, "rb") as file:
        return (done.returncode, hashlib.sha256(file.read()).hexdigest())


def main():
    capmill = sys.argv[1]
    n_failed = 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, os.path.join(HERE, "make_golden.py"), folder], check=True, capture_output=True)
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                golden = json.load(file)
            path = os.path.join(folder, golden["file"])
            infos = [found for found in (info(capmill, way, path) for way in WAYS) if found is not None]
            sorts = [done for done in (sort(capmill, way, path, os.path.join(folder, "out")) for way in WAYS)
                     if done is not None]
            wrong = []
            if len(set(infos)) != 1:
                wrong.append("info differs by way: %s" % infos)
            if len(set(sorts)) != 1:
                wrong.append("sort differs by way: %s" % sorts)
            if golden["refused"]:
                if infos[0][0] != 1:
                    wrong.append("was to be refused, exit status %d" % infos[0][0])
            else:
                expected_bytes = sum(n for _, n in golden["damage"])
                if infos[0][1] != golden["packets"]:
                    wrong.append("%s packets, expected %d" % (infos[0][1], golden["packets"]))
                # neighbouring blocks that are skipped one by one are one place in the description
                if infos[0][4] != expected_bytes or infos[0][3] < len(golden["damage"]):
                    wrong.append("damage %s, expected %s" % (infos[0][3:5], golden["damage"]))
                if infos[0][0] != (3 if golden["damage"] else 0):
                    wrong.append("exit status %d" % infos[0][0])
            if wrong:
                n_failed += 1
                print("%s (%s): %s" % (golden["file"], golden["about"], "; ".join(wrong)))
    print("%d golden captures, %d wrong" % (len(names), n_failed))
    return 1 if n_failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
