#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare which packets capmill's structured filters keep with what tshark says of the packets.

usage: rules_vs_tshark.py CAPMILL [--captures FOLDER] [--only TEXT] [--jobs N] [--show N]

tshark dissects every packet of the collection once, without reassembly; each set of rules in rules.txt and each tree of rules
in rules.toml is then answered here from its fields, as docs/filters.md says what rules mean, and by `capmill sort`. The packets
stand in a few pcapng files with all link types, each packet with a time of its own, which says which were kept.

A filter looks at the outermost network packet, with --decap at the innermost; tshark shows all. Packets that both see in
another way on purpose are EXCUSED, each for a reason that headers_vs_tshark.py holds for the headers themselves; a reason that
no packet needs is a difference. Exit status: 0 equal, 1 different, 77 cannot run here.
"""
import argparse
import collections
import concurrent.futures
import datetime
import fnmatch
import ipaddress
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import tomllib

import collection
import headers_vs_tshark

N_PARTS = 8
LINK_USER2 = 149  # a private number, which tshark takes for Apple's PKTAP as Apple once did: left out
MORE_FIELDS = ["arp.opcode", "tcp.len", "tcp.payload", "udp.length", "udp.payload", "_ws.malformed"]
FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
WITH_PORTS = (6, 17, 132, 136, 33)
NAMES = {"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58, "igmp": 2, "sctp": 132, "gre": 47, "esp": 50, "ah": 51}

# --- flow ids, from the published description of XXH3 (64 bits, no seed; lengths 9 to 16 and 33 to 64) ---

SECRET = bytes.fromhex("b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
                       "b8084674f743248ee03590e6813a264c")
M64 = 2**64 - 1


def word(content, at):
    return int.from_bytes(content[at:at + 8], "little")


def fold(a, b):
    product = a * b
    return (product ^ product >> 64) & M64


def mix(content, at, secret_at):
    return fold(word(content, at) ^ word(SECRET, secret_at), word(content, at + 8) ^ word(SECRET, secret_at + 8))


def xxh3(content):
    n = len(content)
    if 9 <= n <= 16:
        low = word(content, 0) ^ word(SECRET, 24) ^ word(SECRET, 32)
        high = word(content, n - 8) ^ word(SECRET, 40) ^ word(SECRET, 48)
        sum_ = n + int.from_bytes(low.to_bytes(8, "little"), "big") + high + fold(low, high)
    else:
        assert 33 <= n <= 64
        sum_ = n * 0x9E3779B185EBCA87 + mix(content, 16, 32) + mix(content, n - 32, 48)
        sum_ += mix(content, 0, 0) + mix(content, n - 16, 16)
    sum_ &= M64
    sum_ ^= sum_ >> 37
    sum_ = sum_ * 0x165667919E3779F9 & M64
    return sum_ ^ sum_ >> 32


# --- packets as tshark sees them ---

def address(text):
    """As (version, number)."""
    if text is None:
        return None
    value = ipaddress.ip_address(text)
    return value.version, int(value)


def canonical(value):
    """An IPv4-mapped IPv6 address is the IPv4 address."""
    version, number = value
    return (4, number & 0xffffffff) if version == 6 and number >> 32 == 0xffff else value


class View:
    """What a filter sees of a packet: one network packet of it."""
    __slots__ = ("version", "protocol", "src", "dst", "src_port", "dst_port", "tcp_flags", "payload", "arp", "layer")

    def flow(self, unidirectional):
        """The bytes that identify it; None without an IP header."""
        if self.src is None or self.dst is None:
            return None
        ends = []
        for end, port in ((self.src, self.src_port), (self.dst, self.dst_port)):
            version, number = canonical(end)
            ends.append(number.to_bytes(4 if version == 4 else 16, "big") + struct.pack(">H", port or 0))
        if not unidirectional:
            ends.sort()
        return ends[0] + ends[1] + bytes([self.protocol])


class Truth:
    __slots__ = ("packet", "caplen", "outer", "inner", "protocols", "layers")


def payload_of(row, layers, depth):
    """The transport payload of a network packet; None where tshark shows none."""
    name = {6: "tcp", 17: "udp"}.get(layers[depth].protocol)
    if name is None or layers[depth].later or layers[depth].src_port is None:
        return None
    place = sum(layer.protocol == layers[depth].protocol and layer.src_port is not None for layer in layers[:depth])
    if row["tcp.len" if name == "tcp" else "udp.length"].split(",")[place:place + 1] == ["0"]:
        return b""
    payloads = row.get(name + ".payload", "").split(",")
    return bytes.fromhex(payloads[place]) if place < len(payloads) else b""


def view_of(row, layers, depth, arp):
    """`depth`: None where the packet is of another network."""
    view = View()
    view.arp = arp and depth is None
    view.version = view.protocol = view.src = view.dst = view.src_port = view.dst_port = view.tcp_flags = None
    view.payload = view.layer = None
    if depth is not None:
        layer = view.layer = layers[depth]
        view.version, view.protocol = layer.version, layer.protocol
        if layer.src is not None and layer.dst is not None:  # addresses count when both were captured
            view.src, view.dst = address(layer.src), address(layer.dst)
        if layer.protocol in WITH_PORTS and not layer.later:
            view.src_port, view.dst_port = layer.src_port, layer.dst_port
        view.tcp_flags = layer.tcp_flags if layer.protocol == 6 and not layer.later else None
        view.payload = payload_of(row, layers, depth)
    return view


# Ethernet in Ethernet is a tunnel: the outer packet is of no network.
FRAMES_IN_FRAMES = ("cfp", "ieee8021ah")
# Tunnels that are followed to frames, which may be of other networks than IP.
TO_FRAMES = ("vxlan", "geneve", "erspan", "gre", "gtp", "mpls", "eth")


def is_followed(layers, depth, packet):
    """Whether we get to a network packet, seen by tshark, too: headers_vs_tshark.py has the reasons where not."""
    layer = layers[depth]
    if "cmd" in layer.path:  # metadata of Cisco's: a known version in Ethernet
        return depth == 0 and packet.data[14:15] == b"\1"
    if any(carrier in headers_vs_tshark.NOT_FOLLOWED for carrier in layer.path):
        return False
    before = layers[depth - 1] if depth else None
    return not any(rule(before, layer, layer.path) for rule in headers_vs_tshark.NOT_FOLLOWED_RULES)


def views_of(row, packet):
    """The outermost and the innermost packet, as far as tunnels are followed."""
    layers, protocols = headers_vs_tshark.their_layers(row)
    layers = [layer for layer in layers if layer.src is not None or layer.protocol is not None]
    n = 0
    while n < len(layers) and is_followed(layers, n, packet):
        n += 1
    is_arp = "arp" in protocols and row["arp.opcode"].split(",")[0] not in ("3", "4") and packet.link_type != 129
    if n == 0:
        inner = view_of(row, layers, None, is_arp and not layers)
        outer = view_of(row, layers, None, inner.arp and not any(carrier in FRAMES_IN_FRAMES for carrier in protocols))
        return outer, inner, layers, protocols
    in_frame = any(carrier in FRAMES_IN_FRAMES for carrier in layers[0].path)
    outer = view_of(row, layers, None if in_frame else 0, False)
    inner = view_of(row, layers, n - 1, False)
    if n == len(layers):
        last = len(protocols) - 1 - [name in ("ip", "ipv6") for name in reversed(protocols)].index(True)
        behind = protocols[last + 1:]
        if "eth" in behind[1:-1] and behind[behind.index("eth") - 1] in TO_FRAMES and not any(
                carrier in headers_vs_tshark.NOT_FOLLOWED for carrier in behind):
            inner = view_of(row, layers, None, "arp" in behind)
    return outer, inner, layers, protocols


def rows_of(path, fields):
    """What tshark says in these fields of each packet of a file, as dictionaries."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a",
               "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    return [dict(zip(fields, line.split("\t"))) for line in done.stdout.splitlines()], done.stderr


