#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Parquet files as others read them: table_write makes tables of made-up rows, pyarrow and DuckDB give back every value, and
find types, statistics, indexes and bloom filters to be what the format says and the rows have.

    parquet_readers.py TABLE_WRITE

77 without them (scripts/install_readers.sh).
"""
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
import duckdb  # noqa: E402
import pyarrow  # noqa: E402
import pyarrow.parquet  # noqa: E402

# What is made: a name, and how. Between them: every codec, every type with every habit, nulls none, some and all, parts and
# row groups of many sizes, dictionaries that fit and that overflow, texts longer than statistics keep, payloads of nothing
# and of more than 256 KiB, and pages cut within a part.
TABLES = {
    "empty": "rows=0",
    "one row": "rows=1",
    "one row of nothing": "rows=1 nulls=100 bytes=0",
    "packets": "rows=60000 nulls=7",
    "packets with zstd": "rows=30000 nulls=7 codec=zstd level=5",
    "packets with gzip": "rows=10000 codec=gzip",
    "packets with lz4": "rows=30000 nulls=1 codec=lz4",
    "packets with no codec": "rows=30000 codec=none",
    "odd parts": "rows=5003 part_rows=7 nulls=30",
    "large parts": "rows=150000 part_rows=65536 nulls=3 bytes=20",
    "row groups by rows": "rows=40000 part_rows=1000 row_group_rows=3500 nulls=5",
    "row groups by bytes": "rows=40000 part_rows=1000 row_group_bytes=1000000",
    "each part a row group": "rows=3000 part_rows=100 row_group_bytes=1",
    "types": "rows=20000 schema=types nulls=20 backwards=1",
    "types without nulls": "rows=20000 schema=types nulls=0",
    "types of nothing": "rows=5000 schema=types nulls=100",
    "types with long texts": "rows=9000 schema=types nulls=10 text=200 distinct=3000",
    "one value a column": "rows=20000 distinct=1 nulls=50",
    "dictionaries that overflow": "rows=600000 part_rows=32768 distinct=400000 bytes=4 schema=bloom",
    "dictionaries that overflow, of long texts": "rows=100000 part_rows=8192 distinct=30000 text=400 nulls=2 bytes=8",
    "long payloads": "rows=300 bytes=300000 part_rows=64",
    "payloads of none": "rows=3000 bytes=0",
    "bloom filters": "rows=50000 schema=bloom row_group_rows=10000 distinct=2000 nulls=3",
}
NUMBERS = {"uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "int64": "int64"}


def type_of(name):
    """What a column is read as, by the name that made_table.c gives it."""
    of_packets = {"timestamp_ns": "int64", "time": "timestamp[ns, tz=UTC]", "src_port": "uint16", "dst_port": "uint16",
                  "protocol": "uint8", "flow_id": "uint64", "caplen": "uint32", "origlen": "uint32", "tcp_flags": "uint8",
                  "payload": "binary", "packet_number": "uint64"}
    if name in of_packets:
        return of_packets[name]
    kind = name.split("_")[0]
    return {"time": "timestamp[ns, tz=UTC]", "bytes": "binary"}.get(kind, NUMBERS.get(kind, "string"))


def is_nullable(name):
    return "_or_none" in name or name in {"src_ip", "dst_ip", "src_port", "dst_port", "protocol", "flow_id", "tcp_flags",
                                          "interface", "community_id"}


class Fault(Exception):
    pass


def require(condition, what):
    if not condition:
        raise Fault(what)


def read_rows(path):
    """{column: values}"""
    columns = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            for name, value in json.loads(line).items():
                columns.setdefault(name, []).append(value)
    return columns


def as_written(column, kind):
    """A column of pyarrow as read_rows has it."""
    if kind.startswith("timestamp"):
        column = column.cast(pyarrow.int64())
    values = column.to_pylist()
    return [None if value is None else value.hex() for value in values] if kind == "binary" else values


# ---- pyarrow ----

def in_order(values, kind):
    """Least and greatest as the format orders them, texts by their bytes."""
    there = [value for value in values if value is not None]
    if kind == "string":
        there = [value.encode() for value in there]
    return (min(there), max(there)) if there else (None, None)


def bound_of(value, kind):
    """A statistic's value as a number or bytes."""
    if kind == "string":
        return value if isinstance(value, bytes) else value.encode()
    if kind.startswith("timestamp"):
        return getattr(value, "value", value)
    return value


def check_bounds(statistics, values, kind, where):
    least, greatest = in_order(values, kind)
    require(statistics is not None, f"{where}: no statistics")
    require(statistics.null_count == values.count(None), f"{where}: null count {statistics.null_count}")
    if kind == "binary":
        require(not statistics.has_min_max, f"{where}: bytes have bounds")
        return
    require(statistics.has_min_max == (least is not None), f"{where}: bounds are there: {statistics.has_min_max}")
    if least is None:
        return
    if kind.startswith("timestamp"):
        low, high = statistics.min_raw, statistics.max_raw
    else:
        low, high = bound_of(statistics.min_raw if kind == "string" else statistics.min, kind), \
            bound_of(statistics.max_raw if kind == "string" else statistics.max, kind)
    if kind.startswith("uint") and isinstance(low, int):
        width = int(kind[4:])
        low, high = low % (1 << width), high % (1 << width)
    if kind == "string" and len(greatest) > 64:
        require(high > greatest and len(high) <= 64, f"{where}: {high!r} is not above {greatest!r}")
        high.decode()
    else:
        require(high == greatest, f"{where}: greatest {high!r}, not {greatest!r}")
    if kind == "string" and len(least) > 64:
        require(low <= least and least.startswith(low) and len(low) > 60, f"{where}: {low!r} is no beginning of {least!r}")
        low.decode()
    else:
        require(low == least, f"{where}: least {low!r}, not {least!r}")


