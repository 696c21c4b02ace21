#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare the tables that capmill exports with each other, with the captures' own bytes, and with tshark.

usage: tables_vs_tshark.py CAPMILL [--captures FOLDER] [--only GLOB] [--jobs N] [--show N]

Every capture of the collection is exported once with all columns to Parquet, Avro and JSON lines, and once more with
--decap. DuckDB, pyarrow, fastavro and json must read the same rows. Times, lengths, places and payloads must be those of the
capture's records (read by collection.py), headers those that tshark shows, ids those that xxhash and communityid make, and
what is told of flows must follow from the rows. Deliberate differences are the rules below, each with its reason; a rule that
no packet needs any more is itself reported. Exit status: 0 equal, 1 different, 77 cannot run here.
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import functools
import os
import shutil
import sys
import tempfile

import collection
import headers_vs_tshark
import rules_vs_tshark
import tables

COLUMNS = ["timestamp_ns", "src_ip", "dst_ip", "src_port", "dst_port", "protocol", "flow_id", "caplen", "origlen",
           "tcp_flags", "payload", "time", "packet_number", "interface", "community_id", "eth_type", "vlan", "vlan_inner",
           "ttl", "ip_id", "tcp_seq", "tcp_ack", "tcp_window", "icmp_type", "icmp_code", "src_mac", "dst_mac", "payload_len",
           "file", "file_offset", "flow_packets", "flow_bytes", "flow_first_ns", "flow_last_ns", "flow_direction"]
INNER = ["src_ip", "dst_ip", "src_port", "dst_port", "protocol", "flow_id", "community_id", "tcp_flags", "ttl", "ip_id",
         "tcp_seq", "tcp_ack", "tcp_window", "icmp_type", "icmp_code"]
LINK_ETHERNET = 1
LINK_USER2 = 149  # a private number, which tshark takes for Apple's PKTAP as Apple once did: headers left out
LINK_FIELDS = ["eth.src", "eth.dst", "eth.type", "vlan.id", "vlan.etype", "ieee8021ad.id", "llc.type",
               "arp.opcode", "tcp.len", "udp.length"]
RECORD_FIELDS = ["frame.encap_type", "frame.time_epoch", "frame.cap_len", "frame.len", "frame.interface_id",
                 "frame.interface_name"]
TIME_MAX = 2**63 - 1  # readers take times for signed numbers
N_GROUPS = 16  # of captures that tshark dissects as one: most of what it costs is to start it
UNKNOWN = object()

# --- what tshark says ---

def whole(text):
    return int(text.split(",")[0], 0) if text else None


def nanoseconds(text):
    """frame.time_epoch; None where the record has no time."""
    if not text:
        return None
    seconds, _, fraction = text.partition(".")
    ns = int(fraction.ljust(9, "0"))
    return int(seconds) * 10**9 + (-ns if seconds.startswith("-") else ns)


# Tags that tshark's fields do not tell apart from what follows them.
OTHER_TAGS = ("vntag", "etag", "macsec", "cmd")


def link_of(row, packet, protocols):
    """What is told of an Ethernet header: {column: value}."""
    if packet.link_type != LINK_ETHERNET or protocols[0] != "eth":
        return {}
    values = {"src_mac": row["eth.src"].split(",")[0] or None, "dst_mac": row["eth.dst"].split(",")[0] or None}
    if "cfp" in protocols[:3]:  # tshark tells of the frame within alone
        return {end + "_mac": packet.data[at:at + 6].hex(":") for end, at in (("dst", 0), ("src", 6))}
    queues = {name: row[name].split(",") for name in ("vlan.id", "vlan.etype", "ieee8021ad.id")}
    kind, tags = whole(row["eth.type"]), []
    for place, protocol in enumerate(protocols[1:], 1):
        if protocol == "vlan":
            tags.append(whole(queues["vlan.id"].pop(0)))
            text = queues["vlan.etype"].pop(0) if queues["vlan.etype"] else ""
            kind = whole(text) if text else None
        elif protocol == "ieee8021ad":
            tags.append(whole(queues["ieee8021ad.id"].pop(0)))
            kind = UNKNOWN  # no field says what follows
        elif protocol in OTHER_TAGS:
            kind = UNKNOWN
            if protocol == "cmd":
                break
        elif protocol == "llc":
            if len(tags) != place - 1 - protocols[:place].count("ethertype"):
                break
            kind = whole(row["llc.type"]) if row["llc.type"] else None
            break
        elif protocol != "ethertype":
            break
    values["vlan"], values["vlan_inner"] = (tags + [None, None])[:2]
    values["eth_type"] = kind or None if kind is not UNKNOWN else kind  # 0 is no type
    return values


