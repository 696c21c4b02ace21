#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare what capmill changes in packets with tcprewrite, editcap, published vectors, and what tshark reads before and after.

usage: changes_vs_peers.py CAPMILL [--captures FOLDER] [--only TEXT] [--show N]

1. By tshark: each change of CHANGES is made to the first packets of every capture, put together into one file; then every field
   that names an address, a port, a tag ... must be what the map makes of it (inner packets, messages that quote packets and ARP
   included), every other field the same, no checksum bad in a packet that was changed and is there whole, and nothing malformed
   that was not.
2. `tcprewrite --pnat --fixcsum`: the same bytes, packet by packet, where both support the case.
3. `editcap -t`: the same times.
4. Crypto-PAn: the addresses and pseudonyms that its authors published, and what prefix preservation demands.
5. There and back again gives the bytes that were; truncated packets keep their headers; anonymised pcapng files have neither
   comments nor secrets; other threads, ways of reading and outputs give the same bytes.

Deliberate differences have their reasons in REASONS; one that nothing needs any more is itself a difference.
Exit status: 0 equal, 1 different, 77 cannot run here.
"""
import argparse
import collections
import concurrent.futures
import ipaddress
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import collection
import headers_vs_tshark

LINK_USER2 = 149
PER_CAPTURE = 100
ADDRESSES4 = ["ip.src", "ip.dst", "arp.src.proto_ipv4", "arp.dst.proto_ipv4"]
ADDRESSES6 = ["ipv6.src", "ipv6.dst", "icmpv6.nd.ns.target_address", "icmpv6.nd.na.target_address"]
PORTS = ["tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "sctp.srcport", "sctp.dstport"]
MACS = ["eth.src", "eth.dst", "arp.src.hw_mac", "arp.dst.hw_mac"]
OTHERS = ["ip.id", "ip.ttl", "ip.proto", "ip.len", "ipv6.nxt", "ipv6.hlim", "ipv6.plen", "ip.frag_offset", "ip.flags.mf",
          "ipv6.fraghdr.offset", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.len", "udp.length", "icmp.type", "icmp.code",
          "icmpv6.type", "arp.opcode", "vlan.id", "frame.len", "frame.cap_len"]
SUMS = ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status",
        "icmpv6.checksum.status", "sctp.checksum.status"]
FIELDS = ["frame.encap_type", "frame.protocols", "_ws.malformed"] + ADDRESSES4 + ADDRESSES6 + PORTS + MACS + OTHERS + SUMS
BAD = "0"

NOT_FOLLOWED = "a tunnel or a link type that is not followed, as headers_vs_tshark.py has it: what is in it stays"
NOT_WHOLE = "IP says that the packet is longer than what is there: a sum that was wrong stays wrong (RFC 1624)"
TRAILER = "tshark takes the end of a FabricPath or PPPoE packet for what stands behind it, and sums less than IP says"
CUT = "an IP header that ends within its addresses: they stay, and the packet is counted"
PEER_MAC = "tcprewrite makes the hardware address of a multicast group for multicast, and for all of IPv6"
PEER_PADDING = "tcprewrite makes the IP packet longer where Ethernet padding follows it, and sums the padding"
PEER_SUM = "tcprewrite leaves a wrong sum of TCP over IPv6 as it is; tshark calls ours right"
PEER_TIME = "editcap moves no packets without a time, and some times to before 1970"
LINK_LENGTH = "NFLOG and IPNET say how long the packet is: tshark shows nothing of one that is shorter"
REASONS = (NOT_FOLLOWED, NOT_WHOLE, TRAILER, CUT, PEER_MAC, PEER_PADDING, PEER_SUM, PEER_TIME, LINK_LENGTH)


def run(command, stdin=None):
    return subprocess.run(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def dissect(path):
    """tshark's fields of each packet."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]
    for option in ("ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE",
                   "ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE",
                   "tcp.analyze_sequence_numbers:FALSE"):
        command += ["-o", option]
    for field in FIELDS:
        command += ["-e", field]
    done = run(command)
    rows = []
    for line in done.stdout.decode(errors="replace").splitlines():
        row = dict(zip(FIELDS, [text.split(",") if text else [] for text in line.split("\t")]))
        row["frame.protocols"] = ":".join(row["frame.protocols"]).split(":")
        rows.append(row)
    return rows


