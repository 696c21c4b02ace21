#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare what wire/ says of each packet with tshark, over a folder of captures.

usage: headers_vs_tshark.py HEADERS_DUMP [--captures FOLDER] [--only GLOB] [--jobs N] [--show N]

Compared per packet, from the outermost network packet to the innermost: addresses, protocol after extension headers, ports,
TCP flags, and that the same number of packets lie within each other. Deliberate differences are the rules below, each with
its reason; a rule that no packet needs any more is itself reported. Exit status: 0 equal, 1 different, 77 cannot run here.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import shutil
import subprocess
import sys

# Rules for the packets within: tshark follows these carriers to another IP packet and wire/ does not. A carrier counts as
# one where its name stands between the two in tshark's list of protocols.
NOT_FOLLOWED = {
    "teredo": "IPv6 in UDP on any port, told by conversation",
    "l2tp": "a session's state tells what is in it",
    "lisp": "not among the tunnels we recognise", "lisp-data": "not among the tunnels we recognise",
    "capwap.data": "802.11 in UDP: not among the tunnels we recognise",
    "ayiya": "not among the tunnels we recognise",
    "gtpprime": "charging records that quote packets",
    "sflow": "samples of other packets, not a tunnel",
    "openflow": "messages that quote packets, not a tunnel",
    "wg": "tshark decrypts it with keys of the capture",
    "pwethheuristic": "a pseudowire is told from IP by its control word, but Ethernet in it only by guessing",
    "arcnet": "link type not decoded", "6lowpan": "compressed headers: nothing to point at",
    "cmd": "Cisco metadata within GRE: tshark takes it for an Ethernet type there, no specification does",
}


def port_of_the_sender(ours, theirs, path):
    """VXLAN and Geneve by their source port: the sender chooses that one freely, only the destination's counts."""
    return ours is not None and ours.protocol == 17 and ours.src_port in (4789, 6081)


def gre_in_udp(ours, theirs, path):
    """RFC 8086 (port 4754): not among the tunnels we recognise."""
    return path[:2] == ["udp", "gre"]


def vxlan_gpe(ours, theirs, path):
    """VXLAN-GPE (port 4790) stayed a draft: not among the tunnels we recognise."""
    return ours is not None and ours.protocol == 17 and 4790 in (ours.src_port, ours.dst_port)


NOT_FOLLOWED_RULES = [vxlan_gpe, port_of_the_sender, gre_in_udp]

# Rules for one field of one network packet: name of the rule, the field, what must hold, the reason.
FIELD_RULES = [
    ("flags of a bad TCP header", "tcp_flags",
     lambda ours, theirs, name: "b" in ours.marks and theirs.tcp_flags is None,
     "tshark stops at a data offset below 5 before it shows the flags; they were captured"),
    ("protocol of a cut extension header", "protocol",
     lambda ours, theirs, name: "c" in ours.marks and ours.protocol in (0, 43, 44, 51, 60),
     "an extension header that was not captured whole is not passed"),
    ("source address alone", "src",
     lambda ours, theirs, name: "c" in ours.marks and ours.src is None and theirs.dst is None,
     "addresses are given when both were captured"),
    ("old mobility protocol", "protocol",
     lambda ours, theirs, name: ours.protocol == 62,
     "IANA gives 62 to CFTP; tshark takes it for a draft's mobility header"),
    ("end of FabricPath frames", "dst",
     lambda ours, theirs, name: theirs.dst is None and "fabric-path" in name,
     "tshark takes the last four bytes of the inner frame for its checksum, which cuts the last header"),
    ("end of FabricPath frames", "src_port",
     lambda ours, theirs, name: theirs.src_port is None and "fabric-path" in name, "as before"),
    ("end of FabricPath frames", "dst_port",
     lambda ours, theirs, name: theirs.dst_port is None and "fabric-path" in name, "as before"),
]

