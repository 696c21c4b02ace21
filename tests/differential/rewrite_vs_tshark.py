#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that captures mean the same to Wireshark's library before and after tests/tools/rewrite wrote them again.

usage: rewrite_vs_tshark.py REWRITE [--captures FOLDER] [--only GLOB] [--all] [--show N]

Each capture is rewritten to pcapng in both byte orders, and to pcap in both byte orders where it has one link type. Original
and rewritten file are brought into one form by editcap, and read from there by the small reader below: link type, time,
lengths, bytes and, for pcapng, options of every packet must be equal, and so must names, secrets and statistics.
For pcapng inputs, for every eighth other one (--all: for all), tshark's own fields are compared as well.
Each is also written with packets cut, grown, moved in time and with comments hidden: the packets must be the original's
with just that change, and nothing that is to be hidden may be left anywhere in the file.
Where libwiretap stops at damage, capmill goes on: the packets up to there are compared. Deliberate differences are told
apart in `expected_difference`, each with its reason. Exit status: 0 equal, 1 different, 77 cannot run here.
"""
import argparse
import csv
import fnmatch
import os
import shutil
import struct
import subprocess
import sys
import tempfile

FIELDS = ["frame.time_epoch", "frame.len", "frame.cap_len", "frame.encap_type", "frame.comment"]
CARRIED = (4, 5, 9, 10, 0xBAD)  # names, statistics, journal, secrets, custom
HASH, QUEUE, VERDICT, LAST_PACKET_OPTION = 3, 6, 7, 8  # editcap 4.0 writes verdicts with the code of queues
MAX_PACKET = 262144


class Change:
    """What rewrite does to packets on the way."""

    def __init__(self, to, order, units="micro", cut=None, grow=0, shift=0, hide=False):
        self.to, self.order, self.units = to, order, units
        self.cut, self.grow, self.shift, self.hide = cut, grow, shift, hide
        self.any = cut is not None or grow != 0 or shift != 0 or hide
        self.options = ["--to", to, "--order", order, "--units", units]
        for name, value in (("cut", cut), ("grow", grow or None), ("shift", shift or None), ("hide", "yes" if hide else None)):
            if value is not None:
                self.options += ["--" + name, str(value)]

    def __str__(self):
        return " ".join(self.options[1::2] if not self.any else self.options)

    def apply(self, packet):
        changed = Packet()
        changed.link_type = packet.link_type
        changed.time = packet.time + self.shift
        changed.data = packet.data if self.cut is None else packet.data[:self.cut]
        changed.origlen = packet.origlen
        if len(changed.data) + self.grow <= MAX_PACKET:
            changed.data += bytes(self.grow)
            if changed.origlen + self.grow < 2**32:
                changed.origlen += self.grow
        options = packet.options
        if self.any:
            options = [option for option in options if option[0] != HASH and option[0] not in (19372, 19373)]
        if self.hide:
            options = [option for option in options if 1 < option[0] <= LAST_PACKET_OPTION and option[0] != VERDICT
                       and not (option[0] == QUEUE and len(option[1]) != 4)]
        changed.options = tuple(options)
        return changed


CHANGES = [
    Change("pcapng", "little", cut=40, hide=True),
    Change("pcapng", "big", grow=20, shift=3600 * 10**9),
    Change("pcap", "little", "nano", cut=60, grow=7),
    Change("pcap", "big", "micro", shift=-5 * 10**9 - 1234567),
]


class Packet:
    __slots__ = ("link_type", "time", "origlen", "data", "options")

    def key(self, with_options):
        return (self.link_type, self.time, self.origlen, self.data, self.options if with_options else None)


def read_options(area, order):
    options, at = [], 0
    while len(area) - at >= 4:
        code, n = struct.unpack_from(order + "HH", area, at)
        if code == 0:
            break
        options.append((code, area[at + 4:at + 4 + n]))
        at += 4 + (n + 3) // 4 * 4
    return tuple(options)


def read_pcapng(path):
    """Packets, and the other blocks that must be carried, of a pcapng file that editcap wrote."""
    with open(path, "rb") as file:
        file_bytes = file.read()
    packets, carried, interfaces, order, at = [], [], [], "<", 0
    while len(file_bytes) - at >= 12:
        block_type = struct.unpack_from(order + "I", file_bytes, at)[0]
        if block_type == 0x0A0D0D0A:
            order = "<" if file_bytes[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        n = struct.unpack_from(order + "I", file_bytes, at + 4)[0]
        body = file_bytes[at + 8:at + n - 4]
        if block_type == 1:
            link_type = struct.unpack_from(order + "H", body)[0]
            options = dict(read_options(body[8:], order))
            resolution = options.get(9, b"\x06")[0]
            offset = struct.unpack(order + "q", options[14])[0] if 14 in options else 0
            interfaces.append((link_type, resolution, offset))
        elif block_type == 6:
            interface, high, low, caplen, origlen = struct.unpack_from(order + "IIIII", body)
            link_type, resolution, offset = interfaces[interface]
            packet = Packet()
            packet.link_type = link_type
            ticks = high << 32 | low
            if resolution & 0x80:
                packet.time = (ticks * 10**9 >> (resolution & 0x7f)) + offset * 10**9
            else:
                packet.time = ticks * 10**9 // 10**resolution + offset * 10**9
            packet.origlen = origlen
            packet.data = body[20:20 + caplen]
            packet.options = tuple(sorted(read_options(body[20 + (caplen + 3) // 4 * 4:], order)))
            packets.append(packet)
        elif block_type in CARRIED:
            carried.append((block_type, body[4:] if block_type == 5 else body))
        at += n
    return packets, carried


def told(path):
    """What stands in a pcapng file though it is to be hidden: kinds of blocks, comments, names of hosts."""
    with open(path, "rb") as file:
        file_bytes = file.read()
    found, order, at = [], "<", 0
    fixed = {0x0A0D0D0A: 16, 1: 8, 5: 12}
    while len(file_bytes) - at >= 12:
        block_type = struct.unpack_from(order + "I", file_bytes, at)[0]
        if block_type == 0x0A0D0D0A:
            order = "<" if file_bytes[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        n = struct.unpack_from(order + "I", file_bytes, at + 4)[0]
        body = file_bytes[at + 8:at + n - 4]
        if block_type == 6:
            options = read_options(body[20 + (struct.unpack_from(order + "I", body, 12)[0] + 3) // 4 * 4:], order)
        elif block_type in fixed:
            options = read_options(body[fixed[block_type]:], order)
        elif block_type == 4:
            options, name_at = (), 0
            while len(body) - name_at >= 4:
                record, length = struct.unpack_from(order + "HH", body, name_at)
                if record == 0:
                    options = read_options(body[name_at + 4:], order)
                    break
                address = {1: 4, 2: 16, 3: 6, 4: 8}[record]
                names = body[name_at + 4 + address:name_at + 4 + length].split(b"\0")
                found += [f"host name {name}" for name in names if name and not name.startswith(b"host-")]
                name_at += 4 + (length + 3) // 4 * 4
        elif block_type != 3:
            options = ()
            found.append(f"block {block_type:#x}")
        found += [f"option {code} of block {block_type:#x}" for code, _ in options if code == 1 or code > 17]
        at += n
    return found


def normal_form(path, folder):
    """The capture as editcap writes it, read; and whether editcap came to its end."""
    normal = os.path.join(folder, "normal.pcapng")
    done = subprocess.run(["editcap", "-F", "pcapng", path, normal], capture_output=True, text=True)
    if not os.path.exists(normal):
        return [], [], False, done.stderr
    packets, carried = read_pcapng(normal)
    os.remove(normal)
    return packets, carried, done.returncode == 0, done.stderr


def raw_times(path):
    """Times of a standard pcap file as its records say, whatever their fractions; nothing for other files."""
    with open(path, "rb") as file:
        file_bytes = file.read()
    kinds = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
             b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
    if file_bytes[:4] not in kinds:
        return []
    order, unit = kinds[file_bytes[:4]]
    times, at = [], 24
    while len(file_bytes) - at >= 16:
        seconds, fraction, caplen, _ = struct.unpack_from(order + "IIII", file_bytes, at)
        times.append(min(seconds * 10**9 + fraction * unit, 2**64 - 1))
        at += 16 + caplen
    return times


def fields_of(path):
    command = ["tshark", "-n", "-r", path, "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    lines = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    # tshark counts custom and journal blocks as frames, without a link type; the reader above has looked at those
    return [row for row in rows if len(row) > 3 and row[3]]


def fields_equal(before, after, excused):
    """A simple packet block has no time; the packet that it becomes may have one."""
    return before[1:] == after[1:] and (before[0] == after[0] or before[0] == "" or excused)


def once_only(carried):
    """Names and secrets that come a second time, byte for byte, are written once; statistics as often as they come."""
    kept, seen = [], set()
    for block in carried:
        if block[0] not in (4, 10) or block not in seen:
            kept.append(block)
        seen.add(block)
    return kept


def expected_difference(before, after, previous_time, raw_time, change):
    """Why a packet's time may differ from that of the changed original, or None."""
    to, nanoseconds = change.to, change.units == "nano"
    if before.time == change.shift and after.time in (previous_time, max(change.shift, 0)):
        return "a simple packet has no time: written as a packet with time it takes that of the packet before"
    if raw_time is not None and raw_time // 1000 == after.time // 1000 and raw_time != before.time:
        return "a fraction of seconds overflows 32 bits of nanoseconds in libwiretap"
    if change.shift != 0 and before.time < change.shift and after.time == max(change.shift, 0):
        return "a time before 1970 is moved as if it were 1970"
    if change.shift != 0 and before.time >= 2**64 and abs(after.time - 2**64) < 1000:
        return "a time past 2554 is moved to the last that 64 bits of nanoseconds hold"
    if to == "pcap":
        limit = (2**32 - 1) * 10**9
        if before.time < 0 and after.time == 0:
            return "a time before 1970 is written to pcap as 1970"
        if before.time > limit and after.time // 10**9 == 2**32 - 1:
            return "a time past 2106 is written to pcap as the last that it can hold"
        if not nanoseconds and change.shift != 0 and (before.time + 500) // 1000 == after.time // 1000:
            return "times that are moved become the nearest in the file's units"
        if not nanoseconds and before.time // 1000 == after.time // 1000:
            return "units finer than the file's are cut off"
    return None