def truth_of(row, packet):
    truth = Truth()
    truth.packet, truth.caplen = packet, len(packet.data)
    truth.outer, truth.inner, truth.layers, truth.protocols = views_of(row, packet)
    return truth


def truths_of(path, packets):
    """What tshark says of each packet of a file."""
    rows, said = rows_of(path, headers_vs_tshark.tshark_fields() + MORE_FIELDS)
    assert len(rows) == len(packets), said
    return [truth_of(row, packet) for row, packet in zip(rows, packets)]


# --- rules ---

class Table:
    """All packets by columns. Sets of packets are integers with a byte of 0 or 1 for each."""

    def __init__(self, truths, decap):
        self.n = len(truths)
        self.truths = truths
        self.views = [truth.inner if decap else truth.outer for truth in truths]
        self.everything = int.from_bytes(b"\1" * self.n, "little")
        self.groups = {}

    def values(self, column):
        """The packets of each value that stands in a column."""
        if column not in self.groups:
            groups = collections.defaultdict(list)
            if column == "caplen":
                for number, truth in enumerate(self.truths):
                    groups[truth.caplen].append(number)
            elif column == "origlen":
                for number, truth in enumerate(self.truths):
                    groups[truth.packet.origlen].append(number)
            elif column == "number":
                groups = {number: (number,) for number in range(self.n)}
            elif column in ("flow", "one-way flow"):
                for number, view in enumerate(self.views):
                    groups[view.flow(column != "flow")].append(number)
            elif column == "network":
                for number, view in enumerate(self.views):
                    groups[view.version, view.protocol, view.arp].append(number)
            else:
                for number, view in enumerate(self.views):
                    groups[getattr(view, column)].append(number)
            self.groups[column] = groups
        return self.groups[column]

    def where(self, column, test):
        chosen = bytearray(self.n)
        for value, members in self.values(column).items():
            if test(value):
                for number in members:
                    chosen[number] = 1
        return int.from_bytes(chosen, "little")

    def members(self, chosen):
        return [number for number, one in enumerate(chosen.to_bytes(self.n, "little")) if one]