def headers_of(view):
    """What is told of a network packet."""
    more = view.layer.more if view.layer is not None else {}
    values = {"src_ip": address_text(view, "src"), "dst_ip": address_text(view, "dst"),
              "src_port": view.src_port, "dst_port": view.dst_port, "protocol": view.protocol, "tcp_flags": view.tcp_flags,
              "ttl": more.get("ttl"), "ip_id": more.get("ip_id")}
    transport = view.layer is not None and not view.layer.later
    for names, protocols in ((("tcp_seq", "tcp_ack", "tcp_window"), (6,)), (("icmp_type", "icmp_code"), (1, 58))):
        for name in names:
            values[name] = more.get(name) if transport and view.protocol in protocols else None
    return values


def payload_length(view, packet):
    """Bytes behind TCP or UDP by the length of the IP packet; UNKNOWN where tshark does not tell what it takes."""
    layer, more = view.layer, view.layer.more if view.layer is not None else {}
    if layer is None or layer.fragment or view.src_port is None or view.protocol not in (6, 17):
        return UNKNOWN
    behind = 8 if view.protocol == 17 else more.get("tcp_bytes")
    whole_bytes = more.get("payload_bytes") if layer.version == 6 else more.get("bytes")
    before = more.get("header_bytes") if layer.version == 4 else 0
    if view.protocol == 6 and view.tcp_flags is None or behind is None or not whole_bytes or before is None or before + behind > whole_bytes:
        return UNKNOWN
    if layer.version == 6 and view.protocol != packet_protocol_of_ipv6(packet):
        return UNKNOWN  # extension headers, whose lengths would have to be told
    return whole_bytes - before - behind


def packet_protocol_of_ipv6(packet):
    """Next header of an IPv6 packet straight behind Ethernet; None elsewhere."""
    return packet.data[20] if packet.link_type == LINK_ETHERNET and packet.data[12:14] == b"\x86\xdd" else None


def address_text(view, end):
    """Addresses as tshark writes them, where both were captured."""
    return getattr(view.layer, end) if view.src is not None and view.dst is not None else None


# --- ids, by others' code ---

@functools.lru_cache(maxsize=1 << 16)
def flow_key(src, dst, src_port, dst_port, protocol):
    """The bytes that identify a flow, as documented; None without addresses."""
    view = rules_vs_tshark.View()
    view.src, view.dst = rules_vs_tshark.address(src), rules_vs_tshark.address(dst)
    view.src_port, view.dst_port, view.protocol = src_port, dst_port, protocol
    return view.flow(False)


@functools.lru_cache(maxsize=1 << 16)
def flow_id(key):
    import xxhash
    return None if key is None else xxhash.xxh3_64_intdigest(key)


@functools.lru_cache(maxsize=1 << 16)
def community_id(src, dst, src_port, dst_port, protocol, icmp_type, icmp_code):
    import communityid
    if src is None:
        return None
    ports = (src_port, dst_port)
    if protocol in (communityid.PROTO_ICMP, communityid.PROTO_ICMP6):
        if icmp_type is None:  # of a fragment, or cut: the specification does not say, and the library refuses
            return UNKNOWN
        ports = (icmp_type, icmp_code)
    elif protocol not in (communityid.PROTO_TCP, communityid.PROTO_UDP, communityid.PROTO_SCTP):
        ports = (None, None)  # the specification knows the ports of these alone
    elif src_port is None:
        ports = (0, 0)
    return communityid.CommunityID().calc(communityid.FlowTuple(protocol, src, dst, *ports))


def ids_of(table, row):
    five = tuple(table[name][row] for name in ("src_ip", "dst_ip", "src_port", "dst_port", "protocol"))
    key = flow_key(*five)
    return key, flow_id(key), community_id(*five, table["icmp_type"][row], table["icmp_code"][row])


# --- deliberate differences ---

