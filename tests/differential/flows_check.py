#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows of flows against a plain model of them over the rows of packets, against `capmill stats`, and against tshark's
conversations.

usage: flows_check.py CAPMILL [--captures FOLDER] [--only NAME...]

The model does what docs/export.md says, packet after packet in the order of the output, with a dictionary. Captures are
generated, crafted so that time-outs fall on a nanosecond, and some of the collection's where it is here. Exit status: 0 all
is well, 1 something is not, 77 cannot run here.
"""
import argparse
import collections
import csv
import os
import re
import shutil
import struct
import sys
import tempfile

import collection
import parquet_lake
import tables

PACKET_COLUMNS = ["timestamp_ns", "src_ip", "dst_ip", "src_port", "dst_port", "protocol", "flow_id", "community_id", "origlen",
                  "tcp_flags", "icmp_type", "icmp_code"]
FLOW_COLUMNS = ["flow_id", "community_id", "src_ip", "dst_ip", "src_port", "dst_port", "protocol", "first_ns", "last_ns", "first",
                "last", "duration_ns", "packets", "bytes", "packets_forward", "packets_reverse", "bytes_forward",
                "bytes_reverse", "tcp_flags", "tcp_flags_forward", "tcp_flags_reverse", "icmp_type", "icmp_code", "end_reason"]
SECOND = 10**9
# Both ends, frames from the second to the first with their bytes, and frames from the first to the second.
CONVERSATION = re.compile(r"^(\S+) +<-> (\S+) +([0-9]+) +[0-9]+(?: bytes| [kMGT]B)? +([0-9]+) ", re.MULTILINE)
TCP = 6


def merged(one, other):
    """Flags of two directions or packets: None where neither has any."""
    return other if one is None else one if other is None else one | other


def source_of(packet):
    """A packet that tells no ports, a fragment, has ports of 0."""
    return packet["src_ip"], packet["src_port"] or 0


class Flow:
    def __init__(self, packet):
        self.first_packet = packet
        self.first = self.last = packet["timestamp_ns"]
        self.packets, self.bytes, self.flags = [0, 0], [0, 0], [None, None]

    def add(self, packet):
        way = int(source_of(packet) != source_of(self.first_packet))
        self.first, self.last = min(self.first, packet["timestamp_ns"]), max(self.last, packet["timestamp_ns"])
        self.packets[way] += 1
        self.bytes[way] += packet["origlen"]
        self.flags[way] = merged(self.flags[way], packet["tcp_flags"])

    def row(self, reason):
        values = {name: self.first_packet[name] for name in ("flow_id", "community_id", "src_ip", "dst_ip", "src_port", "dst_port",
                                                             "protocol", "icmp_type", "icmp_code")}
        flags = self.flags if self.flags == [None, None] else [of_way or 0 for of_way in self.flags]
        values.update(first_ns=self.first, last_ns=self.last, first=self.first, last=self.last,
                      duration_ns=self.last - self.first, packets=sum(self.packets), bytes=sum(self.bytes),
                      packets_forward=self.packets[0], packets_reverse=self.packets[1], bytes_forward=self.bytes[0],
                      bytes_reverse=self.bytes[1], tcp_flags=merged(*flags), tcp_flags_forward=flags[0], tcp_flags_reverse=flags[1],
                      end_reason=reason)
        return tuple(values[name] for name in FLOW_COLUMNS)


def model(table, idle, active):
    """Rows of flows, in no order. Time-outs in nanoseconds; None: never."""
    open_flows, rows = {}, []
    names = list(table)
    for values in zip(*table.values()):
        packet = dict(zip(names, values))
        key, now = packet["flow_id"], packet["timestamp_ns"]
        if key is None:
            continue
        flow = open_flows.get(key)
        if flow is not None and idle is not None and now - flow.last > idle:
            rows.append(open_flows.pop(key).row("idle"))
        elif flow is not None and active is not None and now - flow.first >= active > 0:
            rows.append(open_flows.pop(key).row("active"))
        if key not in open_flows:
            open_flows[key] = Flow(packet)
        open_flows[key].add(packet)
    last = max((time for time in table["timestamp_ns"]), default=0)
    for flow in open_flows.values():
        # what is idle when the packets end has ended by then
        rows.append(flow.row("idle" if idle is not None and last - flow.last > idle else "end"))
    return rows


def in_order(rows):
    return sorted(rows, key=lambda row: tuple((value is not None, value) for value in row))


def duration(ns):
    return "never" if ns is None else "%dms" % (ns // 10**6)


class Comparison:
    def __init__(self, capmill, folder):
        self.lake = parquet_lake.Lake(capmill, folder)

    def exported(self, capture, idle, active, *options):
        """(rows of packets, rows of flows), each as all readers have them."""
        packets = self.lake.table(capture, "--columns", ",".join(PACKET_COLUMNS), *options)
        options = [*options, "--idle-timeout", duration(idle), "--active-timeout", duration(active)]
        paths = {kind: self.lake.path("flows." + kind) for kind in ("parquet", "avro", "jsonl")}
        self.lake.export(capture, "--rows", "flows", *options, *(word for path in paths.values() for word in ("-o", path)))
        flows = tables.by_duckdb(paths["parquet"], self.lake.duckdb)
        parquet_lake.same(flows, tables.by_pyarrow(paths["parquet"]), "pyarrow")
        parquet_lake.same(flows, tables.by_fastavro(paths["avro"]), "fastavro")
        parquet_lake.same(flows, tables.by_json(paths["jsonl"], FLOW_COLUMNS), "JSON")
        parquet_lake.expect(list(flows) == FLOW_COLUMNS, "columns of flows are %s", list(flows))
        return tables.by_pyarrow(packets), flows

    def agree(self, capture, idle, active, *options):
        packets, flows = self.exported(capture, idle, active, *options)
        ours = in_order(zip(*(flows[name] for name in FLOW_COLUMNS)))
        theirs = in_order(model(packets, idle, active))
        for one, other in zip(ours, theirs):
            if one != other:
                raise parquet_lake.Wrong("%s, idle %s, active %s: a flow is\n    %s\nthe model has\n    %s" % (
                    os.path.basename(capture), duration(idle), duration(active), dict(zip(FLOW_COLUMNS, one)),
                    {name: value for name, value, of in zip(FLOW_COLUMNS, other, one) if value != of}))
        parquet_lake.expect(len(ours) == len(theirs), "%d rows, the model has %d", len(ours), len(theirs))
        return packets, flows


def segment(number, client, server, forward, flags):
    """A TCP segment of one byte."""
    ends = [struct.pack(">I", 0x0a000000 + client), struct.pack(">I", 0x0b000000 + server)]
    ports = [40000 + client % 20000, 443]
    if not forward:
        ends.reverse()
        ports.reverse()
    tcp = struct.pack(">HHIIBBHHH", *ports, number, 0, 0x50, flags, 1000, 0, 0) + b"x"
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), number & 0xffff, 0, 64, TCP, 0) + b"".join(ends)
    return bytes(12) + b"\x08\x00" + ip + tcp


def check_generated(comparison):
    """Conversations of all protocols with time-outs that most, some and none of them meet."""
    capture = comparison.lake.generate("--flows", "800", "--set", "tcp=conversations", "--set", "ipv6=30%", "--set",
                                       "protocols=tcp:70,udp:20,icmp:10", "--set", "rate=5kpps", packets=60000)
    for idle, active in ((None, None), (60 * SECOND, 1800 * SECOND), (SECOND, None), (200 * 10**6, 3 * SECOND), (None, SECOND),
                         (5 * SECOND, 5 * SECOND)):
        for options in ([], ["--unidirectional"]):
            comparison.agree(capture, idle, active, *options)
    shuffled = comparison.lake.generate("--flows", "300", "--set", "order=displaced", "--set", "displaced=30%", "--set",
                                        "displaced-by=20ms", "--set", "rate=10kpps", packets=30000)
    for options in ([], ["--sort"]):
        comparison.agree(shuffled, None, None, *options)
    comparison.agree(shuffled, SECOND, 2 * SECOND, "--sort")


def check_borders(comparison):
    """Time-outs to the nanosecond: a packet just in time, and one just too late."""
    idle, active = 2 * SECOND, 7 * SECOND
    packets = []
    for client, gaps in enumerate([(idle,), (idle + 1,), (idle, idle, idle, SECOND), (idle, idle, idle, SECOND + 1),
                                   (idle, idle + 1, 0, 0), (0, 0, 0), (SECOND,) * 20, (idle, idle, idle, idle, idle)]):
        time = SECOND * 1000 + client
        packets.append((time, segment(0, client, 1, True, 2)))
        for number, gap in enumerate(gaps, 1):
            time += gap
            packets.append((time, segment(number, client, 1, number % 3 != 1, 0x10 if number % 2 else 0x18)))
    packets.sort()
    # something goes on to the end, so that what is idle by then has ended before
    packets += [(SECOND * 1000 + 60 * SECOND, segment(99, 77, 2, True, 1))]
    packets, flows = comparison.agree(comparison.lake.pcap(packets), idle, active)
    reasons = collections.Counter(flows["end_reason"])
    parquet_lake.expect(set(reasons) == {"idle", "active", "end"}, "reasons: %s", reasons)
    # the answer begins a capture: whoever sent the first packet is the source
    answer = [(SECOND, segment(1, 5, 6, False, 0x12)), (SECOND + 5, segment(2, 5, 6, True, 0x10))]
    _, flows = comparison.agree(comparison.lake.pcap(answer), None, None)
    parquet_lake.expect((flows["src_ip"], flows["src_port"], flows["packets_forward"]) == (["11.0.0.6"], [443], [1]), "%s", flows)


def check_stats(comparison):
    """Without time-outs a row is a flow of `capmill stats`."""
    capture = comparison.lake.generate("--flows", "1500", "--set", "ipv6=50%", packets=40000)
    _, flows = comparison.exported(capture, None, None)
    done = tables.run([comparison.lake.capmill, "stats", "--csv", capture])
    names = {"flow_id": "flow_id", "community_id": "community_id", "src_ip": "src_ip", "dst_ip": "dst_ip", "packets": "packets",
             "bytes": "bytes", "packets_forward": "packets_to_dst", "packets_reverse": "packets_to_src",
             "bytes_forward": "bytes_to_dst", "bytes_reverse": "bytes_to_src", "first_ns": "first_time_ns",
             "last_ns": "last_time_ns"}
    theirs = sorted(tuple(row[name] for name in names.values()) for row in csv.DictReader(done.stdout.decode().splitlines()))
    flows["flow_id"] = ["%016x" % flow for flow in flows["flow_id"]]
    ours = sorted(tuple(str(value) for value in row) for row in zip(*(flows[name] for name in names)))
    parquet_lake.expect(len(ours) > 1000, "%d flows", len(ours))
    parquet_lake.expect(ours == theirs, "%d flows, stats has %d; of these differ: %s", len(ours), len(theirs),
                        sorted(set(ours) ^ set(theirs))[:4])


def check_conversations(comparison):
    """Packets of each direction are those of tshark's table of conversations."""
    if shutil.which("tshark") is None:
        return "tshark is not here"
    capture = comparison.lake.generate("--flows", "400", "--set", "protocols=tcp:60,udp:40", "--set", "ipv6=30%", packets=20000)
    _, flows = comparison.exported(capture, None, None)
    ours = collections.Counter()
    for row in range(len(flows["flow_id"])):
        one, other = ((flows[end + "_ip"][row], flows[end + "_port"][row]) for end in ("src", "dst"))
        ours[flows["protocol"][row], one, other] += flows["packets_forward"][row]
        ours[flows["protocol"][row], other, one] += flows["packets_reverse"][row]
    theirs = collections.Counter()
    for protocol, name in ((6, "tcp"), (17, "udp")):
        done = tables.run(["tshark", "-n", "-q", "-r", capture, "-z", "conv," + name])
        for match in CONVERSATION.finditer(done.stdout.decode()):
            one, other = ((text.rpartition(":")[0].strip("[]"), int(text.rpartition(":")[2])) for text in match.group(1, 2))
            theirs[protocol, other, one] += int(match.group(3))
            theirs[protocol, one, other] += int(match.group(4))
    parquet_lake.expect(+ours == +theirs, "conversations differ: %s", list(((+ours) - theirs).items())[:3])
    parquet_lake.expect(sum(ours.values()) == 20000, "%d packets in all", sum(ours.values()))