class Rules:
    """A group: an operation, rules as (field, negate, question to a table), and groups within."""

    def __init__(self, op="and"):
        self.op, self.rules, self.groups = op, [], []

    def matching(self, table):
        verdicts = []
        for field in sorted({field for field, _, _ in self.rules}):
            wanted = unwanted = 0
            for of, negate, question in self.rules:
                if of == field:
                    if negate:
                        unwanted |= question(table)
                    else:
                        wanted |= question(table)
            if all(negate for of, negate, _ in self.rules if of == field):
                wanted = table.everything
            verdicts.append(wanted & (unwanted ^ table.everything))
        verdicts += [group.matching(table) for group in self.groups]
        if self.op == "or" and verdicts:
            result = 0
            for verdict in verdicts:
                result |= verdict
            return result
        result = table.everything
        for verdict in verdicts:
            result &= verdict
        return result ^ table.everything if self.op == "not" else result


def prefix(text):
    network = ipaddress.ip_network(text, strict=False)
    version, bits, number = network.version, network.prefixlen, int(network.network_address)
    if version == 6 and number >> 32 == 0xffff and bits >= 96:
        version, bits, number = 4, bits - 96, number & 0xffffffff
    last = number | (1 << ((32 if version == 4 else 128) - bits)) - 1
    # an IPv4-mapped address in an IPv6 packet is in IPv4 prefixes, and in the IPv6 prefixes that hold it as it stands
    return lambda value: value is not None and any(of == version and number <= at <= last
                                                   for of, at in {value, canonical(value)})


def ports(text):
    first, _, last = text.partition("-")
    first, last = int(first), int(last or first)
    return lambda value: value is not None and first <= value <= last


def moment(text):
    if re.fullmatch("[0-9]+", text):
        return int(text) * 10**6
    whole, fraction, zone = re.fullmatch(r"(.{19})(\.[0-9]+)?(Z|[+-]..:..)", text).groups()
    seconds = int(datetime.datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).timestamp())
    return seconds * 10**9 + int((fraction or ".0")[1:].ljust(9, "0"))


def flags(text):
    names, _, how = text.upper().partition(":")
    mask = 0 if names == "NONE" else sum(FLAGS[name] for name in names.split("+"))
    if how == "ANY":
        return lambda value: value is not None and value & mask != 0
    if how == "EXACT":
        return lambda value: value == mask
    return lambda value: value is not None and value & mask == mask


def protocol(text):
    if text == "arp":
        return lambda network: network[2]
    if text in ("ip", "ip6"):
        return lambda network: network[0] == (4 if text == "ip" else 6)
    number = NAMES[text] if text in NAMES else int(text)
    return lambda network: network[1] == number