# Of one column: name, columns, what must hold of (ours, theirs, packet, truth), the reason. What headers_vs_tshark.py and
# rules_vs_tshark.py excuse of addresses, protocol, ports and flags is excused here for their reasons.
FIELD_RULES = [
    ("beyond 2262", ("timestamp_ns",), lambda ours, theirs, packet, truth: ours == TIME_MAX < theirs,
     "readers of tables take times for signed numbers: later ones stay at the greatest"),
    ("cut ICMP", ("icmp_type", "icmp_code"),
     lambda ours, theirs, packet, truth: theirs is None and truth.protocols[-1] in ("icmp", "icmpv6"),
     "tshark shows nothing of an ICMP header of fewer than eight bytes; its first two are told"),
    ("cut TCP", ("tcp_seq", "tcp_ack", "tcp_window"),
     lambda ours, theirs, packet, truth: theirs is None and truth.outer.tcp_flags is None and truth.outer.layer.fragment,
     "tshark shows nothing of a TCP header of fewer than twenty bytes but its ports; what was captured is told"),
    ("cut extension header", ("protocol",),
     lambda ours, theirs, packet, truth: ours in (0, 43, 44, 60) and truth.protocols[-1].startswith("ipv6."),
     "an extension header that was not captured whole is not passed"),
    ("cut Ethernet", ("dst_mac", "src_mac"), lambda ours, theirs, packet, truth: theirs is None and len(packet.data) < 14,
     "tshark shows nothing of an Ethernet header that was cut; an address that was captured is told"),
    ("SNAP of others", ("eth_type",), lambda ours, theirs, packet, truth: theirs is None and "ddp" in truth.protocols,
     "a type of Apple's (OUI 08:00:07) stands in no field of its own in tshark"),
]
NETWORK = ("src_ip", "dst_ip", "src_port", "dst_port", "protocol", "tcp_flags", "ttl", "ip_id", "tcp_seq", "tcp_ack", "tcp_window",
           "payload_len")


def excuse(column, ours, theirs, packet, truth):
    """The name of the rule that lets the two differ; None where nothing does."""
    for rule, columns, holds, _ in FIELD_RULES:
        if column in columns and holds(ours, theirs, packet, truth):
            return rule
    if truth is not None and column in NETWORK and rules_vs_tshark.excuse(truth) is not None:
        return "rules_vs_tshark"
    return None


# --- one capture ---

class Checked:
    """What came of a capture."""

    def __init__(self, name):
        self.name = name
        self.n_rows = self.n_different = 0
        self.differences = []
        self.used = collections.Counter()
        self.refused = False

    def differs(self, text):
        self.n_different += 1
        if len(self.differences) < 20:
            self.differences.append(text)

    def compare(self, number, column, ours, theirs, packet, truth=None, which=""):
        """`theirs` is tshark's."""
        if theirs is UNKNOWN or ours == theirs:
            return
        rule = excuse(column, ours, theirs, packet, truth)
        if rule:
            self.used[rule] += 1
        else:
            self.differs("packet %d (%s), %s %s: %r, tshark %r" % (
                number + 1, ":".join(truth.protocols) if truth else "record", which, column, ours, theirs))


def export(capmill, path, folder, columns, *more):
    """(status, {extension: path}, what was said)"""
    paths = {kind: os.path.join(folder, "rows." + kind) for kind in ("parquet", "avro", "jsonl")}
    command = [capmill, "export", "--quiet", "--force", "--columns", ",".join(columns), *more]
    for kind in paths:
        command += ["-o", paths[kind]]
    done = tables.run([*command, path], (0, 1, 3))
    return done.returncode, paths, done.stderr.decode(errors="replace")


def readers_agree(checked, paths, columns):
    """The table as DuckDB has it, when the others have the same."""
    table = tables.by_duckdb(paths["parquet"], connection())
    for reader, other in (("pyarrow", tables.by_pyarrow(paths["parquet"])), ("fastavro", tables.by_fastavro(paths["avro"])),
                          ("json", tables.by_json(paths["jsonl"], columns))):
        text = tables.difference(table, other)
        if text:
            checked.differs("DuckDB and %s: %s" % (reader, text))
    if list(table) != columns:
        checked.differs("columns are %s" % list(table))
    return table


@functools.lru_cache(maxsize=None)
def connection():
    return tables.duckdb_connection()