# Rules for whole packets that only one side takes for IP: name, what must hold of (ours, theirs, protocols, link type).
PACKET_RULES = [
    ("UDP without a length", lambda ours, theirs, protocols, link_type: theirs and theirs[-1].version == 6
     and theirs[-1].protocol == 17 and theirs[-1].src_port is None and len(ours) == len(theirs) + 1,
     "IPv6 and UDP lengths of 0 are a jumbogram's or for hardware to fill in; tshark calls the packet malformed"),
    ("labels 13 and 14", lambda ours, theirs, protocols, link_type: not theirs and protocols[2] == "mpls",
     "a capture that counts labels up puts IP behind the two that announce something else; we go by the version"),
    ("USER2", lambda ours, theirs, protocols, link_type: link_type == 149,
     "a private number, which tshark takes for Apple's PKTAP as Apple once did"),
]

FIELDS = [
    "frame.number", "frame.encap_type", "frame.protocols",
    "ip.src", "ip.dst", "ip.cur_rt", "ip.proto", "ip.frag_offset", "ip.flags.mf",
    "ipv6.src", "ipv6.dst", "ipv6.nxt",
    "ipv6.hopopts.nxt", "ipv6.routing.nxt", "ipv6.fraghdr.nxt", "ipv6.dstopts.nxt", "ah.next_header",
    "ipv6.fraghdr.offset", "ipv6.fraghdr.more",
    "tcp.srcport", "tcp.dstport", "tcp.flags", "udp.srcport", "udp.dstport", "sctp.srcport", "sctp.dstport",
    "dccp.srcport", "dccp.dstport", "mip6.proto", "hip.proto", "shim6.nxt",
]
EXTENSIONS = {
    "ipv6.hopopts": "ipv6.hopopts.nxt", "ipv6.routing": "ipv6.routing.nxt", "ipv6.fraghdr": "ipv6.fraghdr.nxt",
    "ipv6.dstopts": "ipv6.dstopts.nxt", "ah": "ah.next_header", "mipv6": "mip6.proto", "hip": "hip.proto",
    "shim6": "shim6.nxt",
}
MESSAGES = ("mipv6", "hip", "shim6")
# Numbers of a layer that tables_vs_tshark.py compares: taken along where their fields were asked for.
MORE = {
    "ip": {"ttl": "ip.ttl", "ip_id": "ip.id", "bytes": "ip.len", "header_bytes": "ip.hdr_len"},
    "ipv6": {"ttl": "ipv6.hlim", "payload_bytes": "ipv6.plen"},
    "tcp": {"tcp_seq": "tcp.seq_raw", "tcp_ack": "tcp.ack_raw", "tcp_window": "tcp.window_size_value",
            "tcp_bytes": "tcp.hdr_len"},
    "icmp": {"icmp_type": "icmp.type", "icmp_code": "icmp.code"},
    "icmpv6": {"icmp_type": "icmpv6.type", "icmp_code": "icmpv6.code"},
}
PORTS = {"tcp": "tcp", "udp": "udp", "udplite": "udp", "sctp": "sctp", "dccp": "dccp"}


def tshark_fields():
    known = subprocess.run(["tshark", "-G", "fields"], capture_output=True, text=True, check=True).stdout
    names = {line.split("\t")[2] for line in known.splitlines() if line.startswith("F\t")}
    return [field for field in FIELDS if field in names]


class Layer:
    """One network packet; None where not known. `more`: what others than this comparison ask of tshark (MORE)."""
    __slots__ = ("version", "src", "dst", "protocol", "src_port", "dst_port", "tcp_flags", "fragment", "later", "path",
                 "marks", "more")

    def __init__(self):
        self.version = self.src = self.dst = self.protocol = self.src_port = self.dst_port = self.tcp_flags = None
        self.more = {}
        self.fragment = self.later = False
        self.path = []
        self.marks = ""

    def __repr__(self):
        return (f"IPv{self.version} {self.src}:{self.src_port} > {self.dst}:{self.dst_port} proto {self.protocol}"
                f" flags {self.tcp_flags}{' frag' if self.fragment else ''}{' later' if self.later else ''}"
                f" [{self.marks}]")