def question_of(field, value):
    """What one value of a rule asks a table."""
    if field == "proto":
        test = protocol(value)
        return lambda table: table.where("network", test)
    if field in ("src_ip", "dst_ip", "ip", "src_port", "dst_port", "port"):
        end, _, kind = field.rpartition("_")
        test = prefix(value) if kind == "ip" else ports(value)
        columns = [one + ("_port" if kind == "port" else "") for one in ([end] if end else ["src", "dst"])]
        if len(columns) == 1:
            return lambda table: table.where(columns[0], test)
        return lambda table: table.where(columns[0], test) | table.where(columns[1], test)
    if field == "tcp_flags":
        test = flags(value)
        return lambda table: table.where("tcp_flags", test)
    if field in ("from", "to"):
        limit = moment(value)
        return lambda table: table.where("number", lambda number: (number * 10**9 >= limit) == (field == "from"))
    if field in ("min_len", "max_len"):
        limit = int(value)
        return lambda table: table.where("caplen", lambda n: n >= limit if field == "min_len" else n <= limit)
    if field == "payload_bytes":
        wanted = bytes.fromhex(value.replace(":", " ").removeprefix("0x"))
        return lambda table: table.where("payload", lambda payload: payload is not None and wanted in payload)
    if field == "payload_regex":
        pattern = re.compile(value.encode())  # the patterns used mean the same to Python and to Hyperscan
        return lambda table: table.where("payload", lambda payload: payload is not None
                                         and pattern.search(payload) is not None)
    if field == "expression":
        limit = int(value.split()[-1])  # "len > N", "greater N" are all that is used: tcpdump is another comparison
        least = limit + (">" in value)
        return lambda table: table.where("origlen", lambda n: n >= least)
    raise ValueError(field)


LISTS = ("proto", "src_ip", "dst_ip", "ip", "src_port", "dst_port", "port", "tcp_flags", "flow_id")


def add_rule(group, field, negate, value):
    for one in ([one.strip() for one in value.split(",")] if field in LISTS else [value]):
        group.rules.append((field, negate, question_of(field, one)))


class Case:
    """Arguments of the command line, or the text of a configuration file, and what they mean."""

    def __init__(self, name, arguments, rules, decap=False, unidirectional=False, min_flow_packets=0):
        self.name, self.arguments, self.rules = name, arguments, rules
        self.decap, self.unidirectional, self.min_flow_packets = decap, unidirectional, min_flow_packets

    def kept(self, table):
        """Numbers of packets."""
        chosen = table.members(self.rules.matching(table))
        if self.min_flow_packets >= 2:
            flows = [table.views[number].flow(self.unidirectional) for number in chosen]
            counts = collections.Counter(flow for flow in flows if flow is not None)
            chosen = [number for number, flow in zip(chosen, flows)
                      if flow is not None and counts[flow] >= self.min_flow_packets]
        return chosen


def case_of_line(line):
    words = shlex.split(line)
    case = Case(line, words, Rules())
    negate = False
    at = 0
    while at < len(words):
        name = words[at][2:].replace("-", "_")
        at += 1
        if name == "not":
            negate = True
            continue
        if name in ("decap", "unidirectional"):
            setattr(case, name, True)
        elif name == "min_flow_packets":
            case.min_flow_packets = int(words[at])
            at += 1
        else:
            add_rule(case.rules, "expression" if name == "filter" else name, negate, words[at])
            at += 1
        negate = False
    return case


def cases_of_lines():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rules.txt")
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return [case_of_line(line) for line in lines if line and not line.startswith("#")]


def group_of_table(table, case):
    """A group of a configuration; `case` takes what is no rule."""
    group = Rules(table.get("op", "and"))
    for key, value in table.items():
        if key == "rules":
            group.groups = [group_of_table(one, case) for one in value]
        elif key == "not":
            for field, values in value.items():
                for one in values if isinstance(values, list) else [values]:
                    add_rule(group, field, True, str(one))
        elif key in ("decap", "unidirectional", "min_flow_packets"):
            setattr(case, key, value)
        elif key not in ("op", "negate"):
            for one in value if isinstance(value, list) else [value]:
                text = one.isoformat().replace("+00:00", "Z") if isinstance(one, datetime.datetime) else str(one)
                add_rule(group, key, table.get("negate", False), text)
    return group