class Comparison:
    def __init__(self, arguments):
        self.arguments = arguments
        self.n_files = self.n_packets = self.n_fields = self.n_changed = 0
        self.failures = []
        self.reasons = {}

    def fail(self, name, how, text):
        self.failures.append(f"{name} {how}: {text}")

    def expect(self, reason):
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def compare_packets(self, name, how, before, after, times, sound, change):
        """The numbers, from 0, of packets whose time may differ."""
        to, excused = change.to, set()
        for i, (one, other) in enumerate(zip(before, after)):
            one = change.apply(one)
            if one.key(to == "pcapng") == other.key(to == "pcapng"):
                continue
            if one.key(False)[2:] == other.key(False)[2:] and one.link_type == other.link_type:
                reason = expected_difference(one, other, after[i - 1].time if i > 0 else 0,
                                             times[i] + change.shift if i < len(times) else None, change)
                if reason is not None:
                    self.expect(reason)
                    excused.add(i)
                    continue
            if not sound:
                self.expect("in a damaged file libwiretap sees other records")
                return None
            self.fail(name, how, f"packet {i + 1}: {one.link_type} {one.time} {one.origlen} {len(one.data)} {one.options} "
                      f"became {other.link_type} {other.time} {other.origlen} {len(other.data)} {other.options}")
            return None
        if len(after) != len(before) and sound:
            self.fail(name, how, f"{len(before)} packets became {len(after)}")
            return None
        if len(after) < len(before):
            if all(packet.time == 0 and not packet.data for packet in before[len(after):]):
                self.expect("zeros to the end are damage, not packets of no bytes from 1970")
            else:
                self.expect("in a damaged file libwiretap sees other records")
            return None
        self.n_packets += len(before)
        return excused

    def rewrite(self, path, out, *options):
        return subprocess.run([self.arguments.rewrite, *options, path, out], capture_output=True, text=True)

    def one_file(self, path, name, folder, with_fields, verdict):
        before, carried, whole, _ = normal_form(path, folder)
        whole = whole and verdict == "ok"  # editcap does not always say that it stopped early; capinfos does
        if not before and not whole:
            return False
        self.n_files += 1
        fields = fields_of(path) if with_fields else None
        times = raw_times(path)
        mixed = len({packet.link_type for packet in before}) > 1
        runs = [Change("pcapng", order) for order in ("little", "big")]
        runs += [Change("pcap", "little", "nano"), Change("pcap", "big", "micro")]
        for change in runs + CHANGES:
            to, how = change.to, str(change)
            out = os.path.join(folder, "out." + to)
            done = self.rewrite(path, out, *change.options)
            if done.returncode not in (0, 3):
                if to == "pcap" and "pcapng can hold both" in done.stderr:
                    self.expect("mixed link types are refused for pcap")
                    continue
                if "-compressed" in done.stderr:
                    continue
                self.fail(name, how, f"rewrite: {done.returncode} {done.stderr.strip()[:300]}")
                continue
            if to == "pcap" and mixed:
                self.fail(name, how, "mixed link types were written to pcap")
            after, carried_after, readable, message = normal_form(out, folder)
            if not readable:
                self.fail(name, how, f"the rewritten file is not sound: {message.strip()}")
                continue
            excused = self.compare_packets(name, how, before, after, times, whole and done.returncode == 0, change)
            if change.any:
                if change.hide:
                    for what in told(out):
                        self.fail(name, how, f"not hidden: {what}")
                self.n_changed += 1
                os.remove(out)
                continue
            if to == "pcapng" and whole and once_only(carried) != carried_after:
                self.fail(name, how, f"other blocks: {len(carried)} became {len(carried_after)}")
            if fields is not None and to == "pcapng" and excused is not None:
                fields_after = fields_of(out)
                differing = [i for i, (a, b) in enumerate(zip(fields, fields_after)) if not fields_equal(a, b, i in excused)]
                if differing:
                    i = differing[0]
                    self.fail(name, how, f"tshark's fields of packet {i + 1}: {fields[i]} became {fields_after[i]}")
                elif len(fields_after) < len(fields):
                    self.fail(name, how, f"tshark reads {len(fields)} packets, then {len(fields_after)}")
                self.n_fields += len(fields)
            os.remove(out)
        return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rewrite")
    parser.add_argument("--captures")
    parser.add_argument("--only", default="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--show", type=int, default=20)
    arguments = parser.parse_args()
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "captures")
    captures = arguments.captures or os.environ.get("CAPMILL_CAPTURES") or beside
    manifest = os.path.join(captures, "MANIFEST.tsv")
    if not os.path.exists(manifest) or not all(shutil.which(tool) for tool in ("tshark", "editcap")):
        print("skipped: needs captures (CAPMILL_CAPTURES), tshark and editcap")
        return 77
    comparison = Comparison(arguments)
    n_skipped = 0
    with open(manifest, newline="") as file, tempfile.TemporaryDirectory() as folder:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        for number, row in enumerate(rows):
            if not fnmatch.fnmatch(row["file"], arguments.only):
                continue
            if not row["format"].startswith("pcap"):
                n_skipped += 1
                continue
            with_fields = arguments.all or row["format"].startswith("pcapng") or number % 8 == 0
            if not comparison.one_file(os.path.join(captures, row["file"]), row["file"], folder, with_fields,
                                       row["capinfos"]):
                n_skipped += 1
    for failure in comparison.failures[:arguments.show]:
        print(failure)
    for reason, n in sorted(comparison.reasons.items()):
        print(f"expected: {reason} ({n})")
    print(f"{comparison.n_files} captures, {comparison.n_packets} packets compared, {comparison.n_fields} also by tshark's "
          f"fields, {comparison.n_changed} files with changes; {n_skipped} captures that libwiretap does not read skipped; {len(comparison.failures)} differences")
    return 1 if comparison.failures or comparison.n_files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