def check_group(file, group, rows, first, name_of_codec):
    metadata = file.metadata.row_group(group)
    n = metadata.num_rows
    total = 0
    for c in range(metadata.num_columns):
        column = metadata.column(c)
        name, kind = column.path_in_schema, type_of(column.path_in_schema)
        where = f"row group {group}, {name}"
        values = rows[name][first:first + n]
        require(column.num_values == n, f"{where}: {column.num_values} values of {n} rows")
        require(column.compression.lower() == name_of_codec, f"{where}: {column.compression}")
        require(column.has_offset_index, f"{where}: no offset index")
        require(column.has_column_index == (kind != "binary"), f"{where}: column index: {column.has_column_index}")
        check_bounds(column.statistics, values, kind, where)
        total += column.total_compressed_size
    sorting = metadata.sorting_columns
    expected = next((c for c, name in enumerate(rows) if name in ("timestamp_ns", "time")
                     and rows[name][first:first + n] == sorted(rows[name][first:first + n])), None)
    require([s.column_index for s in sorting] == ([] if expected is None else [expected]),
            f"row group {group}: sorted by {sorting}, not {expected}")
    return n


def check_with_pyarrow(path, rows, codec, note):
    file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
    metadata = file.metadata
    require(metadata.created_by == "capmill version 1.2.3 (build 1.2.3)", metadata.created_by)
    require(metadata.metadata.get(b"made by") == b"table_write", f"notes: {metadata.metadata}")
    for field in file.schema_arrow:
        require(str(field.type) == type_of(field.name), f"{field.name} is {field.type}, not {type_of(field.name)}")
        require(field.nullable == is_nullable(field.name), f"{field.name}: nullable: {field.nullable}")
    table = file.read()
    table.validate(full=True)
    require(table.num_rows == metadata.num_rows == len(next(iter(rows.values()), [])), f"{table.num_rows} rows")
    for name in rows:
        require(as_written(table[name], type_of(name)) == rows[name], f"{name}: other values")
    first = 0
    for group in range(metadata.num_row_groups):
        first += check_group(file, group, rows, first, codec)
    # as a stream, and by one column alone: pages are found by their headers there, by the chunk's place here
    n_streamed = sum(batch.num_rows for batch in file.iter_batches(batch_size=1000))
    require(n_streamed == metadata.num_rows, f"{n_streamed} rows as a stream")
    encodings = {e for g in range(metadata.num_row_groups) for c in range(metadata.num_columns)
                 for e in metadata.row_group(g).column(c).encodings}
    note.append(f"{metadata.num_row_groups} row groups, {', '.join(sorted(encodings)) or 'no pages'}")


# ---- DuckDB ----

def duck_value(kind):
    """A column of DuckDB as read_rows has it."""
    if kind.startswith("timestamp"):
        return "epoch_ns({0})"
    return "lower(hex({0}))" if kind == "binary" else "{0}"


