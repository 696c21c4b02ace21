#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a data lake asks of capmill's tables: types, statistics, order, skipped row groups, partitions, sizes, every codec,
values at their limits, and the same bytes whoever read the input and however many wrote.

usage: parquet_lake.py CAPMILL [--only NAME...] [--keep FOLDER] [--large [FOLDER]]

The captures are made here, by `capmill generate` and byte by byte. DuckDB and pyarrow judge Parquet, fastavro Avro. --large
does one thing more, for a person or bench/ to run: ten million packets, a payload column of more than 2 GiB, in FOLDER
(default: the system's for temporary files; 12 GiB). Exit status: 0 all is well, 1 something is not, 77 cannot run here.
"""
import argparse
import collections
import datetime
import io
import json
import os
import random
import re
import shutil
import struct
import sys
import tempfile
import traceback

import tables

# What readers are told: column, type of Arrow's, type of DuckDB's, whether it may be NULL.
TYPES = [
    ("timestamp_ns", "int64", "BIGINT", False),
    ("time", "timestamp[ns, tz=UTC]", "TIMESTAMPTZ_NS", False),
    ("packet_number", "uint64", "UBIGINT", False),
    ("interface", "string", "VARCHAR", True),
    ("src_ip", "string", "VARCHAR", True),
    ("dst_ip", "string", "VARCHAR", True),
    ("src_port", "uint16", "USMALLINT", True),
    ("dst_port", "uint16", "USMALLINT", True),
    ("protocol", "uint8", "UTINYINT", True),
    ("flow_id", "uint64", "UBIGINT", True),
    ("community_id", "string", "VARCHAR", True),
    ("caplen", "uint32", "UINTEGER", False),
    ("origlen", "uint32", "UINTEGER", False),
    ("tcp_flags", "uint8", "UTINYINT", True),
    ("payload", "binary", "BLOB", False),
    ("eth_type", "uint16", "USMALLINT", True),
    ("vlan", "uint16", "USMALLINT", True),
    ("vlan_inner", "uint16", "USMALLINT", True),
    ("ttl", "uint8", "UTINYINT", True),
    ("ip_id", "uint16", "USMALLINT", True),
    ("tcp_seq", "uint32", "UINTEGER", True),
    ("tcp_ack", "uint32", "UINTEGER", True),
    ("tcp_window", "uint16", "USMALLINT", True),
    ("icmp_type", "uint8", "UTINYINT", True),
    ("icmp_code", "uint8", "UTINYINT", True),
    ("src_mac", "string", "VARCHAR", True),
    ("dst_mac", "string", "VARCHAR", True),
    ("payload_len", "uint32", "UINTEGER", True),
    ("file", "string", "VARCHAR", True),
    ("file_offset", "uint64", "UBIGINT", False),
    ("flow_packets", "uint64", "UBIGINT", True),
    ("flow_bytes", "uint64", "UBIGINT", True),
    ("flow_first_ns", "int64", "BIGINT", True),
    ("flow_last_ns", "int64", "BIGINT", True),
    ("flow_direction", "string", "VARCHAR", True),
]
DEFAULT = ["timestamp_ns", "src_ip", "dst_ip", "src_port", "dst_port", "protocol", "flow_id", "caplen", "origlen",
           "tcp_flags", "payload", "time", "packet_number", "interface", "community_id"]
HEADERS_ONLY = [name for name in DEFAULT if name != "payload"]
PARQUET_CODECS = {"none": {"UNCOMPRESSED"}, "snappy": {"SNAPPY"}, "zstd": {"ZSTD"}, "gzip": {"GZIP"}, "lz4": {"LZ4_RAW"}}
AVRO_CODECS = {"none": "null", "deflate": "deflate", "gzip": "deflate", "snappy": "snappy", "zstd": "zstandard"}
N_PACKETS = 100000
KIB_256 = 262144


class Wrong(Exception):
    pass


def expect(condition, text, *values):
    if not condition:
        raise Wrong(text % values if values else text)


def same(one, other, text):
    difference = tables.difference(one, other)
    expect(difference is None, "%s: %s", text, difference)


class Lake:
    """The program, a folder, and the captures in it."""

    def __init__(self, capmill, folder):
        self.capmill, self.folder = capmill, folder
        self.duckdb = tables.duckdb_connection()
        self.n_made = 0

    def path(self, name):
        """A name that was not used before."""
        self.n_made += 1
        return os.path.join(self.folder, "%d-%s" % (self.n_made, name))

    def generate(self, *options, kind="pcap", packets=N_PACKETS):
        path = self.path("made." + kind)
        tables.run([self.capmill, "generate", "--quiet", "--packets", str(packets), "--seed", "11", *options, "-o", path])
        return path

    def pcap(self, packets, link_type=1):
        """`packets`: (time in ns, frame[, length on the wire]). Nanoseconds, little-endian."""
        path = self.path("crafted.pcap")
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, KIB_256, link_type))
            for time, frame, *origlen in packets:
                file.write(struct.pack("<IIII", time // 10**9, time % 10**9, len(frame), origlen[0] if origlen else len(frame)))
                file.write(frame)
        return path

    def export(self, capture, *options, status=(0,), **more):
        return tables.run([self.capmill, "export", "--quiet", *options, capture], status, **more)

    def table(self, capture, *options, kind="parquet", words=""):
        """Exported to a file of its own, whose name is the answer."""
        path = self.path("table." + kind)
        self.export(capture, *options, "-o", "%s%s=%s" % (kind, words and ":" + words, path))
        return path

    def ask(self, query):
        return self.duckdb.execute(query).fetchall()


def frame_of(number, payload=b"", protocol=17):
    """Ethernet, IPv4, and eight bytes of UDP, or nothing behind IPv4."""
    udp = struct.pack(">HHHH", 1000 + number % 50000, 53, 8 + len(payload), 0) + payload if protocol == 17 else payload
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, (20 + len(udp)) & 0xffff, number & 0xffff, 0, 64, protocol, 0,
                     0x0a000000 + number % 250, 0x0a010000 + number % 7)
    return bytes(range(6)) + bytes(range(6, 12)) + b"\x08\x00" + ip + udp


def generated(lake, cache={}):
    """A capture in order of time that many checks read."""
    if lake not in cache:
        cache[lake] = lake.generate("--flows", "500", "--set", "ipv6=30%", "--set", "vlan=20%")
    return cache[lake]


# --- what readers are told ---

def check_types(lake):
    """Types and nullability as documented, to Arrow and to DuckDB."""
    import pyarrow.parquet
    path = lake.table(generated(lake), "--columns", ",".join(row[0] for row in TYPES))
    schema = pyarrow.parquet.read_schema(path)
    seen = [(field.name, str(field.type), field.nullable) for field in schema]
    expect(seen == [(name, arrow, nullable) for name, arrow, _, nullable in TYPES], "Arrow: %s",
           sorted(set(seen) ^ {(name, arrow, nullable) for name, arrow, _, nullable in TYPES}))
    described = [tuple(row[:2]) for row in lake.ask("DESCRIBE SELECT * FROM '%s'" % path)]
    expect(described == [(name, duck) for name, _, duck, _ in TYPES], "DuckDB: %s",
           sorted(set(described) ^ {(name, duck) for name, _, duck, _ in TYPES}))
    expect(pyarrow.parquet.read_schema(lake.table(generated(lake))).names == DEFAULT, "the default columns are others")


def check_statistics(lake):
    """Least, greatest and number of NULLs of every column chunk are those of its values; page indexes are there."""
    import pyarrow.parquet
    path = lake.table(generated(lake), "--columns", ",".join(row[0] for row in TYPES), "--row-group-rows", "17000")
    file = pyarrow.parquet.ParquetFile(path)
    expect(file.metadata.num_rows == N_PACKETS, "%d rows", file.metadata.num_rows)
    expect(6 <= file.metadata.num_row_groups <= 9, "%d row groups of at most 17000 rows", file.metadata.num_row_groups)
    for group in range(file.metadata.num_row_groups):
        expect(file.metadata.row_group(group).num_rows <= 17000, "a row group of %d rows", file.metadata.row_group(group).num_rows)
        values = tables.columns_of_arrow(file.read_row_group(group))
        for place, name in enumerate(values):
            chunk = file.metadata.row_group(group).column(place)
            told = chunk.statistics
            there = [value for value in values[name] if value is not None]
            expect(told is not None and told.has_null_count, "row group %d: no statistics of %s", group, name)
            expect(told.null_count == len(values[name]) - len(there), "row group %d, %s: %d NULLs, really %d", group, name,
                   told.null_count, len(values[name]) - len(there))
            # of payload nothing is told by page but where it is
            expect(chunk.has_offset_index and (chunk.has_column_index or name == "payload"), "row group %d: no page index of %s",
                   group, name)
            if not there or name == "payload":
                continue
            least, greatest = told.min, told.max
            if isinstance(least, datetime.datetime):
                continue  # timestamp_ns says the same, to the nanosecond
            expect(told.has_min_max and (least, greatest) == (min(there), max(there)),
                   "row group %d, %s: from %r to %r, really from %r to %r", group, name, least, greatest, min(there), max(there))


def row_group_places(metadata):
    """Where each row group begins as parquet-java counts, by its first column, and its bytes."""
    for group in range(metadata.num_row_groups):
        chunks = [metadata.row_group(group).column(i) for i in range(metadata.num_columns)]
        starts = [chunk.dictionary_page_offset or chunk.data_page_offset for chunk in chunks]
        yield starts[0], min(starts), sum(chunk.total_compressed_size for chunk in chunks)


def check_splits(lake):
    """Spark gives a row group to the split of a file that has its middle: each must have one, and its own place."""
    import pyarrow.parquet
    for options in ([], ["--columns", "time,payload,src_ip"], ["--columns", "payload,time"], ["--rows", "flows"]):
        path = lake.table(generated(lake), *options, "--row-group-rows", "30000", words="none")
        end = 4
        for first, least, n_bytes in row_group_places(pyarrow.parquet.ParquetFile(path).metadata):
            expect(first == least >= end, "%s: a row group begins at %d, its first column at %d", options, least, first)
            end = first + n_bytes
        expect(4 < end < os.path.getsize(path), "%s: the last row group ends at %d", options, end)


def check_order(lake):
    """Sorting columns are declared where rows are sorted, and nowhere else."""
    import pyarrow.parquet
    shuffled = lake.generate("--flows", "50", "--set", "order=displaced", "--set", "displaced=20%", "--set",
                             "displaced-by=5ms")

    def declared(path):
        metadata = pyarrow.parquet.ParquetFile(path).metadata
        groups = [metadata.row_group(i).sorting_columns for i in range(metadata.num_row_groups)]
        names = metadata.schema.to_arrow_schema().names
        return [[(names[column.column_index], column.descending) for column in group] for group in groups]

    for capture, options, is_sorted in ((shuffled, [], False), (shuffled, ["--sort"], True), (generated(lake), [], True)):
        path = lake.table(capture, "--row-group-rows", "30000", *options)
        times = tables.by_pyarrow(path)["timestamp_ns"]
        expect((times == sorted(times)) == is_sorted, "%s: the rows are %s order of time", options, "not in" if is_sorted else "in")
        groups = declared(path)
        expect(len(groups) >= 4, "%d row groups", len(groups))
        for group in groups:
            expect(bool(group) == is_sorted, "%s: sorted by %s", options, group)
            expect(all(name in ("timestamp_ns", "time") and not descending for name, descending in group), "sorted by %s", group)


def scanned(lake, query):
    """How many row groups DuckDB reads, and of how many."""
    plan = "\n".join(text for _, text in lake.ask("EXPLAIN ANALYZE " + query))
    return tuple(int(number) for number in re.search("Row Groups Scanned: ([0-9]+) / ([0-9]+)", plan).groups())


def check_skipping(lake):
    """A range of times and a flow leave out the row groups that cannot have them."""
    import pyarrow.compute
    import pyarrow.dataset
    import pyarrow.parquet
    path = lake.table(generated(lake), "--row-group-rows", "5000", "--bloom-filter")
    metadata = pyarrow.parquet.ParquetFile(path).metadata
    n_groups = metadata.num_row_groups
    group_of = [group for group in range(n_groups) for _ in range(metadata.row_group(group).num_rows)]
    expect(n_groups >= N_PACKETS // 5000, "%d row groups", n_groups)
    rows = tables.by_pyarrow(path)
    within = [row for row in range(N_PACKETS) if group_of[row] == 8]
    first, last = rows["timestamp_ns"][within[10]], rows["timestamp_ns"][within[-10]]
    # pyarrow: the row groups that are left for a range of times
    field = pyarrow.compute.field("timestamp_ns")
    fragment = next(pyarrow.dataset.dataset(path).get_fragments())
    left = fragment.subset(filter=(field >= first) & (field <= last)).row_groups
    expect([group.id for group in left] == [8], "pyarrow reads the row groups %s for a range in 8", left)
    # DuckDB: by the same statistics, and by the bloom filter
    query = "SELECT count(caplen) FROM '%s' WHERE timestamp_ns BETWEEN %d AND %d" % (path, first, last)
    expect(scanned(lake, query) == (1, n_groups), "DuckDB reads %s row groups for a range in one", scanned(lake, query))
    wanted = sum(first <= time <= last for time in rows["timestamp_ns"])
    counted = lake.ask("SELECT count(*) FROM '%s' WHERE timestamp_ns BETWEEN %d AND %d" % (path, first, last))
    expect(counted == [(wanted,)], "DuckDB counts %s, not %d", counted, wanted)
    flows = collections.Counter(rows["flow_id"])
    rare = min((flow for flow in flows if flow is not None), key=lambda flow: (flows[flow], flow))
    probed = lake.ask("SELECT row_group_id, bloom_filter_excludes FROM parquet_bloom_probe('%s', 'flow_id', %d::UBIGINT)" %
                      (path, rare))
    has = {group_of[row] for row, flow in enumerate(rows["flow_id"]) if flow == rare}
    expect(len(probed) == n_groups, "%d row groups were probed", len(probed))
    expect(not any(excluded for group, excluded in probed if group in has), "a row group is excluded that has the flow")
    expect(sum(excluded for _, excluded in probed) >= (n_groups - len(has)) * 0.9, "%d of %d row groups without the flow are "
           "excluded", sum(excluded for _, excluded in probed), n_groups - len(has))
    query = "SELECT count(caplen) FROM '%s' WHERE flow_id = %d::UBIGINT" % (path, rare)
    expect(scanned(lake, query)[0] <= len(has) + 2, "DuckDB reads %s row groups for a flow in %d", scanned(lake, query), len(has))
    for absent in (1, 2**63 + 5, 2**64 - 1):
        probed = lake.ask("SELECT bloom_filter_excludes FROM parquet_bloom_probe('%s', 'flow_id', %d::UBIGINT)" % (path, absent))
        expect(sum(excluded for excluded, in probed) >= n_groups * 0.9, "a flow that is nowhere: %s", probed)
    for flow in random.Random(1).sample(sorted(flow for flow in flows if flow is not None), 20):
        counted = lake.ask("SELECT count(*) FROM '%s' WHERE flow_id = %d::UBIGINT" % (path, flow))
        expect(counted == [(flows[flow],)], "flow %016x: DuckDB counts %s, not %d", flow, counted, flows[flow])


# --- folders of files ---

def manifest_of(folder):
    with open(os.path.join(folder, "_manifest.json"), encoding="utf-8") as file:
        return json.load(file)


def files_of(folder):
    """Files of rows, and whatever else lies there by mistake."""
    return sorted(os.path.relpath(os.path.join(where, name), folder) for where, _, names in os.walk(folder) for name in names
                  if name != "_manifest.json")


def manifest_agrees(lake, folder, n_rows):
    """Every file is in the manifest with its rows and bytes, and no other is there."""
    manifest = manifest_of(folder)
    listed = manifest["files"]
    expect(sorted(entry["path"] for entry in listed) == files_of(folder), "the manifest lists %s, there are %s",
           sorted(entry["path"] for entry in listed)[:5], files_of(folder)[:5])
    for entry in listed:
        path = os.path.join(folder, entry["path"])
        n, least, greatest = lake.ask("SELECT count(*), min(timestamp_ns), max(timestamp_ns) FROM '%s'" % path)[0]
        told = entry["rows"], entry["min_time_ns"], entry["max_time_ns"], entry["bytes"]
        expect(told == (n, least, greatest, os.path.getsize(path)), "%s: the manifest says %s, there are %s", entry["path"], told,
               (n, least, greatest, os.path.getsize(path)))
    expect(sum(entry["rows"] for entry in listed) == manifest["rows"] == n_rows, "%d rows in all", manifest["rows"])
    expect(sum(entry["bytes"] for entry in listed) == manifest["bytes"], "%d bytes in all", manifest["bytes"])


def days(lake):
    """Packets of three days, 50 minutes apart, out of order."""
    start = 1709164800 * 10**9  # 2024-02-29T00:00:00Z
    packets = [(start + i * 3000 * 10**9 + i, frame_of(i, bytes(100))) for i in range(90)]
    random.Random(3).shuffle(packets)
    return lake.pcap(packets), packets


def check_partitions(lake):
    """Hive partitions, as DuckDB and pyarrow read them: every row where its time says, and no row twice after a rerun."""
    import pyarrow.dataset
    capture, packets = days(lake)
    folder = lake.path("lake")
    lake.export(capture, "--partition", "dt/hr", "-o", "parquet=" + folder)
    manifest_agrees(lake, folder, len(packets))
    pattern = os.path.join(folder, "*", "*", "*.parquet")
    misplaced = """SELECT count(*) FROM read_parquet('%s', hive_partitioning = true, hive_types = {'dt': DATE, 'hr': INTEGER})
                   WHERE dt <> time::DATE OR hr <> hour(time)""" % pattern
    expect(lake.ask(misplaced) == [(0,)], "rows in partitions of other times: %s", lake.ask(misplaced))
    ours = sorted(lake.ask("SELECT timestamp_ns, payload FROM '%s'" % pattern))
    expect(ours == sorted((time, frame) for time, frame in packets), "the rows are not the packets")
    dataset = pyarrow.dataset.dataset(folder, partitioning="hive")
    read = dataset.to_table(columns=["timestamp_ns", "dt", "hr"])
    expect(read.num_rows == len(packets), "pyarrow reads %d rows", read.num_rows)
    for time, dt, hr in zip(*(column.to_pylist() for column in read.columns)):
        moment = datetime.datetime.fromtimestamp(time // 10**9, datetime.timezone.utc)
        expect((str(dt), int(hr)) == (moment.strftime("%Y-%m-%d"), moment.hour), "%s lies in dt=%s/hr=%s", moment, dt, hr)

    # again: refused without --force, not doubled with it, and what is no longer made goes
    refused = lake.export(capture, "--partition", "dt/hr", "-o", "parquet=" + folder, status=(1, 2))
    expect(len(files_of(folder)) and lake.ask("SELECT count(*) FROM '%s'" % pattern) == [(len(packets),)],
           "a refused run changed the folder: %s", refused.stderr)
    lake.export(capture, "--force", "--partition", "dt/hr", "-o", "parquet=" + folder)
    manifest_agrees(lake, folder, len(packets))
    before = files_of(folder)
    lake.export(capture, "--force", "--partition", "dt/hr", "--from", "2024-03-01", "-o", "parquet=" + folder)
    n_left = sum(time >= 1709251200 * 10**9 for time, _ in packets)
    manifest_agrees(lake, folder, n_left)
    expect(set(files_of(folder)) < set(before), "files of rows that are filtered away are still there")
    # what others put there stays
    stranger = os.path.join(folder, "dt=2024-03-01", "README")
    with open(stranger, "w", encoding="utf-8") as file:
        file.write("not ours")
    lake.export(capture, "--force", "--partition", "dt/hr", "-o", "parquet=" + folder)
    expect(os.path.exists(stranger), "a file that is not capmill's was removed")
    os.unlink(stranger)
    manifest_agrees(lake, folder, len(packets))


def check_partition_values(lake):
    """Folders by a column, which files then leave to their folders; NULL is a folder too."""
    arp = b"\xff" * 12 + b"\x08\x06" + bytes(28)
    packets = [(10**18 + i, arp if i % 3 == 0 else frame_of(i, b"x", 17 if i % 3 == 1 else 6)) for i in range(300)]
    folder = lake.path("values")
    lake.export(lake.pcap(packets), "--partition", "protocol", "-o", "parquet=" + folder)
    manifest_agrees(lake, folder, len(packets))
    counted = lake.ask("""SELECT protocol, count(*), min(timestamp_ns) FROM read_parquet('%s', hive_partitioning = true,
                          hive_types = {'protocol': UTINYINT}) GROUP BY ALL ORDER BY ALL""" % os.path.join(folder, "*", "*.parquet"))
    expect(counted == [(6, 100, 10**18 + 2), (17, 100, 10**18 + 1), (None, 100, 10**18)], "by protocol: %s", counted)


def check_names(lake):
    """Names of inputs that are not UTF-8, or that JSON and SQL must quote."""
    for name in (b"caf\xe9.pcap", b"a \"quoted\" name.pcap", "größe 'x'.pcap".encode()):
        capture = os.path.join(os.fsencode(lake.folder), name)
        shutil.copyfile(lake.pcap([(1, frame_of(1))]), capture)
        table = four_ways(lake, os.fsdecode(capture), ["file", "payload"])
        expect(table["payload"] == [frame_of(1)], "%s", name)
        expect(table["file"][0].encode() == capture or b"\xe9" in name, "%s became %s", name, table["file"][0])
        folder = lake.path("named")
        lake.export(os.fsdecode(capture), "--partition", "dt", "-o", "parquet=" + folder)
        inputs = manifest_of(folder)["inputs"]
        expect(len(inputs) == 1 and inputs[0]["path"] == table["file"][0], "the manifest has %s", inputs)


def check_max_file_size(lake):
    """Files of about the size asked for, and all rows once and in order."""
    folder = lake.path("sized")
    limit = 2 << 20
    lake.export(generated(lake), "--max-file-size", "2M", "--row-group-size", "512K", "--codec", "none", "-o",
                "parquet=" + folder)
    sizes = [os.path.getsize(os.path.join(folder, name)) for name in files_of(folder)]
    expect(len(sizes) > 5, "%d files", len(sizes))
    expect(max(sizes) <= limit * 1.25, "a file of %d bytes", max(sizes))
    expect(min(sizes[:-1]) >= limit * 0.5, "a file of %d bytes that is not the last", min(sizes[:-1]))
    manifest_agrees(lake, folder, N_PACKETS)
    whole = tables.by_duckdb(lake.table(generated(lake)), lake.duckdb)
    parts = [tables.by_pyarrow(os.path.join(folder, name)) for name in files_of(folder)]
    same(whole, {name: [value for part in parts for value in part[name]] for name in whole}, "in files of 2 MiB")
    both = lake.path("both")
    capture, packets = days(lake)
    lake.export(capture, "--partition", "dt", "--max-file-size", "4K", "-o", "parquet=" + both)
    manifest_agrees(lake, both, len(packets))


# --- values ---

def four_ways(lake, capture, columns=None, *options):
    """The table, when all readers have the same."""
    columns = columns or DEFAULT
    paths = {kind: lake.path("table." + kind) for kind in ("parquet", "avro", "jsonl")}
    lake.export(capture, "--columns", ",".join(columns), *options, *(word for path in paths.values() for word in ("-o", path)))
    table = tables.by_duckdb(paths["parquet"], lake.duckdb)
    same(table, tables.by_pyarrow(paths["parquet"]), "pyarrow")
    same(table, tables.by_fastavro(paths["avro"]), "fastavro")
    same(table, tables.by_json(paths["jsonl"], columns), "JSON")
    return table


def check_limits(lake):
    """No row; one row; columns that are NULL throughout; payloads of 0 and of 256 KiB; times at both ends."""
    table = four_ways(lake, lake.pcap([]))
    expect(table == {name: [] for name in DEFAULT}, "rows of nothing: %s", table)
    # an empty result of a capture that has packets
    table = four_ways(lake, generated(lake), None, "--min-len", "100000")
    expect(table == {name: [] for name in DEFAULT}, "rows of nothing that is left")
    table = four_ways(lake, lake.pcap([(1, frame_of(1))]))
    expect(table["payload"] == [frame_of(1)] and table["timestamp_ns"] == [1] and table["packet_number"] == [1], "one row: %s", table)
    arp = b"\xff" * 12 + b"\x08\x06" + bytes(28)
    table = four_ways(lake, lake.pcap([(i, arp) for i in range(3000)]))
    for name in ("src_ip", "dst_ip", "src_port", "dst_port", "protocol", "flow_id", "tcp_flags", "interface", "community_id"):
        expect(table[name] == [None] * 3000, "%s of ARP: %s", name, table[name][0])
    sizes = [0, 1, KIB_256, 0, 0, KIB_256, 13, 14, 33, 34] * 20
    noise = random.Random(5).randbytes(KIB_256)
    packets = [(10**9 + i, noise[:n], n + i) for i, n in enumerate(sizes)]
    table = four_ways(lake, lake.pcap(packets), None, "--row-group-size", "1M")
    expect(table["payload"] == [frame for _, frame, _ in packets], "payloads of 0 and of 256 KiB")
    expect(table["caplen"] == sizes and table["origlen"] == [n + i for i, n in enumerate(sizes)], "lengths")
    # pcap counts seconds in 32 bits; pcapng can say more than readers of tables can
    ends = [0, 1, 2**31 * 10**9 - 1, (2**32 - 1) * 10**9 + 999999999]
    table = four_ways(lake, lake.pcap([(time, arp) for time in ends]))
    expect(table["timestamp_ns"] == ends and table["time"] == ends, "times %s", table["timestamp_ns"])


def check_ids(lake):
    """Flow ids and Community IDs of generated packets, by xxhash and communityid."""
    import tables_vs_tshark
    columns = HEADERS_ONLY + ["icmp_type", "icmp_code"]
    table = four_ways(lake, lake.generate("--flows", "3000", "--set", "ipv6=50%", packets=20000), columns)
    for row in range(len(table["caplen"])):
        _, flow, community = tables_vs_tshark.ids_of(table, row)
        expect((table["flow_id"][row], table["community_id"][row]) == (flow, community), "row %d: %s %s, not %s %s", row,
               table["flow_id"][row], table["community_id"][row], flow, community)
    expect(len(set(table["flow_id"])) > 1000, "%d flows", len(set(table["flow_id"])))


def codecs_of(lake, path):
    """As DuckDB has them: pyarrow calls LZ4 and LZ4_RAW by one name."""
    return {name for name, in lake.ask("SELECT DISTINCT compression FROM parquet_metadata('%s')" % path)}


def check_codecs(lake):
    """Every codec, each the same rows; the file says which it is."""
    import fastavro
    capture = lake.generate("--flows", "100", packets=20000)
    expected = tables.by_duckdb(lake.table(capture), lake.duckdb)
    sizes = {}
    for codec, name in PARQUET_CODECS.items():
        path = lake.table(capture, words=codec)
        expect(codecs_of(lake, path) == name, "parquet:%s has %s", codec, codecs_of(lake, path))
        same(expected, tables.by_duckdb(path, lake.duckdb), "DuckDB of parquet:" + codec)
        same(expected, tables.by_pyarrow(path), "pyarrow of parquet:" + codec)
        sizes[codec] = os.path.getsize(path)
    for codec, name in AVRO_CODECS.items():
        path = lake.table(capture, kind="avro", words=codec)
        with open(path, "rb") as file:
            used = fastavro.reader(file).metadata.get("avro.codec", "null")
        expect(used == name, "avro:%s has %s", codec, used)
        same(expected, tables.by_fastavro(path), "fastavro of avro:" + codec)
    for codec in ("none", "gzip", "zstd"):
        path = lake.table(capture, kind="jsonl", words=codec)
        same(expected, tables.by_json(path, DEFAULT), "JSON lines with " + codec)
        sizes["jsonl", codec] = os.path.getsize(path)
    expect(max(sizes["jsonl", "gzip"], sizes["jsonl", "zstd"]) < sizes["jsonl", "none"], "codecs save nothing: %s", sizes)
    for name, begin in (("x.jsonl.gz", b"\x1f\x8b"), ("x.jsonl.zst", b"\x28\xb5"), ("x.ndjson", b"{"), ("x.json", b"{")):
        path = lake.path(name)
        lake.export(capture, "-o", path)
        with open(path, "rb") as file:
            expect(file.read(len(begin)) == begin, "%s begins otherwise", name)
        same(expected, tables.by_json(path, DEFAULT), name)
    for level in ("1", "9"):
        for words in ("zstd", "gzip"):
            same(expected, tables.by_pyarrow(lake.table(capture, "--compression-level", level, words=words)), words + level)
    columns = ",".join(HEADERS_ONLY)
    plain = os.path.getsize(lake.table(capture, "--columns", columns, words="none"))
    for codec in ("snappy", "zstd", "gzip"):
        packed = os.path.getsize(lake.table(capture, "--columns", columns, words=codec))
        expect(packed < plain, "headers take %d bytes with %s, %d without", packed, codec, plain)


def check_compressed_payload(lake):
    """--compress-payload: JSON lines with zstd frames in them, Parquet and Avro with zstd throughout."""
    import fastavro
    capture = lake.generate("--flows", "100", "--set", "payload=text", packets=5000)
    paths = {kind: lake.path("packed." + kind) for kind in ("parquet", "avro", "jsonl")}
    lake.export(capture, "--compress-payload", *(word for path in paths.values() for word in ("-o", path)))
    table = tables.by_pyarrow(paths["parquet"])
    same(table, tables.by_json(paths["jsonl"], DEFAULT, compressed=True), "JSON")
    same(table, tables.by_fastavro(paths["avro"]), "fastavro")
    same(table, tables.by_pyarrow(lake.table(capture)), "without --compress-payload")
    expect(codecs_of(lake, paths["parquet"]) == {"ZSTD"}, "Parquet has %s", codecs_of(lake, paths["parquet"]))
    with open(paths["avro"], "rb") as file:
        expect(fastavro.reader(file).metadata["avro.codec"] == "zstandard", "Avro has another codec")


def check_avro_schema(lake):
    """The schema beside an Avro file is the one in it."""
    import fastavro
    path = lake.table(generated(lake), "--columns", ",".join(row[0] for row in TYPES), kind="avro")
    with open(os.path.splitext(path)[0] + ".avsc", encoding="utf-8") as file:
        beside = json.load(file)
    with open(path, "rb") as file:
        within = fastavro.reader(file).writer_schema
    plain = fastavro.schema.to_parsing_canonical_form
    expect(plain(beside) == plain(within), "%s\n%s", plain(beside), plain(within))


RUNS = {"parquet": "parquet", "parquet:zstd": "zstd.parquet", "avro:snappy": "avro", "jsonl": "jsonl",
        "parquet:flows": "flows.parquet"}


def run_to(lake, folder, capture, *options, **more):
    """Every kind of table at once: {end of name: bytes}."""
    os.mkdir(folder)
    paths = {end: os.path.join(folder, "x." + end) for end in RUNS.values()}
    lake.export(capture, "--row-group-rows", "20000", *options,
                *(word for words, end in RUNS.items() for word in ("-o", "%s=%s" % (words, paths[end]))), **more)
    contents = {}
    for end, path in paths.items():
        with open(path, "rb") as file:
            contents[end] = file.read()
    shutil.rmtree(folder)
    return contents


def through_pipe(lake, folder, capture):
    with open(capture, "rb") as file:
        reader, writer = os.pipe()
        pid = os.posix_spawnp("cat", ["cat"], os.environ, file_actions=[
            (os.POSIX_SPAWN_DUP2, file.fileno(), 0), (os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_CLOSE, reader)])
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            contents = run_to(lake, folder, "-", stdin=pipe)
        os.waitpid(pid, 0)
    return contents


def without_notes(end, content):
    """What a file says of its input is in its metadata, and a pipe has no name: Parquet up to its footer, Avro's blocks."""
    if end.endswith("parquet"):
        return content[:-8 - struct.unpack("<I", content[-8:-4])[0]]
    if end == "avro":
        return [block.num_records for block in fastavro_blocks(content)], [record for block in fastavro_blocks(content)
                                                                         for record in block]
    return content


def fastavro_blocks(content):
    import fastavro
    return fastavro.block_reader(io.BytesIO(content))


def check_same_bytes(lake):
    """Threads, ways of reading and pipes change no byte; nor does another run."""
    for kind in ("pcap", "pcapng"):
        capture = lake.generate("--flows", "500", kind=kind, packets=60000)
        expected = run_to(lake, lake.path("run"), capture)
        for threads in "124":
            for io_way in ("read", "mmap", "uring"):
                contents = run_to(lake, lake.path("run"), capture, "--threads", threads, "--io", io_way)
                for end, content in contents.items():
                    expect(content == expected[end], "%s of %s: other bytes with --threads %s --io %s", end, kind, threads, io_way)
        for end, content in through_pipe(lake, lake.path("run"), capture).items():
            expect(without_notes(end, content) == without_notes(end, expected[end]), "%s of %s: other bytes by a pipe", end, kind)


def check_several_inputs(lake):
    """Two captures become one table in order of time, with each packet's file and number."""
    first = lake.pcap([(i * 2000, frame_of(i)) for i in range(500)])
    second = lake.pcap([(i * 3000 + 1, frame_of(i, b"x")) for i in range(400)])
    paths = [lake.path("merged." + kind) for kind in ("parquet", "jsonl")]
    columns = ["timestamp_ns", "file", "packet_number", "payload"]
    tables.run([lake.capmill, "export", "--quiet", "--columns", ",".join(columns), "-o", paths[0], "-o", paths[1], first, second])
    table = tables.by_duckdb(paths[0], lake.duckdb)
    same(table, tables.by_json(paths[1], columns), "JSON")
    expected = sorted([(i * 2000, first, i + 1, frame_of(i)) for i in range(500)] +
                      [(i * 3000 + 1, second, i + 1, frame_of(i, b"x")) for i in range(400)])
    expect(list(zip(*(table[name] for name in columns))) == expected, "the merged rows are others")


CHECKS = [check_types, check_statistics, check_splits, check_order, check_skipping, check_partitions, check_partition_values,
          check_names, check_max_file_size, check_limits, check_ids,
          check_codecs, check_compressed_payload, check_avro_schema, check_same_bytes, check_several_inputs]


# --- a large one ---

def large(lake):
    """Ten million packets with payload: more than 2 GiB in one file, and more than 2 GiB in one row group."""
    capture = lake.generate("--flows", "100000", "--set", "packet-sizes=imix", packets=10000000)
    for options in ([], ["--row-group-size", "4G", "--row-group-rows", "20000000"]):
        path = lake.table(capture, *options, words="none")
        n, n_bytes, numbers = lake.ask("SELECT count(*), sum(octet_length(payload)), sum(packet_number) FROM '%s'" % path)[0]
        caplen = lake.ask("SELECT sum(caplen) FROM '%s'" % path)[0][0]
        expect(os.path.getsize(path) > 2 << 30, "only %d bytes", os.path.getsize(path))
        expect((n, numbers) == (10**7, 10**7 * (10**7 + 1) // 2), "%d rows", n)
        expect(n_bytes == caplen, "%d bytes of payload, %d captured", n_bytes, caplen)
        print("%s: %d rows, %d bytes" % (" ".join(options) or "as it comes", n, os.path.getsize(path)))
        os.unlink(path)


def run_checks(checks, subject):
    """Each check of `subject`, whatever becomes of the others. One that cannot run here answers why. The exit status."""
    n_failed = 0
    for check in checks:
        name = check.__name__.removeprefix("check_")
        try:
            left_out = check(subject)
            print("left out: %s: %s" % (name, left_out) if left_out else "well: " + name)
        except Wrong as failure:
            n_failed += 1
            print("WRONG: %s: %s" % (name, failure))
        except Exception:  # whatever a reader throws at a file is a failure of the file
            n_failed += 1
            print("WRONG: " + name)
            traceback.print_exc(file=sys.stdout)
    print("%d checks, %d failed" % (len(checks), n_failed))
    return 1 if n_failed or not checks else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capmill")
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--keep", metavar="FOLDER")
    parser.add_argument("--large", metavar="FOLDER", nargs="?", const="")
    options = parser.parse_args()
    if not tables.enter():
        print("skipped: needs the readers of scripts/install_readers.sh")
        return 77
    checks = CHECKS if options.large is None else [large]
    if options.only:
        checks = [check for check in checks if check.__name__.removeprefix("check_") in options.only]
    with tempfile.TemporaryDirectory(dir=options.large or None) as folder:
        return run_checks(checks, Lake(options.capmill, options.keep or folder))


if __name__ == "__main__":
    sys.exit(main())