def integer(text):
    return int(text, 0) if text else None


def their_layers(row):
    """tshark lists each field's values in packet order and the protocols in order of their layers: match them up."""
    values = {name: (text.split(",") if text else []) for name, text in row.items()}

    def take(name):
        queue = values.get(name)
        return queue.pop(0) if queue else None

    def take_more(layer, protocol):
        for name, field in MORE.get(protocol, {}).items():
            layer.more[name] = integer(take(field))

    layers = []
    path = []
    protocols = row["frame.protocols"].split(":")
    for protocol in protocols:
        layer = layers[-1] if layers else None
        if protocol == "ip":
            layer = Layer()
            layer.version = 4
            layer.src, layer.dst = take("ip.src"), take("ip.dst")
            if values.get("ip.cur_rt"):  # ip.dst is then the last stop of a source route
                layer.dst = take("ip.cur_rt")
            layer.protocol = integer(take("ip.proto"))
            offset, more = integer(take("ip.frag_offset")), take("ip.flags.mf")
            layer.later = bool(offset)
            layer.fragment = bool(offset) or more == "1"
            take_more(layer, protocol)
            layer.path, path = path, []
            layers.append(layer)
        elif protocol == "ipv6":
            layer = Layer()
            layer.version = 6
            layer.src, layer.dst = take("ipv6.src"), take("ipv6.dst")
            layer.protocol = integer(take("ipv6.nxt"))
            take_more(layer, protocol)
            layer.path, path = path, []
            layers.append(layer)
        elif protocol in EXTENSIONS and layer is not None and (layer.version == 6 or protocol == "ah"):
            following = take(EXTENSIONS[protocol])
            # a mobility, HIP or shim6 message is what the packet is for, not an extension of nothing
            if following is not None and not (protocol in MESSAGES and integer(following) == 59):
                layer.protocol = integer(following)
            if protocol == "ipv6.fraghdr":
                offset, more = integer(take("ipv6.fraghdr.offset")), take("ipv6.fraghdr.more")
                layer.later = bool(offset)
                layer.fragment = bool(offset) or more == "1"
        elif protocol in PORTS and layer is not None and not path:
            name = PORTS[protocol]
            layer.src_port, layer.dst_port = integer(take(name + ".srcport")), integer(take(name + ".dstport"))
            if protocol == "tcp":
                flags = integer(take("tcp.flags"))
                layer.tcp_flags = None if flags is None else flags & 255
                take_more(layer, protocol)
            path.append(protocol)
        else:
            path.append(protocol)
            if protocol in ("icmp", "icmpv6"):
                if layer is not None:
                    take_more(layer, protocol)
                break  # what follows is quoted, not carried
    return layers, protocols


def our_layers(columns):
    layers = []
    for text in columns:
        parts = text.split(",")
        layer = Layer()
        layer.version = int(parts[0])
        layer.src, layer.dst = parts[1] or None, parts[2] or None
        layer.protocol = integer(parts[3])
        layer.src_port, layer.dst_port, layer.tcp_flags = integer(parts[4]), integer(parts[5]), integer(parts[6])
        layer.marks = parts[7]
        layer.fragment, layer.later = "f" in parts[7], "l" in parts[7]
        layers.append(layer)
    return layers