def is_not_followed(packet, row):
    protocols = row["frame.protocols"]
    return (packet.link_type == LINK_USER2 or any(name in headers_vs_tshark.NOT_FOLLOWED or name == "nsh" for name in protocols)
            or "vxlan" in protocols and "4789" in row["udp.srcport"]  # the sender chooses that one freely
            or any(protocols[i:i + 2] == ["udp", "gre"] for i in range(len(protocols))))


def is_there_whole(packet, row):
    """Whether all of what the outermost IP header speaks of was captured, and each inner one fits in it."""
    link_bytes = {1: 14 + 4 * len(row["vlan.id"]), 113: 16, 276: 20}.get(packet.link_type, 0)
    lengths = [int(n) for n in row["ip.len"]] + [int(n) + 40 for n in row["ipv6.plen"]]
    return not lengths or lengths[0] <= len(packet.data) - link_bytes and all(
        inner + 20 <= outer for outer, inner in zip(lengths, lengths[1:]))


# --- what changes mean ---

def prefix_map(pairs):
    """A=B of equal families and lengths: a function of an address's text; the longest prefix counts."""
    rules = []
    for left, right in pairs:
        rules.append((ipaddress.ip_network(left), ipaddress.ip_network(right)))
    rules.sort(key=lambda rule: -rule[0].prefixlen)
    known = {}

    def change(text):
        if text not in known:
            value = ipaddress.ip_address(text)
            result = value
            for left, right in rules:
                if value.version == left.version and value in left:
                    host = int(value) & (1 << (value.max_prefixlen - left.prefixlen)) - 1
                    result = type(value)(int(right.network_address) | host)
                    break
            known[text] = str(result)
        return known[text]
    return change


def number_map(ranges):
    """(first, last, new first) ...: a function of a number's text."""
    def change(text):
        for first, last, new in ranges:
            if first <= int(text) <= last:
                return str(int(text) - first + new)
        return text
    return change


def both_change(packet, row):
    """Whether tcprewrite supports the packet: one IP header straight behind Ethernet and tags, of TCP or UDP; all there."""
    protocols = [name for name in row["frame.protocols"] if name not in ("ethertype", "vlan", "ieee8021ad")]
    return (protocols[:1] == ["eth"] and protocols[1:2] in (["ip"], ["ipv6"]) and protocols[2:3] in (["tcp"], ["udp"])
            and (row["ipv6.src"] or packet.data[14 + 4 * len(row["vlan.id"])] == 0x45)  # it knows no IPv4 options
            and len(row["ip.src"]) + len(row["ipv6.src"]) == 1 and len(packet.data) >= packet.origlen
            and not any(name in ("eth", "ip", "ipv6", "arp") for name in protocols[3:])
            and is_there_whole(packet, row) and "1" not in row["ip.flags.mf"] and not row["_ws.malformed"])


def has_padding(packet, row):
    n = sum(int(text) for text in row["ip.len"]) + sum(int(text) + 40 for text in row["ipv6.plen"])
    return 14 + 4 * len(row["vlan.id"]) + n < len(packet.data)


# The key and some of the addresses of the sample that comes with the authors' implementation, with its result.
CRYPTOPAN_KEY = [21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
                 216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2]
CRYPTOPAN = """
128.11.68.132 135.242.180.132 129.118.74.4 134.136.186.123 130.132.252.244 133.68.164.234 141.223.7.43 141.167.8.160
141.233.145.108 141.129.237.235 152.163.225.39 151.140.114.167 156.29.3.236 147.225.12.42 165.247.96.84 162.9.99.234
166.107.77.190 160.132.178.185 192.102.249.13 252.138.62.131 192.215.32.125 252.43.47.189 192.233.80.103 252.25.108.8
192.41.57.43 252.222.221.184 193.150.244.223 253.169.52.216 195.205.63.100 255.186.223.5 198.200.171.101 249.199.68.213
198.26.132.101 249.36.123.202 198.36.213.5 249.7.21.132 198.51.77.238 249.18.186.254 199.217.79.101 248.38.184.213
202.49.198.20 245.206.7.234 203.12.160.252 244.248.163.4 204.184.162.189 243.192.77.90 204.202.136.230 243.178.4.198
204.29.20.4 243.33.20.123 205.178.38.67 242.108.198.51 205.188.147.153 242.96.16.101 205.188.248.25 242.96.88.27
205.245.121.43 242.21.121.163 207.105.49.5 241.118.205.138 207.135.65.238 241.202.129.222 207.155.9.214 241.220.250.22
24.0.250.221 100.15.198.226 24.13.62.231 100.2.192.247 24.14.213.138 100.1.42.141 24.5.0.80 100.9.15.210
4.3.88.225 124.60.155.63 63.14.55.111 95.9.215.7 63.195.241.44 95.179.238.44 63.97.7.140 95.97.9.123
64.14.118.196 0.255.183.58 64.34.154.117 0.221.154.117 64.39.15.238 0.219.7.41
""".split()
CRYPTOPAN = list(zip(CRYPTOPAN[::2], CRYPTOPAN[1::2]))