def cases_of_configuration(folder):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rules.toml")
    with open(path, "rb") as file:
        texts = [case["text"] for case in tomllib.load(file)["case"]]
    cases = []
    for number, text in enumerate(texts):
        config = os.path.join(folder, "rules%d.toml" % number)
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        case = Case("rules.toml, case %d" % (number + 1), ["--config", config], None)
        case.rules = group_of_table(tomllib.loads(text)["filter"], case)
        cases.append(case)
    return cases


# --- deliberate differences ---

def shorter_pppoe(packet):
    """Whether the length of a PPPoE session's packet is less than that of the IPv4 packet in it."""
    at = packet.data.find(b"\x88\x64\x11\x00")
    if at < 0 or len(packet.data) < at + 14:
        return False
    return struct.unpack_from(">H", packet.data, at + 6)[0] < struct.unpack_from(">H", packet.data, at + 12)[0] + 2


def shorter_udp(packet):
    """Whether UDP over IPv4 in Ethernet says that it is shorter than IPv4 does."""
    data = packet.data
    if packet.link_type != 1 or len(data) < 42 or data[12:15] != b"\x08\x00\x45" or data[23] != 17:
        return False
    return struct.unpack_from(">H", data, 38)[0] + 20 < struct.unpack_from(">H", data, 16)[0]


# What must hold of a packet that the two may see in different ways, and why they do.
REASONS = [
    ("labels 13 and 14 announce something else; a capture that counts labels up puts IP behind them, and we go by the version",
     lambda truth: truth.protocols[2:3] == ["mpls"] and not truth.layers),
    ("an extension header that was not captured whole is not passed; IANA gives 62 to CFTP, tshark to a mobility header",
     lambda truth: "mipv6" in truth.protocols),
    ("ARP in Cisco HDLC, which tshark does not look for",
     lambda truth: truth.packet.link_type == 104 and truth.packet.data[2:4] == b"\x08\x06"),
    ("IPv6 and UDP lengths of 0 are a jumbogram's or for hardware to fill in; tshark calls the packet malformed",
     lambda truth: bool(truth.layers) and (truth.layers[-1].version, truth.layers[-1].protocol) == (6, 17)
     and truth.layers[-1].src_port is None and not truth.layers[-1].later),
    ("tshark stops at a data offset below 5 before it shows the flags of TCP; they were captured",
     lambda truth: bool(truth.layers) and truth.layers[0].protocol == 6 and truth.layers[0].src_port is not None
     and truth.layers[0].tcp_flags is None),
    ("tshark shows data in a packet with RST as the reason for it, not as payload (RFC 9293, section 3.5.3)",
     lambda truth: (truth.outer.tcp_flags or 0) & FLAGS["RST"] != 0),
    ("tshark shows nothing of a header that was cut, but that it is there",
     lambda truth: truth.protocols[-1] in ("ip", "ipv6") and truth.protocols.count("ip") + truth.protocols.count("ipv6")
     > len(truth.layers)),
    ("tshark takes the first fragment of a UDP datagram as a whole, whose payload it does not show",
     lambda truth: bool(truth.layers) and truth.layers[0].fragment and truth.layers[0].protocol == 17),
    ("an extension header that was not captured whole is not passed",
     lambda truth: truth.protocols[-1].startswith("ipv6.") and truth.layers[-1].protocol in (0, 43, 44, 51, 60)),
    ("tshark takes the last four bytes of a FabricPath frame's inner frame for its checksum, which cuts the last header",
     lambda truth: "cfp" in truth.protocols and bool(truth.layers) and truth.layers[-1].src_port is None),
    ("UDP says that it is shorter than its IP packet: payload ends where IP says", lambda truth: shorter_udp(truth.packet)),
    ("the IP packet says that it is longer than the PPPoE packet around it: payload ends where IP says",
     lambda truth: "pppoes" in truth.protocols and shorter_pppoe(truth.packet)),
]


def excuse(truth):
    """Why the two may see this packet in different ways; None where they may not."""
    for reason, holds in REASONS:
        if holds(truth):
            return reason
    return None


