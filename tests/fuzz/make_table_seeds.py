#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the seeds of the fuzz targets for table encoders (tests/tools/drawn_table.c says what the bytes mean).

    make_table_seeds.py         writes corpus/avro and corpus/jsonl beside this file
"""
import pathlib
import random

# of cm_column_type, less one
UINT8, UINT16, UINT32, UINT64, INT64, TIME, TEXT, BYTES = range(8)
NULLABLE, HEX, DOC, NONE_ABSENT = 1, 2, 4, 8


def number(value, n):
    return bytes([n]) + value.to_bytes(n, "big")


def span(value):
    return bytes([len(value)]) + value


def table(options, columns, values):
    """Bytes of a table; `values` are those of all rows one after the other, with the presence of nullable ones."""
    return bytes([options, len(columns) - 1]) + b"".join(map(bytes, columns)) + b"".join(values)


PACKET = [(INT64, 0), (TEXT, NULLABLE | DOC), (UINT16, NULLABLE), (UINT64, NULLABLE | HEX), (UINT32, 0), (TIME, 0),
          (BYTES, NULLABLE | NONE_ABSENT)]
PACKET_ROWS = [number(1700000000 * 10**9, 8), b"\1", span(b"192.168.0.1"), b"\1", number(443, 2), b"\1",
               number(0x0123456789abcdef, 8), number(64, 1), number(1700000000 * 10**9, 8), span(bytes(range(64))),
               number(2**64 - 1, 8), b"\0", b"\0", b"\0", number(0, 0), number(2**64 - 1, 8), span(b"")]
TEXTS = [b"", b"plain words, and more", b"\"quoted\" \\ and \x00\x01\x1f\n\r\t\b\f", "Grüße, €, 😀".encode(), b"\xff\x80cut \xe2\x82",
         b"\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf", b"eight by", b"\xe1\x80\xe2\xf0\x91\x92\xf1\xbfA"]


def seeds():
    yield "empty", b""
    yield "one_column_no_rows", bytes([0, 0, BYTES, 0])
    for options in range(4):
        yield f"packets_{options}", table(options, PACKET, PACKET_ROWS)
        yield f"long_values_{options}", table(options, [(TEXT, 0), (BYTES, NULLABLE)],
                                              [bytes([250, 1, 250]), bytes([255, 0]), bytes([252, 1, 254])])
    yield "texts", table(0, [(TEXT, 0)], map(span, TEXTS))
    yield "numbers", table(2, [(UINT8, 0), (UINT16, 0), (UINT32, 0), (UINT64, 0), (INT64, 0)],
                           [number(value, 8) for bits in (0, 6, 7, 13, 14, 31, 32, 53, 54, 63, 64)
                            for value in [max((1 << bits) - 1, 0)] * 5])
    yield "sizes", table(3, [(BYTES, 0)], [span(bytes([n] * n)) for n in (0, 1, 2, 3, 5, 6, 23, 24, 27, 28, 29, 48, 52, 63, 64, 200)])
    dice = random.Random(1)
    yield "random", bytes(dice.randrange(256) for _ in range(3000))


def main():
    for target in ("avro", "jsonl"):
        folder = pathlib.Path(__file__).resolve().parent / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
