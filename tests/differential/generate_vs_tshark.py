#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Let tshark, capinfos and reordercap judge synthetic captures.

usage: generate_vs_tshark.py SYNTH_WRITE [--only NAME] [--keep FOLDER]

For each recipe below: capinfos counts the packets and bytes that the generator said; tshark finds every IPv4, TCP, UDP, ICMP
and ICMPv6 checksum good; protocols, families and tags have their shares; a capture
that is not sorted is put in order by reordercap; and TCP analysis of conversations in order of time finds nothing, or with
retransmissions and overtaken segments just about as many as were asked for. Exit status: 0 all is well, 1 something is not,
77 cannot run here.
"""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

CONVERSATIONS = "tcp = conversations\nprotocols = tcp:80,udp:15,icmp:5\nipv6 = 30%\nvlan = 20%\nqinq = 10%\n"

# name: recipe, share of packets out of order as reordercap counts them (least, greatest)
RECIPES = {
    "plain": ("size = 4M\n", (0, 0)),
    "families and tags": ("size = 6M\nipv6 = 40%\nvlan = 25%\nqinq = 25%\npacket-sizes = uniform 42-1518\n", (0, 0)),
    "text": ("size = 4M\nipv6 = 50%\npayload = text\npacket-sizes = uniform 60-1500\n", (0, 0)),
    "zero": ("size = 4M\nipv6 = 50%\npayload = zero\npacket-sizes = imix-classic\n", (0, 0)),
    "large": ("size = 12M\nipv6 = 50%\npacket-sizes = 9000:5,65535:1\n", (0, 0)),
    "pcapng big": ("size = 4M\nformat = pcapng\nbyte-order = big\nresolution = ns\norder = displaced\n", (0.08, 0.11)),
    "pcapng little": ("size = 4M\nformat = pcapng\norder = displaced\n", (0.08, 0.11)),
    "pcap big": ("size = 4M\nbyte-order = big\nresolution = ns\norder = displaced\ndisplaced = 20%\n"
                 "displaced-by = 5ms\n", (0.16, 0.22)),
    "shuffled": ("size = 6M\nresolution = ns\norder = shuffled\n", (0.48, 0.52)),
    "gaps": ("size = 4M\nrate = 20kpps\ngap-share = 50%\ngap-length = 200ms\n", (0, 0)),
    "conversations": ("size = 12M\n" + CONVERSATIONS, (0, 0)),
    "conversations displaced": ("size = 12M\n" + CONVERSATIONS + "order = displaced\ndisplaced = 20%\n"
                                "displaced-by = 2ms\n", (0.16, 0.22)),
    "conversations shuffled": ("size = 12M\n" + CONVERSATIONS + "order = shuffled\n", (0.48, 0.52)),
    "conversations in text": ("size = 12M\npayload = text\npacket-sizes = uniform 60-9000\n" + CONVERSATIONS, (0, 0)),
    "conversations with loss": ("size = 12M\ntcp-retransmit = 2%\ntcp-reorder = 1%\n" + CONVERSATIONS, (0, 0)),
}

FIELDS = ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status",
          "icmpv6.checksum.status", "frame.protocols", "ip.len", "ipv6.plen", "tcp.analysis.retransmission", "tcp.analysis.out_of_order",
          "tcp.analysis.lost_segment", "tcp.analysis.flags", "tcp.len", "frame.number"]
# Checksums are checked on request only; payloads are random, so what is above TCP and UDP is left alone.
TSHARK = ["tshark", "-n", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o",
          "udp.check_checksum:TRUE", "-o", "tcp.analyze_sequence_numbers:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE",
          "--disable-protocol", "tls", "--disable-protocol", "http", "--disable-protocol", "http2",
          "--disable-protocol", "quic"]


class Wrong(Exception):
    pass


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                          timeout=600, check=False)
    if done.returncode != 0:
        raise Wrong(f"{command[0]} failed: {done.stderr.strip()[-400:]}")
    return done.stdout + done.stderr


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def shares_of(recipe):
    values = dict(re.findall(r"^([a-z0-9-]+) *= *(.*)$", recipe, re.MULTILINE))
    weights = dict((name, int(weight)) for name, weight in
                   (part.split(":") for part in values.get("protocols", "tcp:70,udp:25,icmp:5").split(",")))
    total = sum(weights.values())
    shares = {name: weight / total for name, weight in weights.items()}
    shares.update((name, float(values.get(name, "0%").rstrip("%")) / 100) for name in ("ipv6", "vlan", "qinq"))
    return values, shares


def check_counts(path, said):
    found = run(["capinfos", "-M", "-c", "-s", path])
    packets = int(re.search(r"Number of packets: *(\d+)", found).group(1))
    n_bytes = int(re.search(r"File size: *(\d+)", found).group(1))
    expect(packets == said[0], f"capinfos counts {packets} packets, the generator {said[0]}")
    expect(n_bytes == said[1] == os.path.getsize(path), f"capinfos sees {n_bytes} bytes, the generator {said[1]}")


def check_order(path, ordered, n_packets, allowed):
    found = run(["reordercap", path, ordered])
    share = int(re.search(r"(\d+) out of order", found).group(1)) / n_packets
    expect(allowed[0] <= share <= allowed[1], f"{share:.4f} of the packets are out of order, not {allowed}")


def rows_of(path):
    command = TSHARK + ["-r", path, "-T", "fields", "-E", "occurrence=f"]
    for field in FIELDS:
        command += ["-e", field]
    for line in run(command).split("\n"):
        # tshark warns on standard error when it runs as root: those lines have no tabs
        if "\t" in line:
            yield dict(zip(FIELDS, line.split("\t")))


def check_packet(row):
    where = f"packet {row['frame.number']}"
    for field in FIELDS[:5]:
        expect(row[field] in ("", "1"), f"{where}: {field} is {row[field]}, not good")
    expect((row["ip.len"] == "") != (row["ipv6.plen"] == ""), f"{where}: not one IP header")
    kinds = row["frame.protocols"].split(":")
    sums = {"tcp": "tcp.checksum.status", "udp": "udp.checksum.status", "icmp": "icmp.checksum.status",
            "icmpv6": "icmpv6.checksum.status"}
    transport = next((kind for kind in kinds if kind in sums), None)
    expect(transport is not None, f"{where}: no transport in {row['frame.protocols']}")
    expect(row[sums[transport]] == "1", f"{where}: the {transport} checksum was not checked")
    expect(not row["ip.len"] or row["ip.checksum.status"] == "1", f"{where}: the IPv4 checksum was not checked")
    return transport, kinds


def check_shares(recipe, kinds, n):
    _, shares = shares_of(recipe)
    seen = {"tcp": kinds["tcp"], "udp": kinds["udp"], "icmp": kinds["icmp"] + kinds["icmpv6"], "ipv6": kinds["ipv6"],
            "vlan": kinds["vlan"] - kinds["ieee8021ad"], "qinq": kinds["ieee8021ad"]}
    # whole conversations have one family and one tagging, so these come out coarser
    tolerance = 0.03 if "conversations" in recipe else 0.012
    for name, count in seen.items():
        expect(abs(count / n - shares.get(name, 0)) < tolerance,
               f"{name} is {count / n:.4f} of the packets, expected {shares.get(name, 0):.4f}")


def check_analysis(recipe, counts):
    values, _ = shares_of(recipe)
    again = float(values.get("tcp-retransmit", "0%").rstrip("%")) / 100
    overtaken = float(values.get("tcp-reorder", "0%").rstrip("%")) / 100
    if again == overtaken == 0:
        expect(counts["tcp.analysis.flags"] == 0, f"tshark notes {counts['tcp.analysis.flags']} oddities in TCP: "
               f"first in packet {counts['first odd']}")
        return
    # tshark tells a repeated from an overtaken segment by timing, so only their sum is certain
    both = (counts["tcp.analysis.retransmission"] + counts["tcp.analysis.out_of_order"]) / counts["data"]
    expect(0.7 * (again + overtaken) < both < 1.3 * (again + overtaken),
           f"tshark sees {both:.4f} of the data segments repeated or out of order, asked for {again + overtaken:.4f}")
    lost = counts["tcp.analysis.lost_segment"] / counts["data"]
    expect(lost < 1.5 * overtaken, f"tshark misses {lost:.4f} of the segments")


def judge(tool, folder, name):
    recipe, allowed = RECIPES[name]
    base = os.path.join(folder, name.replace(" ", "-"))
    with open(base + ".recipe", "w", encoding="utf-8") as out:
        out.write(recipe)
    said = run([tool, base + ".recipe", base + ".pcap"])
    said = tuple(int(number) for number in re.match(r"(\d+) packets, (\d+) bytes", said).groups())
    check_counts(base + ".pcap", said)
    check_order(base + ".pcap", base + "-ordered.pcap", said[0], allowed)
    kinds, counts = collections.Counter(), collections.Counter()
    n = 0
    for row in rows_of(base + "-ordered.pcap"):
        n += 1
        _, protocols = check_packet(row)
        kinds.update(set(protocols))
        counts["data"] += row["tcp.len"] not in ("", "0")
        for field in ("tcp.analysis.retransmission", "tcp.analysis.out_of_order", "tcp.analysis.lost_segment",
                      "tcp.analysis.flags"):
            counts[field] += row[field] != ""
        if row["tcp.analysis.flags"] and "first odd" not in counts:
            counts["first odd"] = int(row["frame.number"])
    expect(n == said[0], f"tshark reads {n} packets of {said[0]}")
    check_shares(recipe, kinds, n)
    if "conversations" in name:
        check_analysis(recipe, counts)
    return n


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("tool", help="the program synth_write")
    parser.add_argument("--only", help="one recipe by name")
    parser.add_argument("--keep", help="leave the captures in this folder")
    args = parser.parse_args()
    missing = [name for name in ("tshark", "capinfos", "reordercap") if shutil.which(name) is None]
    if missing:
        print("cannot run here: no " + ", ".join(missing))
        return 77
    n_wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        for name in RECIPES:
            if args.only is not None and args.only != name:
                continue
            try:
                print(f"{name}: {judge(args.tool, args.keep or temporary, name)} packets, all well")
            except Wrong as wrong:
                print(f"{name}: {wrong}")
                n_wrong += 1
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
