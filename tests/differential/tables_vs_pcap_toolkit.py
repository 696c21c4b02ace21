#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare the columns that have pcap-toolkit's names with what `pcap-toolkit export` writes: same names, same values.

usage: tables_vs_pcap_toolkit.py CAPMILL [--captures FOLDER] [--only NAME...]

Needs pcap-toolkit, by CAPMILL_PCAP_TOOLKIT or in PATH (`cargo install pcap-toolkit`); tried with 0.5.0. Flow ids are numbers of
another making: they must divide the packets into the same flows. Generated captures must be equal row by row in all three
formats; the collection's where both see the same network packet, but for the rules below. Exit status: 0 equal, 1 different,
77 cannot run here.
"""
import argparse
import base64
import collections
import json
import os
import shutil
import sys
import tempfile

import collection
import parquet_lake
import tables

NAMES = ["timestamp_ns", "src_ip", "dst_ip", "src_port", "dst_port", "protocol", "flow_id", "caplen", "origlen", "tcp_flags",
         "payload"]
LINK_ETHERNET = 1


def program():
    return os.environ.get("CAPMILL_PCAP_TOOLKIT") or shutil.which("pcap-toolkit")


def their_json(path):
    """Flow ids are numbers there, and a field says how the payload is written."""
    values = {name: [] for name in NAMES}
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            assert row.pop("payload_encoding") == "base64"
            assert not set(row) - set(NAMES), row
            row["payload"] = base64.b64decode(row["payload"], validate=True)
            for name in NAMES:
                values[name].append(row.get(name))
    return values


class Comparison:
    def __init__(self, capmill, folder):
        self.lake = parquet_lake.Lake(capmill, folder)
        self.used = collections.Counter()

    def theirs(self, capture):
        paths = [self.lake.path("theirs." + kind) for kind in ("parquet", "avro", "jsonl")]
        tables.run([program(), "export", *(word for path in paths for word in ("-o", path)), capture])
        return [tables.by_pyarrow(paths[0]), tables.by_fastavro(paths[1]), their_json(paths[2])]

    def ours(self, capture):
        paths = [self.lake.path("ours." + kind) for kind in ("parquet", "avro", "jsonl")]
        # their names in their order, and all of them among those that are written without being asked for
        self.lake.export(capture, *(word for path in paths for word in ("-o", path)))
        found = [tables.by_pyarrow(paths[0]), tables.by_fastavro(paths[1]), tables.by_json(paths[2], parquet_lake.DEFAULT)]
        parquet_lake.expect(list(found[0])[:len(NAMES)] == NAMES, "the first columns are %s", list(found[0])[:len(NAMES)])
        return [{name: table[name] for name in NAMES} for table in found]


def same_flows(ours, theirs):
    """Whether two columns of ids divide the rows alike."""
    pairs = set(zip(ours, theirs))
    return len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def check_generated(comparison):
    """IPv4 and IPv6, plain and behind a tag, in three formats. Not in pcap with nanoseconds, which it takes for
    microseconds."""
    for options, kind in ((["--set", "ipv6=40%"], "pcap"), (["--set", "vlan=30%", "--set", "resolution=ns"], "pcapng"),
                          (["--set", "byte-order=big", "--set", "protocols=tcp:50,udp:40,icmp:10"], "pcap")):
        capture = comparison.lake.generate("--flows", "300", *options, kind=kind, packets=20000)
        for format_name, ours, theirs in zip(("Parquet", "Avro", "JSON"), comparison.ours(capture), comparison.theirs(capture)):
            parquet_lake.expect(same_flows(ours.pop("flow_id"), theirs.pop("flow_id")), "%s: the flows are others", format_name)
            parquet_lake.same(ours, theirs, "%s, %s" % (format_name, options))


EXTENSIONS = (0, 43, 44, 51, 60)
PORTS = ("src_port", "dst_port")
# What may differ in a real capture: the reason, the columns, and what must hold of our row and theirs.
RULES = [
    ("it does not see the network packet", ("src_ip", "dst_ip", *PORTS, "protocol", "tcp_flags"),
     lambda ours, theirs, is_pcapng: theirs["protocol"] is None and ours["protocol"] is not None),
    ("it takes padding of pcapng for payload", ("payload", "caplen"),
     lambda ours, theirs, is_pcapng: is_pcapng and theirs["payload"].startswith(ours["payload"])
     and len(theirs["payload"]) - len(ours["payload"]) == -len(ours["payload"]) % 4),
    ("it takes other units of time for microseconds, and 0 where there is none", ("timestamp_ns",),
     lambda ours, theirs, is_pcapng: theirs["timestamp_ns"] % 1000 == 0),
    ("its lengths are signed", ("origlen",), lambda ours, theirs, is_pcapng: ours["origlen"] == theirs["origlen"] + 2**32),
    ("it knows no ports but those of TCP and UDP", PORTS,
     lambda ours, theirs, is_pcapng: ours["protocol"] in (33, 132, 136) and theirs["src_port"] is None),
    ("it does not pass extension headers", (*PORTS, "protocol", "tcp_flags"),
     lambda ours, theirs, is_pcapng: theirs["protocol"] in EXTENSIONS and theirs["src_port"] is None),
    ("it gives fragments and headers that were cut ports and flags of 0", (*PORTS, "tcp_flags"),
     lambda ours, theirs, is_pcapng: 0 in (theirs["src_port"], theirs["dst_port"])),
    ("a frame of no bytes is NULL to it", ("payload",),
     lambda ours, theirs, is_pcapng: ours["payload"] == b"" and theirs["payload"] is None),
]


def excuses(ours, theirs, is_pcapng):
    """The rules for all that differs in a row; None where there is none for some of it."""
    found = []
    for column in ours:
        if ours[column] != theirs[column]:
            rule = next((rule for rule, columns, holds in RULES if column in columns and holds(ours, theirs, is_pcapng)), None)
            if rule is None:
                return None
            found.append(rule)
    return found


def check_collection(comparison):
    """Ethernet captures of the collection."""
    folder = collection.folder_of(None)
    if folder is None:
        return "CAPMILL_CAPTURES is not set"
    different, n_rows = [], 0
    for row in collection.manifest(folder):
        capture = os.path.join(folder, row["file"])
        packets = collection.read(capture)
        if row["capinfos"] != "ok" or not packets or any(packet.link_type != LINK_ETHERNET for packet in packets):
            continue
        paths = [comparison.lake.path(name) for name in ("ours.parquet", "theirs.parquet")]
        if comparison.lake.export(capture, "--columns", ",".join(NAMES), "-o", paths[0], status=(0, 3)).returncode == 3:
            continue  # what is damage frame_vs_capinfos.py looks into
        if tables.run([program(), "export", "-o", paths[1], capture], (0, 1)).returncode:
            comparison.used["it refuses the capture"] += 1
            continue
        ours, theirs = tables.by_pyarrow(paths[0]), tables.by_pyarrow(paths[1])
        for path in paths:
            os.unlink(path)
        if len(ours["caplen"]) != len(theirs["caplen"]):
            different.append("%s: %d rows, it has %d" % (row["file"], len(ours["caplen"]), len(theirs["caplen"])))
            continue
        n_rows += len(ours["caplen"])
        names = [name for name in NAMES if name != "flow_id"]
        for number, (one, other) in enumerate(zip(zip(*(ours[name] for name in names)), zip(*(theirs[name] for name in names))), 1):
            if one == other:
                continue
            one, other = dict(zip(names, one)), dict(zip(names, other))
            rules = excuses(one, other, packets[0].interface is not None)
            if rules is None:
                different.append("%s packet %d: %.300s" % (row["file"], number, {
                    name: (one[name], other[name]) for name in names if one[name] != other[name]}))
            else:
                comparison.used.update(rules)
    for rule, n in sorted(comparison.used.items()):
        print("expected: %s (%d)" % (rule, n))
    parquet_lake.expect(not different, "%d differences in %d rows; the first: %s", len(different), n_rows, "\n  ".join(different[:20]))
    parquet_lake.expect(n_rows > 1000, "only %d rows", n_rows)
    unused = [name for name, _, _ in RULES if name not in comparison.used]
    parquet_lake.expect(not unused, "rules that nothing needs: %s", unused)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capmill")
    parser.add_argument("--captures")
    parser.add_argument("--only", nargs="+", metavar="NAME")
    options = parser.parse_args()
    if options.captures:
        os.environ["CAPMILL_CAPTURES"] = options.captures
    if program() is None or not tables.enter():
        print("skipped: needs pcap-toolkit, and the readers of scripts/install_readers.sh")
        return 77
    checks = [check for check in (check_generated, check_collection)
              if not options.only or check.__name__.removeprefix("check_") in options.only]
    with tempfile.TemporaryDirectory() as folder:
        return parquet_lake.run_checks(checks, Comparison(options.capmill, folder))


if __name__ == "__main__":
    sys.exit(main())