class Change:
    def __init__(self, name, arguments, **maps):
        """`maps`: addresses, ports, tcp, udp (ports of one protocol), macs, vlans."""
        self.name, self.arguments, self.maps = name, arguments, maps

    def map_of(self, field):
        if field in ADDRESSES4 or field in ADDRESSES6:
            return self.maps.get("addresses")
        if field in PORTS:
            return self.maps.get(field[:3], self.maps.get("ports"))
        if field in MACS:
            return self.maps.get("macs")
        return self.maps.get("vlans") if field == "vlan.id" else None

    def expected(self, field, values):
        change = self.map_of(field)
        return [change(value) for value in values] if change else values


def changes():
    lines = [
        ("one IPv4 prefix", ["10.0.0.0/8=77.0.0.0/8"]),
        ("IPv4 prefixes and hosts", ["10.0.0.0/8=77.0.0.0/8", "192.168.0.0/16=78.9.0.0/16", "172.16.0.8=1.2.3.4",
                                     "172.17.0.0/16=10.17.0.0/16", "224.0.0.0/4=240.0.0.0/4"]),
        ("IPv6 prefixes", ["2001:db8::/32=2a00:1234::/32", "fe80::/10=fec0::/10", "2003:51:6012::2=2001:db8::77",
                           "::1=fd00::1"]),
        ("both families", ["0.0.0.0/1=128.0.0.0/1", "128.0.0.0/1=0.0.0.0/1", "8000::/1=0::/1"]),
    ]
    result = []
    for name, pairs in lines:
        arguments = [word for pair in pairs for word in ("--replace-ip", pair)]
        result.append(Change(name, arguments, addresses=prefix_map([pair.split("=") for pair in pairs])))
    ports = number_map([(80, 80, 8080), (443, 443, 8443), (20000, 20999, 42000)])
    result.append(Change("ports", ["--replace-port", "80=8080", "--replace-port", "443=8443",
                                   "--replace-port", "20000-20999=42000-42999"], ports=ports))
    result.append(Change("ports by protocol", ["--replace-port", "tcp:80=81", "--replace-port", "udp:53=5300"],
                         tcp=number_map([(80, 80, 81)]), udp=number_map([(53, 53, 5300)])))
    macs = {"ff:ff:ff:ff:ff:ff": "02:00:00:00:00:01", "00:0c:db:1f:72:41": "02:00:00:00:00:02",
            "00:25:b3:bf:91:ee": "00:0c:db:1f:72:41"}
    result.append(Change("hardware addresses", [word for a, b in macs.items() for word in ("--replace-mac", a + "=" + b)],
                         macs=lambda text: macs.get(text, text)))
    result.append(Change("VLANs", ["--replace-vlan", "217=1217", "--replace-vlan", "301=2", "--replace-vlan", "100=4000"],
                         vlans=number_map([(217, 217, 1217), (301, 301, 2), (100, 100, 4000)])))
    pairs = [("10.0.0.0/8", "77.0.0.0/8"), ("2001:db8::/32", "2a00:1234::/32")]
    result.append(Change("all of them", ["--replace-ip", "10.0.0.0/8=77.0.0.0/8", "--replace-ip",
                                         "2001:db8::/32=2a00:1234::/32", "--replace-port", "80=8080", "--replace-mac",
                                         "ff:ff:ff:ff:ff:ff=02:00:00:00:00:01", "--replace-vlan", "217=1217"],
                         addresses=prefix_map(pairs), ports=number_map([(80, 80, 8080)]),
                         macs=lambda text: "02:00:00:00:00:01" if text == "ff:ff:ff:ff:ff:ff" else text,
                         vlans=number_map([(217, 217, 1217)])))
    return result