def records_agree(checked, table, packets, path, whole_capture):
    """Times, lengths, places and bytes are those of the records; of a damaged capture up to the damage."""
    n = len(table["caplen"])
    if whole_capture and packets and n != len(packets):
        checked.differs("%d rows of %d records" % (n, len(packets)))
    places = {packet.place: packet for packet in packets}
    if not whole_capture and packets and n and not any(place in places for place in table["file_offset"]):
        checked.differs("no row is one of the %d records before the damage" % len(packets))
    for row in range(n):
        if table["packet_number"][row] != row + 1 or table["file"][row] != path or table["time"][row] != table["timestamp_ns"][row]:
            checked.differs("row %d: packet number %r, file %r, time %r" % (row + 1, table["packet_number"][row], table["file"][row],
                                                                           table["time"][row]))
        packet = places.get(table["file_offset"][row])
        if packet is None:
            if packets and whole_capture:
                checked.differs("row %d: there is no record at %d" % (row + 1, table["file_offset"][row]))
            continue
        record = {"timestamp_ns": min(max(packet.time, 0), TIME_MAX), "caplen": len(packet.data), "origlen": packet.origlen,
                  "payload": packet.data}
        if packet.interface is None:
            record["interface"] = None
        elif packet.interface[2] is not None:
            record["interface"] = packet.interface[2]
        for column, value in record.items():
            if table[column][row] != value:
                checked.differs("row %d, %s: %.200r, the record has %.200r" % (row + 1, column, table[column][row], value))


def ids_agree(checked, table):
    for row in range(len(table["caplen"])):
        _, expected, community = ids_of(table, row)
        for column, value in (("flow_id", expected), ("community_id", community)):
            if value is not UNKNOWN and table[column][row] != value:
                checked.differs("row %d, %s: %r, by others' code %r" % (row + 1, column, table[column][row], value))


def flows_agree(checked, table):
    """Totals of a flow are sums over its rows, and it goes the way of the earliest."""
    sources = [(src, port or 0) for src, port in zip(table["src_ip"], table["src_port"])]
    totals = {}
    keys = [flow_key(*(table[name][row] for name in ("src_ip", "dst_ip", "src_port", "dst_port", "protocol")))
            for row in range(len(table["caplen"]))]
    for row, key in enumerate(keys):
        if key is None:
            continue
        time = table["timestamp_ns"][row]
        n, n_bytes, first, last, forward = totals.get(key, (0, 0, time, time, sources[row]))
        totals[key] = (n + 1, n_bytes + table["origlen"][row], min(first, time), max(last, time),
                       sources[row] if time < first else forward)
    for row, key in enumerate(keys):
        expected = totals.get(key, (None,) * 5)
        if key is not None:
            expected = *expected[:4], "forward" if sources[row] == expected[4] else "reverse"
        ours = tuple(table[name][row] for name in ("flow_packets", "flow_bytes", "flow_first_ns", "flow_last_ns", "flow_direction"))
        if ours != expected:
            checked.differs("row %d: packets, bytes, first, last and direction of its flow: %r, the rows have %r" % (row + 1, ours, expected))


def headers_agree(checked, table, which, packets, rows):
    """`which`: "outer" or "inner". The rows are tshark's of these packets, in whatever file it saw them."""
    for number, (packet, row) in enumerate(zip(packets, rows)):
        if packet.link_type == LINK_USER2:
            continue
        truth = rules_vs_tshark.truth_of(row, packet)
        theirs = headers_of(getattr(truth, which))
        if which == "outer":
            theirs.update(link_of(row, packet, truth.protocols))
            theirs["payload_len"] = payload_length(truth.outer, packet)
        for column, value in theirs.items():
            checked.compare(number, column, table[column][number], value, packet, truth, which)


def interfaces_agree(checked, table, path, packets):
    """What tshark says of a pcapng capture itself: times by its interfaces' units, and the interfaces' names."""
    rows, _ = rules_vs_tshark.rows_of(path, RECORD_FIELDS)
    rows = [row for row in rows if row["frame.encap_type"]]  # custom blocks are no packets
    if len(rows) != len(packets):
        checked.differs("%d rows, tshark has %d packets" % (len(packets), len(rows)))
    for number, (packet, row) in enumerate(zip(packets, rows)):
        time = nanoseconds(row["frame.time_epoch"])
        theirs = {"timestamp_ns": packet.time if time is None else time, "caplen": whole(row["frame.cap_len"]),
                  "origlen": whole(row["frame.len"])}
        # tshark 4.0 looks names of later sections up in the first; some interfaces are called unknown
        if packet.interface[0] == 0 and packet.interface[2] is not None:
            theirs["interface"] = packet.interface[2] if row["frame.interface_name"] == escaped(packet.interface[2]) else \
                row["frame.interface_name"]
        elif packet.interface[0] == 0:
            theirs["interface"] = row["frame.interface_id"]
        for column, value in theirs.items():
            checked.compare(number, column, table[column][number], value, packet)


