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
REASONS = (NOT_FOLLOWED, NOT_WHOLE, TRAILER, CUT)


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
            and len(row["ip.src"]) + len(row["ipv6.src"]) == 1 and len(packet.data) >= packet.origlen
            and is_there_whole(packet, row) and "1" not in row["ip.flags.mf"] and not row["_ws.malformed"])


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
        ("IPv6 prefixes", ["2001:db8::/32=2a00:1234::/32", "fe80::/10=fec0::/10", "2003:51:6012::2=2001:db8::77", "::1=fd00::1"]),
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
        members = [i for i, packet in enumerate(self.packets) if packet.link_type == 1]
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
                if not both_change(self.packets[i], row):
                    continue
                compared += 1
                if one.data != other.data:
                    problems.setdefault(":".join(row["frame.protocols"][:4]), []).append((self.packets[i], one, other))
            for protocols, found in problems.items():
                packet, one, other = found[0]
                at = next((k for k, (a, b) in enumerate(zip(one.data, other.data)) if a != b), min(len(one.data), len(other.data)))
                self.fail("tcprewrite %s: %d other packets (%s): first %r at byte %d: was %s, ours %s, theirs %s" % (
                    pair, len(found), protocols, packet, at, packet.data[at:at + 4].hex(), one.data[at:at + 4].hex(),
                    other.data[at:at + 4].hex()))
                different += len(found)
        print("tcprewrite: %d packets compared, %d different" % (compared, different), flush=True)


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
        comparison.by_tcprewrite()
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