def check_with_duckdb(path, rows, connection, note):
    if not rows:
        count, = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()
        require(count == 0, f"{count} rows of none")
        return
    for name, expected in rows.items():
        query = f"SELECT {duck_value(type_of(name)).format(chr(34) + name + chr(34))} FROM read_parquet(?)"
        values = [value for value, in connection.execute(query, [str(path)]).fetchall()]
        if type_of(name).startswith("timestamp"):
            # as microseconds with a zone: what is below them it does not keep
            values = [None if v is None else v // 1000 for v in values]
            expected = [None if v is None else v // 1000 for v in expected]
        require(values == expected, f"DuckDB, {name}: other values")
    types = dict(connection.execute("SELECT name, logical_type FROM parquet_schema(?)", [str(path)]).fetchall())
    for name in rows:
        kind = type_of(name)
        expected = {"string": "StringType", "uint8": "IntType", "timestamp[ns, tz=UTC]": "TimestampType"}.get(kind)
        require(expected is None or expected in str(types[name]), f"DuckDB, {name}: {types[name]}")
    groups = connection.execute("SELECT count(DISTINCT row_group_id), sum(stats_null_count) FROM parquet_metadata(?)",
                                [str(path)]).fetchone()
    require(groups[1] == sum(values.count(None) for values in rows.values()), f"DuckDB counts {groups[1]} nulls")


def groups_scanned(connection, query):
    """How many row groups a query's scan read, and of how many; None where this DuckDB does not say."""
    plan = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}").fetchone()[1]
    scanned, total = (re.search(rf'"{key}": (\d+)', plan) for key in ("row_groups_scanned", "total_row_groups_to_scan"))
    return None if scanned is None or total is None else (int(scanned.group(1)), int(total.group(1)))


def check_skipping(path, rows, connection, note):
    """Ranges and single values leave out row groups that cannot have them, and lose none of those that can."""
    times = rows["timestamp_ns"]
    low, high = times[len(times) // 2], times[len(times) // 2 + 99]
    for predicate, expected in (
            (f"timestamp_ns BETWEEN {low} AND {high}", sum(low <= t <= high for t in times)),
            (f"timestamp_ns < {times[0]}", 0)):
        query = f"SELECT count(payload) FROM read_parquet('{path}') WHERE {predicate}"
        require(connection.execute(query).fetchone()[0] == expected, f"DuckDB, {predicate}")
        scanned = groups_scanned(connection, query)
        require(scanned is None or scanned[0] <= (2 if expected else 0), f"DuckDB, {predicate}: scanned {scanned}")
    statistics = connection.execute(
        "SELECT row_group_id, stats_min_value::BIGINT, stats_max_value::BIGINT FROM parquet_metadata(?) "
        "WHERE path_in_schema = 'timestamp_ns' ORDER BY 1", [str(path)]).fetchall()
    require(len(statistics) >= 5 and all(a[2] <= b[1] for a, b in zip(statistics, statistics[1:])),
            f"row groups do not follow each other: {statistics}")
    # the filter itself: each value that is there passes in its row group, of a thousand others few do
    there = {value for value in rows["flow_id"] if value is not None}
    n_groups, n_passed = len(statistics), 0
    # within the bounds of every row group, so that the filter alone can say no
    probes = [value for value in range(1 << 60, 1 << 63, (1 << 63) // 350 + 1) if value not in there]
    for value in probes:
        excluded = connection.execute(f"SELECT bloom_filter_excludes FROM parquet_bloom_probe('{path}', 'flow_id', "
                                      f"{value}::UBIGINT)").fetchall()
        n_passed += sum(not out for out, in excluded)
        query = f"SELECT count(payload) FROM read_parquet('{path}') WHERE flow_id = {value}::UBIGINT"
        scanned = groups_scanned(connection, query) if value == probes[0] else None
        require(scanned is None or scanned[0] <= n_groups // 2, f"DuckDB, {query}: scanned {scanned}")
    require(n_passed <= len(probes) * n_groups * 0.03, f"{n_passed} of {len(probes) * n_groups} probes for values that are "
            "not there passed")
    n_rows = [count for count, in connection.execute(
        "SELECT DISTINCT ON (row_group_id) row_group_num_rows FROM parquet_metadata(?) ORDER BY row_group_id",
        [str(path)]).fetchall()]
    first = 0
    for group, n in enumerate(n_rows):
        for value in list({v for v in rows["flow_id"][first:first + n] if v is not None})[:40]:
            excluded = dict(connection.execute(
                f"SELECT row_group_id, bloom_filter_excludes FROM parquet_bloom_probe('{path}', 'flow_id', "
                f"{value}::UBIGINT)").fetchall())
            require(not excluded[group], f"row group {group} has {value}, and its filter says no")
        first += n
    note.append(f"bloom filters pass {n_passed} of {len(probes) * n_groups} wrong probes")


def check_table(name, wishes, write, folder, connection):
    path, rows_path = folder / "table.parquet", folder / "rows.jsonl"
    ran = subprocess.run([write, "parquet", path, rows_path, *wishes.split()], capture_output=True, text=True, check=False)
    if ran.returncode == 77:
        print(f"{name}: left out, the codec is not in this build")
        return
    require(ran.returncode == 0, ran.stderr)
    again = folder / "again.parquet"
    subprocess.run([write, "parquet", again, "-", *wishes.split()], check=True)
    require(path.read_bytes() == again.read_bytes(), "not the same bytes twice")
    rows, note = read_rows(rows_path), []
    chosen = dict(wish.split("=") for wish in wishes.split())
    codec = {"none": "uncompressed"}.get(chosen.get("codec", "snappy"), chosen.get("codec", "snappy"))
    check_with_pyarrow(path, rows, codec, note)
    check_with_duckdb(path, rows, connection, note)
    if name == "bloom filters":
        check_skipping(path, rows, connection, note)
    print(f"{name}: {len(next(iter(rows.values()), []))} rows, {path.stat().st_size} bytes; {'; '.join(note)}", flush=True)


def main():
    write, faults = sys.argv[1], 0
    connection = duckdb.connect()
    chosen = {name: wishes for name, wishes in TABLES.items() if name in sys.argv[2:] or not sys.argv[2:]}
    with tempfile.TemporaryDirectory() as folder:
        for name, wishes in chosen.items():
            try:
                check_table(name, wishes, write, pathlib.Path(folder), connection)
            except Fault as fault:
                print(f"{name} ({wishes}): {fault}")
                faults += 1
    print(f"{len(chosen)} tables, {faults} faults; by pyarrow {pyarrow.__version__}, DuckDB {duckdb.__version__}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
