#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the golden captures and check that the framer finds in each what make_golden.py says, read whole and in small pieces.

usage: check_golden.py FRAME_DUMP [--rewrite REWRITE] [--keep FOLDER]

With --rewrite the captures that are not refused are also written again as pcapng in both byte orders, and read once more:
nothing may be damaged then, and time, lengths and link type of every packet must be as before.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile

PIECES = (None, 4096, 65536)


def dump(tool, path, piece):
    command = [tool] + (["--block", str(piece)] if piece else []) + [path]
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()


def found_in(lines):
    """What frame_dump printed, in the words of the expectation; touching damage is one place."""
    packets, damage, refused = [], [], None
    for line in lines:
        words = line.split()
        if words[0] == "packet":
            values = dict(zip(words[2::2], words[3::2]))
            packets.append(tuple(int(values[key]) for key in ("time_ns", "caplen", "origlen", "link_type", "offset")))
        elif words[0] == "damage":
            offset, n = int(words[2]), int(words[4])
            if damage and n and damage[-1][1] and damage[-1][0] + damage[-1][1] == offset:
                damage[-1][1] += n
            else:
                damage.append([offset, n])
        elif words[0] == "error":
            refused = line
    return packets, damage, refused


def differences(expected, lines):
    packets, damage, refused = found_in(lines)
    if expected["refused"] is not None:
        if refused is None or expected["refused"] not in refused:
            yield f"is not refused for {expected['refused']!r}: {refused}"
        return
    if refused is not None:
        yield f"is refused: {refused}"
    if len(packets) != expected["packets"]:
        yield f"{len(packets)} packets, expected {expected['packets']}"
    if damage != expected["damage"]:
        yield f"damage {damage}, expected {expected['damage']}"
    times = [packet[0] for packet in packets]
    if (min(times, default=None), max(times, default=None)) != (expected["earliest_ns"], expected["latest_ns"]):
        yield f"times {min(times, default=None)} to {max(times, default=None)}"
    digest = hashlib.sha256(b"".join(b"%d %d %d %d %d\n" % packet for packet in packets))
    if digest.hexdigest() != expected["packets_sha256"]:
        yield "packets differ in time, lengths, link type or place"


def rewritten_differences(tools, path, folder):
    before, _, _ = found_in(dump(tools.frame_dump, path, None))
    for order in ("little", "big"):
        out = os.path.join(folder, "rewritten.pcapng")
        done = subprocess.run([tools.rewrite, "--to", "pcapng", "--order", order, path, out], capture_output=True, text=True)
        if done.returncode not in (0, 3):
            yield f"rewrite {order}: {done.returncode} {done.stderr}"
            continue
        after, damage, refused = found_in(dump(tools.frame_dump, out, None))
        if damage or refused:
            yield f"rewritten {order}: damage {damage} {refused}"
        if [packet[:4] for packet in before] != [packet[:4] for packet in after]:
            yield f"rewritten {order}: packets differ"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("frame_dump")
    parser.add_argument("--rewrite")
    parser.add_argument("--keep")
    tools = parser.parse_args()
    n_cases = n_failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = tools.keep or temporary
        maker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "make_golden.py")
        subprocess.run([sys.executable, maker, folder], check=True)
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".json"):
                continue
            n_cases += 1
            with open(os.path.join(folder, name)) as file:
                expected = json.load(file)
            path = os.path.join(folder, expected["file"])
            failures = []
            for piece in PIECES:
                failures += [f"{'whole' if piece is None else piece}: {difference}"
                             for difference in differences(expected, dump(tools.frame_dump, path, piece))]
            if tools.rewrite and expected["refused"] is None:
                failures += rewritten_differences(tools, path, temporary)
            n_failures += len(failures)
            for failure in failures:
                print(f"{expected['file']}: {failure[:600]}")
    print(f"{n_cases} golden captures, {n_failures} differences")
    return 1 if n_failures or n_cases == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
