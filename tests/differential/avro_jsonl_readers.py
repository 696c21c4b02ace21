#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Let fastavro and Python's json read tables of made-up rows, and compare value by value.

usage: avro_jsonl_readers.py ROWS_WRITE

ROWS_WRITE says on standard output what it wrote, in a form that needs no reader. Every codec that the build has;
seeds give other columns and rows. Exit status: 0 all is well, 1 something is not, 77 cannot run here (without the readers of
scripts/install_readers.sh).
"""
import base64
import datetime
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import tables

if not tables.enter():
    print("skipped: needs the readers of scripts/install_readers.sh")
    sys.exit(77)
import fastavro  # noqa: E402
import zstandard  # noqa: E402

# seed and bytes that a table is drawn from; the last one makes thousands of rows
TABLES = [(seed, 3000) for seed in range(1, 25)] + [(100, 0), (101, 1), (102, 40), (103, 200000)]
TYPES = {"uint8": "int", "uint16": "int", "uint32": "long", "uint64": "long", "int64": "long", "text": "string",
         "bytes": "bytes", "time_ns": {"type": "long", "logicalType": "timestamp-nanos"}}
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{9})Z")
MOST_EXACT = 1 << 53


class Wrong(Exception):
    pass


def write(tool, form, codec, table, path):
    """(columns, rows) as they were written; None where the build has not got the codec."""
    done = subprocess.run([tool, form, codec, str(table[0]), str(table[1]), str(path)], stdout=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode == 77:
        return None
    if done.returncode != 0:
        raise Wrong(f"rows_write {form} {codec} {table}: exit status {done.returncode}")
    head, body = done.stdout.split("\n\n", 1)
    columns = [line.split() for line in head.split("\n")]
    return columns, [line.split(" ") for line in body.split("\n")[:-1]]


def signed(number):
    return number - (1 << 64) if number >= 1 << 63 else number


def expected_avro(kind, text):
    if text == "-":
        return None
    if text[0] == "x":
        value = bytes.fromhex(text[1:])
        return value.decode("utf-8", "replace") if kind == "text" else value
    return signed(int(text))


def check_schema(schema, columns):
    wanted = []
    for name, kind, nullable, _ in columns:
        field = {"name": name, "type": TYPES[kind]}
        if nullable == "1":
            field |= {"type": ["null", TYPES[kind]], "default": None}
        wanted.append(field)
    found = [{key: value for key, value in field.items() if key != "doc"} for field in schema["fields"]]
    if schema["name"] != "Drawn" or schema.get("namespace") != "capmill" or found != wanted:
        raise Wrong(f"the schema is {schema}, expected fields {wanted}")


def check_avro(path, columns, rows, codec):
    with path.open("rb") as file:
        reader = fastavro.reader(file)
        if reader.codec != codec or reader.metadata["capmill.test"] != "rows_write":
            raise Wrong(f"codec and notes are {reader.metadata}")
        check_schema(json.loads(reader.metadata["avro.schema"]), columns)
        found = list(reader)  # times as numbers: fastavro leaves the logical type timestamp-nanos alone
    if len(found) != len(rows):
        raise Wrong(f"{len(found)} records, expected {len(rows)}")
    for number, (record, row) in enumerate(zip(found, rows)):
        for (name, kind, _, _), text in zip(columns, row):
            if record[name] != expected_avro(kind, text):
                raise Wrong(f"row {number}: {name} is {record[name]!r}, expected {text[:80]}")
        if list(record) != [column[0] for column in columns]:
            raise Wrong(f"row {number} has {list(record)}")


def time_ns(text):
    """Nanoseconds since 1970 of RFC 3339 text; by days since the year 1, so that years beyond Python's float are exact."""
    match = TIME.fullmatch(text)
    if not match:
        raise Wrong(f"'{text}' is no time")
    year, month, day, hour, minute, second, nanosecond = map(int, match.groups())
    days = datetime.date(year, month, day).toordinal() - datetime.date(1970, 1, 1).toordinal()
    return ((days * 24 + hour) * 60 + minute) * 60 * 10**9 + second * 10**9 + nanosecond


def value_of_json(kind, is_hex, found, form):
    """What JSON's value stands for, in the terms of expected_avro but with unsigned numbers."""
    if kind == "text":
        return found
    if kind == "bytes":
        value = base64.b64decode(found, validate=True)
        return zstandard.ZstdDecompressor().decompress(value) if form == "jsonl-packed" else value
    if kind == "time_ns":
        return time_ns(found)
    if is_hex == "1":
        if not re.fullmatch("[0-9a-f]{16}", found):
            raise Wrong(f"'{found}' are not 16 hexadecimal digits")
        return int(found, 16)
    wide = abs(int(found)) > MOST_EXACT
    if isinstance(found, str) != (form == "jsonl-wide" and wide and kind in ("uint64", "int64")):
        raise Wrong(f"{found!r} as {type(found)}")
    return int(found)


def expected_json(kind, text):
    if text[0] == "x":
        return expected_avro(kind, text)
    return signed(int(text)) if kind == "int64" else int(text)


def check_jsonl(path, columns, rows, codec, form):
    data = path.read_bytes()
    if codec == "gzip" and data:
        data = gzip.decompress(data)
    elif codec == "zstd" and data:
        data = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).readall()
    lines = data.decode("utf-8").split("\n")  # strict: all that is written is UTF-8
    if lines.pop() != "" or len(lines) != len(rows):
        raise Wrong(f"{len(lines)} lines, expected {len(rows)}")
    for number, (line, row) in enumerate(zip(lines, rows)):
        found = json.loads(line)  # strict: control characters must be escaped
        present = [(column, text) for column, text in zip(columns, row) if text != "-"]
        if list(found) != [column[0] for column, _ in present]:
            raise Wrong(f"line {number} has {list(found)}")
        for (name, kind, _, is_hex), text in present:
            if value_of_json(kind, is_hex, found[name], form) != expected_json(kind, text):
                raise Wrong(f"line {number}: {name} is {found[name]!r:.80}, expected {text[:80]}")


def plans():
    """(form, our codec, the reader's name of it)"""
    yield from (("avro", "none", "null"), ("avro", "deflate", "deflate"), ("avro", "snappy", "snappy"),
                ("avro", "zstd", "zstandard"), ("jsonl", "none", ""), ("jsonl", "gzip", "gzip"), ("jsonl-wide", "none", ""),
                ("jsonl", "zstd", "zstd"), ("jsonl-packed", "none", ""), ("jsonl-packed", "gzip", "gzip"))


def main():
    tool = sys.argv[1]
    n_rows = n_files = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "table"
        for form, codec, name in plans():
            for table in TABLES:
                written = write(tool, form, codec, table, path)
                if written is None:
                    print(f"{form} {codec}: not in this build")
                    break
                try:
                    if form == "avro":
                        check_avro(path, *written, name)
                    else:
                        check_jsonl(path, *written, codec, form)
                except (Wrong, ValueError, KeyError, EOFError) as fault:
                    print(f"{form} {codec}, seed {table[0]}: {fault}")
                    return 1
                n_files += 1
                n_rows += len(written[1])
    print(f"{n_files} files of {n_rows} rows, each value as it was written")
    return 0 if n_files and n_rows else 1


if __name__ == "__main__":
    sys.exit(main())
