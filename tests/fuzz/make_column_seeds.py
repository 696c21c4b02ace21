#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the seeds of the fuzz target for columns from those for headers: all packets of a link type in one input, each
whole and cut in half.

usage: make_column_seeds.py    (from corpus/headers/ to corpus/columns/, beside this script)
"""
import collections
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def main():
    by_link = collections.defaultdict(list)
    for path in sorted((CORPUS / "headers").iterdir()):
        data = path.read_bytes()
        if len(data) >= 2:
            by_link[struct.unpack(">H", data[:2])[0]].append(data[2:])
    (CORPUS / "columns").mkdir(exist_ok=True)
    for link, packets in by_link.items():
        for bits in (0, 3):
            seed = struct.pack(">HBB", link, bits, bits)
            for packet in packets:
                for part in (packet, packet[: len(packet) // 2]):
                    seed += struct.pack(">H", len(part)) + part
            (CORPUS / "columns" / f"link-{link}-{bits}").write_bytes(seed)


main()