def escaped(text):
    """As tshark writes control characters in fields."""
    return text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")


def check_file(capmill, folder, name, is_sound):
    """Everything but headers. Answers what came of it, the packets, and their tables of outer and inner headers."""
    checked = Checked(name)
    path = os.path.join(folder, name)
    packets = collection.read(path)
    with tempfile.TemporaryDirectory() as work:
        status, paths, said = export(capmill, path, work, COLUMNS)
        if status == 1:
            checked.refused = True
            if is_sound and packets:
                checked.differs("refused: " + said.strip())
            left = os.listdir(work)
            if left:
                checked.differs("refused, and left %s behind" % ", ".join(left))
            return checked, [], None, None
        table = readers_agree(checked, paths, COLUMNS)
        _, paths, _ = export(capmill, path, work, INNER, "--decap")
        inner = readers_agree(checked, paths, INNER)
    checked.n_rows = len(table["caplen"])
    is_sound = is_sound and status == 0  # what is damage frame_vs_capinfos.py looks into
    records_agree(checked, table, packets, path, is_sound)
    ids_agree(checked, table)
    flows_agree(checked, table)
    if is_sound and len(packets) == checked.n_rows:
        if path_is_pcapng(path):
            interfaces_agree(checked, table, path, packets)
        return checked, packets, table, inner
    return checked, [], None, None


def path_is_pcapng(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x0a\x0d\x0d\x0a"


def check_group(capmill, folder, rows, fields):
    """Some captures, whose packets tshark gets in one file."""
    done = [check_file(capmill, folder, row["file"], row["capinfos"] == "ok") for row in rows]
    packets = [packet for _, of_capture, _, _ in done for packet in of_capture]
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        collection.write_pcapng(file.name, packets)
        dissected, said = rules_vs_tshark.rows_of(file.name, fields)
    assert len(dissected) == len(packets), said
    at = 0
    for checked, of_capture, table, inner in done:
        theirs = dissected[at:at + len(of_capture)]
        at += len(of_capture)
        headers_agree(checked, table, "outer", of_capture, theirs)
        headers_agree(checked, inner, "inner", of_capture, theirs)
    return [checked for checked, _, _, _ in done]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capmill")
    parser.add_argument("--captures")
    parser.add_argument("--only", default="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", type=int, default=5)
    options = parser.parse_args()
    folder = collection.folder_of(options.captures)
    if folder is None or shutil.which("tshark") is None or not tables.enter():
        print("skipped: needs captures (CAPMILL_CAPTURES), tshark, and the readers of scripts/install_readers.sh")
        return 77
    fields = sorted(set(headers_vs_tshark.tshark_fields() + LINK_FIELDS).union(
        *(fields.values() for fields in headers_vs_tshark.MORE.values())))
    rows = [row for row in collection.manifest(folder) if fnmatch.fnmatch(row["file"], options.only)]
    groups = [group for group in (rows[i::N_GROUPS] for i in range(N_GROUPS)) if group]
    n_rows = n_refused = n_different = 0
    used = collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        answers = [pool.submit(check_group, options.capmill, folder, group, fields) for group in groups]
        for checked in (one for answer in answers for one in answer.result()):
            n_rows += checked.n_rows
            n_refused += checked.refused
            used += checked.used
            if checked.n_different:
                n_different += 1
                print("%s: %d differences in %d rows" % (checked.name, checked.n_different, checked.n_rows))
                for text in checked.differences[:options.show]:
                    print("  " + text)
    print("%d captures, %d rows; %d refused; %d differ" % (len(rows), n_rows, n_refused, n_different))
    for rule, n in sorted(used.items()):
        print("expected: %s (%d)" % (rule, n))
    unused = [rule[0] for rule in FIELD_RULES if rule[0] not in used] if options.only == "*" else []
    for rule in unused:
        print("a rule that nothing needs: " + rule)
    return 1 if n_different or unused or not n_rows else 0


if __name__ == "__main__":
    sys.exit(main())
