#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare what format/ frames with capinfos and tshark, over a folder of captures.

usage: frame_vs_capinfos.py FRAME_DUMP [--captures FOLDER] [--only GLOB] [--jobs N] [--show N]

Every file that capinfos reads, and the fuzz seeds of variants that no capture shows: number of packets, first and last time
as capinfos says them; and per packet time, captured and original length, link type and interface as tshark says them. The
dump is made twice, in one go and in feeds of 509 bytes: both must be the same. Deliberate differences are the rules below,
each with its reason; a file's own rule that nothing needs any more is a difference itself (unless --only). Exit status: 0
equal, 1 different, 77 cannot run here.
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import os
import shutil
import subprocess
import sys

# Bytes that libwiretap takes off the front of a packet as a pseudo-header and does not count, by LINKTYPE_. We keep them:
# they are in the record, and a packet is what the record holds.
PSEUDO_HEADER_BYTES = {
    123: 4,    # SUNATM
    139: 4,    # MTP2_WITH_PHDR
    144: 16,   # LINUX_IRDA
    177: 16,   # LINUX_LAPD
    201: 4,    # BLUETOOTH_HCI_H4_WITH_PHDR
    204: 1,    # PPP_WITH_DIR
    245: 2,    # NFC_LLCP
}

# libwiretap's encapsulation numbers (wtap.h), by LINKTYPE_: is the link type that we say the one that it means?
ENCAPSULATION = {
    0: {15}, 1: {1}, 2: {184}, 6: {2}, 7: {8}, 8: {3}, 9: {4, 19}, 10: {5, 6}, 12: {7}, 14: {7}, 50: {4, 19}, 100: {10},
    101: {7}, 104: {28}, 105: {20}, 107: {26}, 113: {25}, 119: {21}, 123: {13}, 127: {23}, 129: {9}, 137: {67}, 140: {42},
    149: {47}, 160: {58}, 165: {63}, 178: {83}, 192: {97}, 195: {104}, 226: {124}, 227: {125}, 228: {129}, 229: {130},
    230: {127}, 231: {146}, 235: {132}, 239: {141}, 242: {180}, 253: {158}, 258: {171}, 271: {185}, 276: {210},
}

# Files with damage that capinfos does not see: file, packets that we find, reason.
FEWER_PACKETS = {
    "malformed/tcpdump_bgp_vpn_rt-oobr.pcap": (1, "a hole of zeros: capinfos counts each 16 of them as an empty packet"),
}

# Seeds of the fuzz target (tests/fuzz/corpus/pcap) that show a variant which no capture of the folder has.
VARIANT_SEEDS = [f"seed-{form}-{order}" for order in ("le", "be")
                 for form in ("micro", "nano", "ixia-sw", "modified", "modified-1999", "modified-28", "nokia")] + \
                ["seed-old-lengths", "seed-maybe-old-lengths", "seed-dgux", "seed-aix", "seed-fcs", "seed-dbus", "seed-empty"]


Packet = collections.namedtuple("Packet", "time_ns caplen origlen link_type flags interface_id")


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                          timeout=600, check=False)
    return done.returncode, done.stdout


def to_ns(text):
    """Seconds with decimals, to nanoseconds; exact. More than nine decimals are what libwiretap prints of a fraction
    beyond one second, which it does not carry."""
    sign = -1 if text.startswith("-") else 1
    seconds, _, fraction = text.lstrip("-").partition(".")
    return sign * (int(seconds) * 10**9 + int(fraction.ljust(9, "0")))


def ours_of(dump, path):
    status, text = run([dump, path])
    _, fed = run([dump, "--block", "509", path])
    packets = []
    for line in text.splitlines():
        words = line.split(" ")
        if words[0] == "packet":
            packets.append(Packet(int(words[3]), int(words[5]), int(words[7]), int(words[9]), int(words[15]),
                                  int(words[17])))
    return status, text == fed, packets


def capinfos_of(path):
    status, text = run(["capinfos", "-T", "-r", "-M", "-S", "-c", "-a", "-e", "-E", path])
    fields = text.rstrip("\n").split("\t")
    if status != 0 or len(fields) != 5:
        return None
    return fields[1:]


TSHARK_FIELDS = ["frame.time_epoch", "frame.cap_len", "frame.len", "frame.encap_type", "frame.interface_id"]


def tshark_of(path):
    # what is in the frames does not matter here: without Ethernet most of it is not looked at
    command = ["tshark", "-n", "--disable-protocol", "eth", "-r", path, "-T", "fields"]
    for field in TSHARK_FIELDS:
        command += ["-e", field]
    rows = [line.split("\t") for line in run(command)[1].splitlines()]
    # records that are no packets (custom, journal, sysdig blocks) are frames to tshark; they have no encapsulation
    return [row for row in rows if len(row) != len(TSHARK_FIELDS) or row[3] != ""]


BEYOND_ONE_SECOND = "a fraction beyond one second: we carry it, libwiretap multiplies it in 32 bits"