class Comparison:
    def __init__(self, options, captures, folder):
        self.options, self.captures, self.folder = options, captures, folder
        self.failures = []
        self.used = collections.Counter()
        self.n_changed = self.n_sums = 0

    def fail(self, text):
        self.failures.append(text)

    def capmill(self, arguments, path, out):
        done = run([self.options.capmill, "sort", "--quiet", "--force", *arguments, "-o", out, path])
        if done.returncode not in (0, 3):
            self.fail("%s: exit status %d: %s" % (" ".join(arguments), done.returncode,
                                                  done.stderr.decode(errors="replace").strip()))
            return False
        return True

    def prepare(self):
        """The first packets of each capture in one file, and what tshark reads there."""
        packets = [packet for packet in collection.every_packet(self.captures, lambda row: row["capinfos"] == "ok")
                   if packet.number <= PER_CAPTURE]
        self.path = os.path.join(self.folder, "in.pcapng")
        collection.write_pcapng(self.path, packets)
        self.packets = packets
        self.rows = dissect(self.path)
        assert len(self.rows) == len(packets)

    # --- by tshark ---

    def excuse(self, change, packet, before, now, field):
        """Why a field may be other than asked for, or a sum bad; None where it may not."""
        if is_not_followed(packet, before):
            if field in SUMS:
                return NOT_FOLLOWED if len(before[field]) > 1 else None
            expected = change.expected(field, before[field])
            for n in range(len(expected)):
                if now[field] == expected[:n] + before[field][n:]:
                    return NOT_FOLLOWED
        if field in SUMS and ("cfp" in before["frame.protocols"] or "pppoes" in before["frame.protocols"]):
            return TRAILER
        if field == "ip.src" and len(before["ip.src"]) > len(before["ip.dst"]):
            return CUT
        if field in SUMS and BAD in before[field] and not is_there_whole(packet, before):
            return NOT_WHOLE
        return None

    def one_change(self, change):
        out = os.path.join(self.folder, "out-%s.pcapng" % change.name.replace(" ", "-"))
        if not self.capmill(change.arguments, self.path, out):
            return
        after = collection.read_pcapng(read_bytes(out))
        rows = dissect(out)
        os.remove(out)
        if len(after) != len(self.packets) or len(rows) != len(after):
            self.fail("%s: %d packets became %d" % (change.name, len(self.packets), len(after)))
            return
        problems = collections.OrderedDict()
        for number, packet in enumerate(self.packets):
            before, now = self.rows[number], rows[number]
            found = []
            changed = packet.data != after[number].data
            self.n_changed += changed
            for field in FIELDS[3:-len(SUMS)]:
                if now[field] != change.expected(field, before[field]):
                    found.append((field, "%s became %s" % (before[field][:4], now[field][:4])))
            if now["_ws.malformed"] and not before["_ws.malformed"]:
                found.append(("_ws.malformed", ""))
            whole = len(packet.data) >= packet.origlen and "1" not in before["ip.flags.mf"] and all(
                offset == "0" for offset in before["ip.frag_offset"] + before["ipv6.fraghdr.offset"])
            if changed and whole:
                for field in SUMS:
                    self.n_sums += len(now[field])
                    if BAD in now[field]:
                        found.append((field, "%s became %s" % (before[field], now[field])))
            for field, text in found:
                reason = self.excuse(change, packet, before, now, field)
                if reason is not None:
                    self.used[reason] += 1
                    continue
                key = (field, ":".join(before["frame.protocols"]))
                problems.setdefault(key, [0, "%r %s" % (packet, text)])[0] += 1
        for (field, protocols), (n, text) in problems.items():
            self.fail("%s: %s of %d packets (%s): %s" % (change.name, field, n, protocols, text))


    # --- tcprewrite ---

    def by_tcprewrite(self):
        members = [i for i, packet in enumerate(self.packets) if packet.link_type == 1 and both_change(packet, self.rows[i])]
        plain = os.path.join(self.folder, "ethernet.pcap")
        ours_path, theirs_path = plain + ".ours", plain + ".theirs"
        collection.write_pcap(plain, [self.packets[i] for i in members], 1)
        compared = different = 0
        for left, right in (("10.0.0.0/8", "77.0.0.0/8"), ("192.168.0.0/16", "78.9.0.0/16"), ("0.0.0.0/1", "128.0.0.0/1"),
                            ("2001:db8::/32", "2a00:1234::/32"), ("fe80::/16", "fec0::/16")):
            pair = "[%s]:[%s]" % (left, right) if ":" in left else left + ":" + right
            done = run(["tcprewrite", "--pnat=" + pair, "--fixcsum", "-i", plain, "-o", theirs_path])
            if done.returncode != 0 or not self.capmill(["--format", "pcap", "--replace-ip", left + "=" + right, "--checksums",
                                                         "fix"], plain, ours_path):
                self.fail("tcprewrite %s: exit status %d: %s" % (pair, done.returncode, done.stderr.decode()[-200:]))
                continue
            ours, theirs = collection.read(ours_path), collection.read(theirs_path)
            if len(theirs) != len(members) or len(ours) != len(members):
                self.fail("tcprewrite %s: %d packets became %d, ours %d" % (pair, len(members), len(theirs), len(ours)))
                continue
            problems = collections.OrderedDict()
            for i, one, other in zip(members, ours, theirs):
                row = self.rows[i]
                if has_padding(self.packets[i], row) and one.data != other.data:
                    self.used[PEER_PADDING] += 1
                    continue
                compared += 1
                macs = self.packets[i].data[:12]
                if other.data[:12] != macs and any(other.data[at:at + 2] in (b"\x33\x33", b"\x01\x00") for at in (0, 6)):
                    self.used[PEER_MAC] += 1
                    other.data = macs + other.data[12:]
                if other.data == self.packets[i].data and BAD in row["tcp.checksum.status"] and row["ipv6.src"]:
                    self.used[PEER_SUM] += 1
                    continue
                if one.data != other.data:
                    problems.setdefault(":".join(row["frame.protocols"][:4]), []).append((self.packets[i], one, other))
            for protocols, found in problems.items():
                packet, one, other = found[0]
                at = next((k for k, (a, b) in enumerate(zip(one.data, other.data)) if a != b),
                          min(len(one.data), len(other.data)))
                self.fail("tcprewrite %s: %d other packets (%s): first %r at byte %d: was %s, ours %s, theirs %s" % (
                    pair, len(found), protocols, packet, at, packet.data[at:at + 4].hex(), one.data[at:at + 4].hex(),
                    other.data[at:at + 4].hex()))
                different += len(found)
        print("tcprewrite: %d packets compared, %d different" % (compared, different), flush=True)


    # --- editcap ---

    def by_editcap(self):
        names = [row["file"] for row in collection.manifest(self.captures) if row["capinfos"] == "ok"][::8]
        n_times = 0
        for number, name in enumerate(names):
            offset = ("3600", "-1800.5", "0.000001", "86400.25", "-0.75")[number % 5]
            path, sorted_path = os.path.join(self.captures, name), os.path.join(self.folder, "sorted.pcapng")
            ours_path, theirs_path = os.path.join(self.folder, "moved.pcapng"), os.path.join(self.folder, "peer.pcapng")
            if run(["editcap", "-F", "pcapng", path, sorted_path]).returncode != 0:
                continue
            if run(["editcap", "-F", "pcapng", "-t", offset, sorted_path, theirs_path]).returncode != 0:
                self.used[PEER_TIME] += 1
                continue
            if not self.capmill(["--time-offset=" + offset], sorted_path, ours_path):
                continue
            before, theirs = collection.read(sorted_path), sorted(packet.time for packet in collection.read(theirs_path))
            ours = [packet.time for packet in collection.read(ours_path)]
            n_times += len(ours)
            if any(packet.time + float(offset) * 10**9 < 0 or packet.time == 0 for packet in before) and ours != theirs:
                self.used[PEER_TIME] += 1
            elif ours != theirs:
                at = next((i for i, (x, y) in enumerate(zip(ours, theirs)) if x != y), -1)
                self.fail("editcap -t %s: %s: packet %d of %d and %d: ours %d, theirs %d" % (
                    offset, name, at + 1, len(ours), len(theirs), ours[at] if ours else 0, theirs[at] if theirs else 0))
        print("editcap -t: %d captures, %d times" % (len(names), n_times), flush=True)

    # --- Crypto-PAn ---

    def by_published_vectors(self):
        key = os.path.join(self.folder, "key")
        with open(key, "wb") as file:
            file.write(bytes(CRYPTOPAN_KEY))
        plain, out = os.path.join(self.folder, "pan.pcap"), os.path.join(self.folder, "pan.out.pcap")
        packets = []
        for address, _ in CRYPTOPAN:
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 20, 0, 0, 64, 59, 0) + 2 * ipaddress.ip_address(address).packed
            packets.append(collection.Packet(228, 0, len(ip), ip))
        collection.write_pcap(plain, packets, 228)
        if self.capmill(["--anonymize", key], plain, out):
            for (address, pseudonym), packet in zip(CRYPTOPAN, collection.read(out)):
                for at in (12, 16):
                    ours = str(ipaddress.ip_address(packet.data[at:at + 4]))
                    if ours != pseudonym:
                        self.fail("Crypto-PAn: %s became %s, not %s" % (address, ours, pseudonym))
        change = Change("pseudonyms", ["--anonymize", key])
        out = os.path.join(self.folder, "pseudonyms.pcapng")
        if not self.capmill(change.arguments, self.path, out):
            return
        known = {}
        bad = n_sums = 0
        for packet, before, now in zip(self.packets, self.rows, dissect(out)):
            if is_not_followed(packet, before):
                continue
            for field in ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst"):
                for one, other in zip(before[field], now[field]):
                    if known.setdefault(one, other) != other and not before["_ws.malformed"] and is_there_whole(packet, before):
                        self.fail("pseudonyms: %s is %s and, in %r, %s" % (one, known[one], packet, other))
            if is_there_whole(packet, before) and len(packet.data) >= packet.origlen and "1" not in before["ip.flags.mf"]:
                for field in SUMS:
                    n_sums += len(now[field])
                    if BAD in now[field] and BAD not in before[field]:
                        bad += 1
                        self.fail("pseudonyms: %s bad in %r" % (field, packet))
        for version in (4, 6):
            pairs = sorted((int(ipaddress.ip_address(a)), int(ipaddress.ip_address(b))) for a, b in known.items()
                           if ipaddress.ip_address(a).version == version == ipaddress.ip_address(b).version)
            for (a, x), (b, y) in zip(pairs, pairs[1:]):  # neighbours: what holds for them holds for all
                if (a ^ b).bit_length() != (x ^ y).bit_length():
                    self.fail("pseudonyms: of IPv%d, %x and %x became %x and %x: prefixes differ" % (version, a, b, x, y))
        print("Crypto-PAn: %d published pseudonyms; %d addresses keep their prefixes; %d checksums" % (
            len(CRYPTOPAN), len(known), n_sums), flush=True)

    def metadata_goes(self):
        """Comments and secrets of anonymised pcapng files."""
        key, out = os.path.join(self.folder, "key"), os.path.join(self.folder, "no-metadata.pcapng")
        n_comments = 0
        for row in collection.manifest(self.captures):
            if not row["format"].startswith("pcapng") or row["capinfos"] != "ok":
                continue
            before = comments_and_secrets(read_bytes(os.path.join(self.captures, row["file"])))
            if not before or not self.capmill(["--anonymize", key, "--format", "pcapng"],
                                              os.path.join(self.captures, row["file"]), out):
                continue
            n_comments += len(before)
            after = comments_and_secrets(read_bytes(out))
            if after:
                self.fail("anonymised: %s: %d of %d comments and secrets stay: %r" % (row["file"], len(after), len(before),
                                                                                      after[0][:60]))
            if run(["tshark", "-n", "-r", out, "-T", "fields", "-e", "frame.comment"]).stdout.strip():
                self.fail("anonymised: %s: tshark shows comments" % row["file"])
        print("anonymised: %d comments and secrets are gone" % n_comments, flush=True)

    # --- itself ---

    def there_and_back(self):
        one, two = os.path.join(self.folder, "there.pcapng"), os.path.join(self.folder, "back.pcapng")
        for there, back in ((["--replace-ip", "10.0.0.0/8=77.0.0.0/8"], ["--replace-ip", "77.0.0.0/8=10.0.0.0/8"]),
                            (["--replace-ip", "2001:db8::/32=2a00:1234::/32"],
                             ["--replace-ip", "2a00:1234::/32=2001:db8::/32"]),
                            (["--replace-port", "443=44300"], ["--replace-port", "44300=443"]),
                            (["--replace-vlan", "217=1217"], ["--replace-vlan", "1217=217"]),
                            (["--replace-mac", "ff:ff:ff:ff:ff:ff=02:5e:10:00:00:01"],
                             ["--replace-mac", "02:5e:10:00:00:01=ff:ff:ff:ff:ff:ff"]),
                            (["--time-offset", "1h"], ["--time-offset", "-1h"]),
                            (["--time-scale", "2"], ["--time-scale", "0.5"])):
            if not self.capmill(there, self.path, one) or not self.capmill(back, one, two):
                continue
            n_changed = n_wrong = 0
            for number, (packet, before, middle, after) in enumerate(zip(self.packets, self.rows, collection.read(one),
                                                                         collection.read(two))):
                n_changed += middle.data != packet.data
                if after.time != number * 10**9:
                    self.fail("there and back: %s: the time of %r" % (" ".join(there), packet))
                    break
                sound = all(BAD not in before[field] for field in SUMS) and not before["_ws.malformed"] and is_there_whole(
                    packet, before) and not is_not_followed(packet, before) and not any(
                        name in before["frame.protocols"] for name in ("pppoes", "sctp")) and (
                            "tcp" not in before["frame.protocols"] or before["tcp.checksum.status"])
                if sound and after.data != packet.data:
                    n_wrong += 1
                    if n_wrong == 1:
                        first = packet
            if n_wrong:
                self.fail("there and back: %s: %d packets of %d changed are not what they were; first %r" % (
                    " ".join(there), n_wrong, n_changed, first))

    def truncated(self):
        """Headers as they were, so many bytes of payload, nothing malformed that was not for being cut."""
        limit, out = 16, os.path.join(self.folder, "truncated.pcapng")
        if not self.capmill(["--max-payload-bytes", str(limit)], self.path, out):
            return
        n_cut = 0
        for packet, before, after, now in zip(self.packets, self.rows, collection.read(out), dissect(out)):
            if after.origlen != packet.origlen or packet.data[:len(after.data)] != after.data:
                self.fail("truncated: %r: not its beginning" % packet)
            n_cut += len(after.data) < len(packet.data)
            if packet.link_type in (226, 239) and not now["ip.src"]:
                self.used[LINK_LENGTH] += 1
                continue
            if before["_ws.malformed"] or is_not_followed(packet, before):
                continue
            if "icmp" in before["frame.protocols"] or "icmpv6" in before["frame.protocols"]:
                continue  # what they quote is their payload
            for field in ADDRESSES4[:2] + ADDRESSES6[:2] + PORTS + ["tcp.flags", "tcp.seq_raw", "udp.length"]:
                if before[field][:1] != now[field][:1]:
                    self.fail("truncated: %r: %s %s became %s" % (packet, field, before[field], now[field]))
            if both_change(packet, before):
                payload = int(before["tcp.len"][0]) if before["tcp.len"] else int(before["udp.length"][0]) - 8
                end = len(packet.data) - payload
                if not has_padding(packet, before) and len(after.data) != end + min(payload, limit):
                    self.fail("truncated: %r: %d bytes of %d, payload %d" % (
                        packet, len(after.data), len(packet.data), payload))
        print("truncated: %d packets cut" % n_cut, flush=True)

    def across_families(self):
        out = os.path.join(self.folder, "six.pcapng")
        if not self.capmill(["--replace-ip", "10.0.0.0/8=2001:db8::/104"], self.path, out):
            return
        n_crossed = 0
        for packet, before, after, now in zip(self.packets, self.rows, collection.read(out), dissect(out)):
            if not both_change(packet, before) or not before["ip.src"] or not any(
                    text.startswith("10.") for text in before["ip.src"] + before["ip.dst"]):
                continue
            n_crossed += 1
            expected = []
            for field in ("ip.src", "ip.dst"):
                number = int(ipaddress.ip_address(before[field][0]))
                top = 0x20010db8 << 96 | number & 0xffffff if number >> 24 == 10 else 0xffff << 32 | number
                expected.append(ipaddress.ip_address(top))
            ours = [ipaddress.ip_address(now[field][0]) for field in ("ipv6.src", "ipv6.dst") if now[field]]
            if ours != expected or len(after.data) != len(packet.data) + 20 or after.origlen != packet.origlen + 20:
                self.fail("to IPv6: %r: %s, %d bytes of %d" % (packet, ours, len(after.data), len(packet.data)))
            for field in PORTS + ["tcp.flags", "tcp.seq_raw", "tcp.len"]:
                if now[field] != before[field]:
                    self.fail("to IPv6: %r: %s %s became %s" % (packet, field, before[field], now[field]))
            if now["_ws.malformed"] or any(BAD in now[field] for field in SUMS):
                self.fail("to IPv6: %r: malformed or a bad sum" % packet)
        print("to IPv6: %d packets" % n_crossed, flush=True)

    def fixed_and_kept(self):
        out = os.path.join(self.folder, "sums.pcapng")
        if self.capmill(["--checksums", "fix"], self.path, out):
            n_right = 0
            for packet, before, now in zip(self.packets, self.rows, dissect(out)):
                if not both_change(packet, before):
                    continue
                for field in SUMS:
                    n_right += BAD in before[field]
                    if BAD in now[field]:
                        self.fail("--checksums fix: %r: %s" % (packet, field))
            print("--checksums fix: %d sums became right" % n_right, flush=True)
        if self.capmill(["--checksums", "keep", "--replace-ip", "10.0.0.0/8=77.0.0.0/8"], self.path, out):
            for packet, before, after in zip(self.packets, self.rows, collection.read(out)):
                if both_change(packet, before) and any(
                        one != other and one != 10 for one, other in zip(packet.data, after.data)):
                    self.fail("--checksums keep: %r: more than an address changed" % packet)

    def other_ways(self):
        out = os.path.join(self.folder, "way.pcapng")
        key = os.path.join(self.folder, "key")
        for arguments in (["--replace-ip", "10.0.0.0/8=77.0.0.0/8", "--replace-port", "80=8080"],
                          ["--anonymize", key, "--max-payload-bytes", "32", "--time-offset", "1h"],
                          ["--replace-ip", "10.0.0.0/8=2001:db8::/104", "--checksums", "fix"],
                          ["--timestamp-start", "2024-01-01T00:00:00Z", "--time-scale", "3/2", "--filter", "tcp or udp"]):
            if not self.capmill(arguments + ["--threads", "1"], self.path, out):
                continue
            wanted = read_bytes(out)
            base = [self.options.capmill, "sort", "--quiet", "--force", *arguments]
            for way in (["--threads", "3"], ["--io", "mmap"], ["--io", "read", "--threads", "2"], ["--memory", "16M"]):
                done = run(base + way + ["-o", out, self.path])
                if done.returncode != 0 or read_bytes(out) != wanted:
                    self.fail("%s: %s: exit status %d, other bytes" % (" ".join(arguments), " ".join(way), done.returncode))
            if run(base + ["--format", "pcapng", "-o", "-", self.path]).stdout != wanted:
                self.fail("%s: to a pipe: other bytes" % " ".join(arguments))
            with open(self.path, "rb") as stdin:
                done = run(base + ["-o", out, "-"], stdin=stdin)
            if done.returncode != 0 or read_bytes(out) != wanted:
                self.fail("%s: from a pipe: exit status %d, other bytes" % (" ".join(arguments), done.returncode))