class Comparison:
    def __init__(self, options, truths, path):
        self.options, self.truths, self.path = options, truths, path
        self.tables = {decap: Table(truths, decap) for decap in (False, True)}
        self.used = collections.Counter()

    def ours(self, case):
        """(status, numbers of packets, what was said)"""
        command = [self.options.capmill, "sort", "--quiet", "--format", "pcapng", *case.arguments, "-o", "-", self.path]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
        return (done.returncode, [packet.time // 10**9 for packet in collection.read_pcapng(done.stdout)],
                done.stderr.decode(errors="replace").strip())

    def one(self, case):
        """(number kept, failures)"""
        status, ours, said = self.ours(case)
        if status != 0:
            return 0, ["%s: exit status %d: %s" % (case.name, status, said)]
        theirs = case.kept(self.tables[case.decap])
        if ours == theirs:
            return len(ours), []
        failures = []
        for text, which in (("kept, not by tshark's fields", sorted(set(ours) - set(theirs))),
                            ("kept by tshark's fields", sorted(set(theirs) - set(ours)))):
            unexplained = []
            for number in which:
                reason = excuse(self.truths[number])
                if reason is None:
                    unexplained.append(number)
                else:
                    self.used[reason] += 1
            if unexplained:
                truth = self.truths[unexplained[0]]
                failures.append("%s: %d %s; first: %r %s %s" % (
                    case.name, len(unexplained), text, truth.packet, ":".join(truth.protocols), truth.layers[:2]))
        return len(ours), failures


def flow_cases(truths):
    """--flow-id for flows of the collection, by ids that are computed here."""
    cases = []
    for decap in (False, True):
        for unidirectional in (False, True):
            counts = collections.Counter()
            for truth in truths:
                flow = (truth.inner if decap else truth.outer).flow(unidirectional)
                if flow is not None:
                    counts[flow] += 1
            common = [flow for flow, _ in counts.most_common(400)]
            for flows in (common[:1], common[5:400:13]):
                ids = ["%016x" % xxh3(flow) for flow in flows]
                line = "--flow-id " + ",".join(ids) + (" --decap" if decap else "")
                case = Case(line[:60], shlex.split(line) + (["--unidirectional"] if unidirectional else []), Rules(),
                            decap, unidirectional)
                column = "one-way flow" if unidirectional else "flow"
                case.rules.rules.append(("flow_id", False, lambda table, flows=set(flows), column=column:
                                         table.where(column, lambda flow: flow in flows)))
                cases.append(case)
    return cases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capmill")
    parser.add_argument("--captures")
    parser.add_argument("--only", default="", help="rules with this text alone")
    parser.add_argument("--files", default="*", help="captures of this pattern alone")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", type=int, default=60)
    options = parser.parse_args()
    captures = collection.folder_of(options.captures)
    if captures is None or shutil.which("tshark") is None:
        print("skipped: needs captures (CAPMILL_CAPTURES) and tshark")
        return 77
    packets = [packet for packet in collection.every_packet(captures, lambda row: row["capinfos"] == "ok"
                                                            and fnmatch.fnmatch(row["file"], options.files))
               if packet.link_type != LINK_USER2]
    failures, n_kept, n_matching = [], 0, 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        size = len(packets) // N_PARTS + 1
        parts = [packets[at:at + size] for at in range(0, len(packets), size)]
        paths = [os.path.join(folder, "part%d.pcapng" % i) for i in range(len(parts))]
        for path, part in zip(paths, parts):
            collection.write_pcapng(path, part)
        truths = [truth for part in pool.map(truths_of, paths, parts) for truth in part]
        whole = os.path.join(folder, "all.pcapng")
        collection.write_pcapng(whole, packets)
        comparison = Comparison(options, truths, whole)
        cases = [case for case in cases_of_lines() + cases_of_configuration(folder) + flow_cases(truths)
                 if options.only in case.name]
        for case in cases:
            kept, differences = comparison.one(case)
            n_kept += kept
            n_matching += kept > 0
            failures += differences
    print("%d sets of rules over %d packets: %d match some, %d kept in all" % (len(cases), len(packets), n_matching, n_kept))
    for failure in failures[:options.show]:
        print(failure)
    for reason, n in sorted(comparison.used.items()):
        print("expected: %s (%d)" % (reason, n))
    unused = [] if options.only or options.files != "*" else [reason for reason, _ in REASONS if reason not in comparison.used]
    for reason in unused:
        print("a reason that nothing needs: " + reason)
    print("%d unexplained" % (len(failures) + len(unused)))
    return 1 if failures or unused or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