def check_collection(comparison):
    """Real captures, with time-outs that they meet."""
    folder = collection.folder_of(None)
    if folder is None:
        return "CAPMILL_CAPTURES is not set"
    rows = [row for row in collection.manifest(folder) if row["capinfos"] == "ok" and row["packets"].isdigit()
            and 200 <= int(row["packets"]) <= 20000 and collection.read(os.path.join(folder, row["file"]))]
    parquet_lake.expect(len(rows) > 20, "only %d captures", len(rows))
    for row in rows[::4]:
        capture = os.path.join(folder, row["file"])
        packets = collection.read(capture)
        options = [] if all(a.time <= b.time for a, b in zip(packets, packets[1:])) else ["--sort"]
        for idle, active in ((None, None), (SECOND // 4, 5 * SECOND)):
            comparison.agree(capture, idle, active, *options)


CHECKS = [check_generated, check_borders, check_stats, check_conversations, check_collection]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capmill")
    parser.add_argument("--captures")
    parser.add_argument("--only", nargs="+", metavar="NAME")
    options = parser.parse_args()
    if not tables.enter():
        print("skipped: needs the readers of scripts/install_readers.sh")
        return 77
    if options.captures:
        os.environ["CAPMILL_CAPTURES"] = options.captures
    checks = [check for check in CHECKS if not options.only or check.__name__.removeprefix("check_") in options.only]
    with tempfile.TemporaryDirectory() as folder:
        return parquet_lake.run_checks(checks, Comparison(options.capmill, folder))


if __name__ == "__main__":
    sys.exit(main())