def comments_and_secrets(content):
    """Of all blocks of a sound pcapng file."""
    found, at, order = [], 0, "<"
    fixed = {0x0A0D0D0A: 16, 1: 8, 5: 12, 6: 20, 4: None, 9: None, 0xA: None}
    while len(content) - at >= 12:
        kind = struct.unpack_from(order + "I", content, at)[0]
        if kind == 0x0A0D0D0A:
            order = "<" if content[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        n = struct.unpack_from(order + "I", content, at + 4)[0]
        if n < 12 or n > len(content) - at:
            break
        body = content[at + 8:at + n - 4]
        start = fixed.get(kind)
        if kind == 6 and len(body) >= 20:
            start = 20 + (struct.unpack_from(order + "I", body, 12)[0] + 3) // 4 * 4
        if kind == 0xA:
            found.append(body)
        elif start is not None:
            comment = collection.options_of(body[start:], order).get(1)
            if comment is not None:
                found.append(comment)
        at += n
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capmill")
    parser.add_argument("--captures")
    parser.add_argument("--only", default="", help="changes with this text alone")
    parser.add_argument("--show", type=int, default=60)
    options = parser.parse_args()
    captures = collection.folder_of(options.captures)
    if captures is None or not all(shutil.which(tool) for tool in ("tshark", "editcap", "tcprewrite")):
        print("skipped: needs captures (CAPMILL_CAPTURES), tshark, editcap and tcprewrite")
        return 77
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        comparison = Comparison(options, captures, folder)
        comparison.prepare()
        wanted = [change for change in changes() if options.only in change.name]
        list(pool.map(comparison.one_change, wanted))
        if not options.only:
            for part in (comparison.by_tcprewrite, comparison.by_editcap, comparison.by_published_vectors,
                         comparison.metadata_goes, comparison.there_and_back, comparison.truncated,
                         comparison.across_families, comparison.fixed_and_kept, comparison.other_ways):
                part()
        print("%d changes of %d packets by tshark: %d changed, %d checksums" % (
            len(wanted), len(comparison.packets), comparison.n_changed, comparison.n_sums), flush=True)
    for failure in comparison.failures[:options.show]:
        print(failure)
    for reason, n in sorted(comparison.used.items()):
        print("expected: %s (%d)" % (reason, n))
    unused = [] if options.only else sorted(set(REASONS) - set(comparison.used))
    for reason in unused:
        print("a reason that nothing needs: " + reason)
    print("%d unexplained" % (len(comparison.failures) + len(unused)))
    return 1 if comparison.failures or unused else 0


if __name__ == "__main__":
    sys.exit(main())