class Comparison:
    """One file: what differs, and which rules it needed."""

    def __init__(self, name):
        self.name = name
        self.differences = []
        self.rules = set()
        self.n_packets = 0

    def differ(self, text, *values):
        self.differences.append(text % values)

    def time(self, what, ours, theirs_text):
        if ours.flags & 2:  # a record without a time
            self.rules.add("no time")
            return
        if theirs_text in ("", "n/a"):
            self.differ("%s: ours %d, theirs none", what, ours.time_ns)
            return
        theirs = to_ns(theirs_text)
        decimals = len(theirs_text.partition(".")[2])
        if ours.time_ns == theirs or ours.time_ns // 10**(9 - min(decimals, 9)) * 10**(9 - min(decimals, 9)) == theirs:
            return
        if ours.flags & 1 and (theirs < 0 or theirs >= 2**64):
            self.rules.add("saturated: their time lies outside of 64 bits of nanoseconds")
            return
        seconds = int(theirs_text.lstrip("-").partition(".")[0])
        if 10**9 <= ours.time_ns - seconds * 10**9 < 2**32 * 1000:
            self.rules.add(BEYOND_ONE_SECOND)
            return
        self.differ("%s: ours %d, theirs %s", what, ours.time_ns, theirs_text)

    def first_and_last(self, packets, first, last):
        timed = [packet for packet in packets if not packet.flags & 2]
        if not timed or first == "n/a" or BEYOND_ONE_SECOND in self.rules:
            return
        least, greatest = min(timed, key=lambda p: p.time_ns), max(timed, key=lambda p: p.time_ns)
        if greatest.time_ns - least.time_ns >= 2**31 * 10**9:
            self.rules.add("packets 2^31 s apart: capinfos orders them by a difference in 32 bits")
            return
        self.time("first time", least, first)
        self.time("last time", greatest, last)

    def packet(self, number, ours, theirs):
        if len(theirs) != len(TSHARK_FIELDS) or "" in theirs[1:3]:
            self.differ("packet %d: tshark says %s", number, theirs)
            return
        time, caplen, origlen, encapsulation, interface = theirs
        self.time(f"packet {number} time", ours, time)
        lengths = (ours.caplen, ours.origlen)
        if lengths != (int(caplen), int(origlen)):
            less = PSEUDO_HEADER_BYTES.get(ours.link_type)
            if less is not None and lengths == (int(caplen) + less, int(origlen) + less):
                self.rules.add(f"pseudo-header {ours.link_type}")
            elif ours.caplen == int(caplen) and ours.origlen > int(origlen) == 2**31 - 1:
                self.rules.add("original length beyond 31 bits, which tshark does not show")
            else:
                self.differ("packet %d (link type %d) lengths: ours %d of %d, theirs %s of %s", number, ours.link_type,
                            *lengths, caplen, origlen)
        if int(encapsulation) not in ENCAPSULATION.get(ours.link_type, ()):
            self.differ("packet %d: link type %d, their encapsulation %s", number, ours.link_type, encapsulation)
        if interface not in ("", str(ours.interface_id)):
            self.differ("packet %d: interface %d, theirs %s", number, ours.interface_id, interface)


def compare(dump, folder, name):
    path = os.path.join(folder, name)
    c = Comparison(name)
    status, same_when_fed, ours = ours_of(dump, path)
    if not same_when_fed:
        c.differ("framed in feeds of 509 bytes it says something else")
    c.n_packets = len(ours)
    info = capinfos_of(path)
    if info is None:
        c.differ("capinfos does not read it any more")
        return c
    theirs = tshark_of(path)
    if name in FEWER_PACKETS:
        c.rules.add(name)
        if len(ours) != FEWER_PACKETS[name][0] or status != 3:
            c.differ("%d packets and status %d where %d and 3 were expected", len(ours), status, FEWER_PACKETS[name][0])
        theirs = theirs[:len(ours)]
    else:
        if status != 0:
            c.differ("status %d where capinfos is content", status)
        if len(ours) != int(info[1]):
            c.differ("%d packets, capinfos says %s", len(ours), info[1])
    if len(ours) != len(theirs):
        c.differ("%d packets, tshark says %d", len(ours), len(theirs))
    for number, pair in enumerate(zip(ours, theirs), 1):
        c.packet(number, *pair)
    if name not in FEWER_PACKETS:
        c.first_and_last(ours, *info[2:])
    return c


def files_of(folder):
    """Readable by capinfos, not compressed, not a foreign format."""
    with open(os.path.join(folder, "MANIFEST.tsv"), encoding="utf-8") as manifest:
        columns = manifest.readline().rstrip("\n").split("\t")
        for line in manifest:
            row = dict(zip(columns, line.rstrip("\n").split("\t")))
            kind = row["format"].split(" ")[0]
            if row["capinfos"] == "ok" and kind in ("pcap", "pcapng") and "(" not in row["format"]:
                yield row["file"]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("dump")
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/captures")
    parser.add_argument("--captures", default=os.environ.get("CAPMILL_CAPTURES", default))
    parser.add_argument("--only", default="*")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--show", type=int, default=3, help="differences shown of each file")
    arguments = parser.parse_args()
    if shutil.which("capinfos") is None or shutil.which("tshark") is None:
        print("capinfos and tshark are not installed")
        return 77
    if not os.path.exists(os.path.join(arguments.captures, "MANIFEST.tsv")):
        print(f"no captures in {arguments.captures}")
        return 77

    seeds = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fuzz/corpus/pcap")
    files = [(arguments.captures, name) for name in files_of(arguments.captures)]
    files += [(seeds, name) for name in VARIANT_SEEDS]
    files = [file for file in files if fnmatch.fnmatch(file[1], arguments.only)]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(lambda file: compare(arguments.dump, *file), files))
    n_different = 0
    for c in results:
        if c.differences:
            n_different += 1
            print(f"{c.name}: {len(c.differences)} differences")
            for text in c.differences[:arguments.show]:
                print(f"    {text}")
    used = set().union(*(c.rules for c in results)) if results else set()
    if arguments.only == "*":
        for rule in sorted(set(FEWER_PACKETS) - used):
            n_different += 1
            print(f"rule no longer needed: {rule}")
    print(f"{len(results)} files, {sum(c.n_packets for c in results)} packets, {n_different} different")
    for rule in sorted(used):
        print(f"rule used: {rule}: {sum(rule in c.rules for c in results)} files")
    return 1 if n_different or not results else 0


if __name__ == "__main__":
    sys.exit(main())