def compare(ours, theirs, protocols, link_type, name, used):
    """None where equal; else what differs. Rules that were needed are added to `used`."""
    ours = [layer for layer in ours if layer.version != 0]
    while theirs and theirs[-1].src is None and theirs[-1].protocol is None:
        theirs.pop()  # a header of which tshark shows nothing but that it is bad
    if len(ours) != len(theirs):
        for rule, holds, _ in PACKET_RULES:
            if holds(ours, theirs, protocols, link_type):
                used.add(rule)
                return None
    for depth in range(max(len(ours), len(theirs))):
        if depth >= len(theirs):
            return f"depth {depth}: we see {ours[depth]}, tshark no IP"
        if depth >= len(ours):
            path = theirs[depth].path
            for carrier in path:
                if carrier in NOT_FOLLOWED:
                    used.add(carrier)
                    return None
            for rule in NOT_FOLLOWED_RULES:
                if rule(ours[depth - 1] if depth else None, theirs[depth], path):
                    used.add(rule.__name__)
                    return None
            return f"depth {depth}: tshark sees {theirs[depth]} by {':'.join(path)}, we no IP"
        for field in ("version", "src", "dst", "protocol", "src_port", "dst_port", "tcp_flags", "fragment", "later"):
            if getattr(ours[depth], field) == getattr(theirs[depth], field):
                continue
            for rule, of_field, holds, _ in FIELD_RULES:
                if of_field == field and holds(ours[depth], theirs[depth], name):
                    used.add(rule)
                    break
            else:
                return f"depth {depth}: {field}: ours {ours[depth]}, tshark {theirs[depth]}"
    return None


def check_file(dump, path, fields):
    mine = subprocess.run([dump, path], capture_output=True, text=True)
    if mine.returncode == 3:
        return path, None, [], set()
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a",
               "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    for field in fields:
        command += ["-e", field]
    theirs = subprocess.run(command, capture_output=True, text=True, errors="replace")
    rows = [dict(zip(fields, text.split("\t"))) for text in theirs.stdout.splitlines()]
    rows = [row for row in rows if row["frame.encap_type"]]  # custom blocks of pcapng are no packets
    lines = mine.stdout.splitlines()
    differences = []
    used = set()
    if len(rows) != len(lines):
        differences.append(f"packets: ours {len(lines)}, tshark {len(rows)}")
    for line, row in zip(lines, rows):
        columns = line.split("\t")
        layers, protocols = their_layers(row)
        problem = compare(our_layers(columns[4:]), layers, protocols, int(columns[1]), path, used)
        if problem:
            differences.append(f"packet {columns[0]} ({row['frame.protocols']}): {problem}")
    return path, len(lines), differences, used


def captures(folder, only):
    with open(os.path.join(folder, "MANIFEST.tsv"), encoding="utf-8") as manifest:
        rows = [line.rstrip("\n").split("\t") for line in manifest]
    verdict = rows[0].index("capinfos")
    return [row[0] for row in rows[1:] if row[verdict] == "ok" and fnmatch.fnmatch(row[0], only)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("--captures", default=os.environ.get("CAPMILL_CAPTURES"))
    parser.add_argument("--only", default="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", type=int, default=5)
    options = parser.parse_args()
    folder = options.captures or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/captures")
    if shutil.which("tshark") is None or not os.path.exists(os.path.join(folder, "MANIFEST.tsv")):
        print("tshark or the captures are not here")
        return 77
    fields = tshark_fields()
    names = captures(folder, options.only)
    rules_used = set()
    n_packets = n_skipped = n_different = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for path, n, differences, used in pool.map(
                lambda name: check_file(options.dump, os.path.join(folder, name), fields), names):
            rules_used |= used
            if n is None:
                n_skipped += 1
                continue
            n_packets += n
            if differences:
                n_different += 1
                print(f"{os.path.relpath(path, folder)}: {len(differences)} of {n} packets differ")
                for difference in differences[:options.show]:
                    print("  " + difference)
    print(f"{len(names)} captures, {n_packets} packets; {n_skipped} of another format; {n_different} differ")
    rules = set(NOT_FOLLOWED) | {rule.__name__ for rule in NOT_FOLLOWED_RULES}
    rules |= {rule[0] for rule in FIELD_RULES} | {rule[0] for rule in PACKET_RULES}
    unused = rules - rules_used if options.only == "*" else set()
    for rule in sorted(unused):
        print(f"rule not needed by any packet: {rule}")
    return 1 if n_different or unused else 0


if __name__ == "__main__":
    sys.exit(main())
