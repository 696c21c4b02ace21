#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write deliberately nasty captures, and beside each a JSON file that says what a right reader finds in it.

usage: make_golden.py FOLDER [--only NAME] [--list]

NAME.json: "about"; "refused": part of the sentence of a refusal, or null; "packets"; "damage": [offset, bytes] of each place
that is skipped (0 bytes: only remarked upon; touching places count as one); "earliest_ns", "latest_ns"; and
"packets_sha256" over a line "TIME_NS CAPLEN ORIGLEN LINK_TYPE OFFSET\\n" for each packet in file order (times in nanoseconds
since 1970, 0 and 2^64-1 standing for times beyond). The same bytes every time.
"""
import argparse
import hashlib
import json
import os
import struct
import sys

MIB = 1 << 20
START_S = 1700000000
MAX_NS = 2**64 - 1
CASES = {}


def case(about):
    def keep(function):
        CASES[function.__name__] = (about, function)
        return function
    return keep


def payload(n, seed):
    """Bytes that look like no record: each has its highest bit set, so no length or fraction in them is small."""
    out = bytearray()
    state = seed * 2654435761 % 2**32 | 1
    while len(out) < n:
        state = (state * 1664525 + 1013904223) % 2**32
        out += struct.pack("<I", state | 0x80808080)
    return bytes(out[:n])


class Capture:
    """Bytes of a file together with what is to be found in them."""

    def __init__(self, order="<"):
        self.bytes = bytearray()
        self.order = order
        self.packets = []
        self.damage = []
        self.refused = None

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def expect(self, time_ns, caplen, origlen, link_type, offset):
        self.packets.append((min(max(time_ns, 0), MAX_NS), caplen, origlen, link_type, offset))

    def add_damage(self, offset, n):
        """Touching places are one."""
        if self.damage and n != 0 and self.damage[-1][0] + self.damage[-1][1] == offset and self.damage[-1][1] != 0:
            self.damage[-1][1] += n
        else:
            self.damage.append([offset, n])

    def broken(self, data):
        """Bytes that a reader has to skip."""
        self.add_damage(len(self.bytes), len(data))
        self.bytes += data


class Pcap(Capture):
    def __init__(self, order="<", magic=0xa1b2c3d4, version=(2, 4), link_type=1, units_ns=1000, extra=b"", snaplen=65535):
        super().__init__(order)
        self.units_ns, self.extra, self.link_type = units_ns, extra, link_type
        self.swapped = version < (2, 3)
        self.bytes += self.pack("IHHiIII", magic, *version, 0, 0, snaplen, link_type)
        self.number = 0

    def record_bytes(self, data, origlen=None, seconds=None, fraction=None):
        self.number += 1
        self.seconds = START_S + self.number // 1000 if seconds is None else seconds
        self.fraction = self.number % 1000 * (1000000 // self.units_ns) if fraction is None else fraction
        self.origlen = len(data) if origlen is None else origlen
        lengths = (self.origlen, len(data)) if self.swapped else (len(data), self.origlen)
        return self.pack("IIII", self.seconds, self.fraction, *lengths) + self.extra + data

    def record(self, data=None, **fields):
        data = payload(60 + self.number % 7, self.number) if data is None else data
        record = self.record_bytes(data, **fields)
        self.expect(self.seconds * 10**9 + self.fraction * self.units_ns, len(data), self.origlen, self.link_type,
                    len(self.bytes))
        self.bytes += record

    def records(self, n):
        for _ in range(n):
            self.record()
        return self


class Pcapng(Capture):
    def __init__(self, order="<", section=True):
        super().__init__(order)
        self.number = 0
        self.last_ns = 0
        if section:
            self.section(order)

    def block(self, block_type, body):
        body += bytes(-len(body) % 4)
        n = len(body) + 12
        return self.pack("II", block_type, n) + body + self.pack("I", n)

    def add(self, block_type, body):
        self.bytes += self.block(block_type, body)

    def option(self, code, value):
        return self.pack("HH", code, len(value)) + value + bytes(-len(value) % 4)

    def section(self, order="<", version=(1, 0), options=b""):
        self.order = order
        self.interfaces = []
        self.last_ns = 0
        self.add(0x0a0d0d0a, self.pack("IHHq", 0x1a2b3c4d, *version, -1) + options)

    def interface(self, link_type=1, resolution=None, offset_s=None, options=b"", snaplen=0):
        """Resolution as in if_tsresol, bit 7 for powers of two."""
        if resolution is not None:
            options += self.option(9, bytes([resolution]))
        if offset_s is not None:
            options += self.option(14, self.pack("q", offset_s))
        if options:
            options += self.pack("I", 0)
        self.interfaces.append((link_type, 6 if resolution is None else resolution, offset_s or 0, snaplen))
        self.add(1, self.pack("HHI", link_type, 0, snaplen) + options)
        return self

    def time_ns(self, interface, ticks):
        _, resolution, offset_s, _ = self.interfaces[interface]
        if resolution & 0x80:
            return (ticks * 10**9 >> (resolution & 0x7f)) + offset_s * 10**9
        return ticks * 10**9 // 10**resolution + offset_s * 10**9

    def packet_block(self, interface, data, ticks, options=b"", origlen=None, block_type=6):
        head = self.pack("HH", interface, 3) if block_type == 2 else self.pack("I", interface)
        origlen = len(data) if origlen is None else origlen
        return self.block(block_type, head + self.pack("IIII", ticks >> 32, ticks % 2**32, len(data), origlen) + data +
                          bytes(-len(data) % 4) + options)

    def packet(self, interface=0, data=None, ticks=None, **fields):
        self.number += 1
        data = payload(60 + self.number % 7, self.number) if data is None else data
        if ticks is None:
            ticks = START_S * 10**6 + self.number * 1000
        self.last_ns = min(max(self.time_ns(interface, ticks), 0), MAX_NS)
        self.expect(self.last_ns, len(data), fields.get("origlen", len(data)), self.interfaces[interface][0],
                    len(self.bytes))
        self.bytes += self.packet_block(interface, data, ticks, **fields)

    def simple(self, data, origlen=None):
        origlen = len(data) if origlen is None else origlen
        self.expect(self.last_ns, len(data), origlen, self.interfaces[0][0], len(self.bytes))
        self.add(3, self.pack("I", origlen) + data)

    def packets_of(self, n, interface=0):
        for _ in range(n):
            self.packet(interface)
        return self


@case("one packet, in big-endian pcap of nanoseconds")
def one_packet():
    capture = Pcap(">", magic=0xa1b23c4d, units_ns=1)
    return capture.records(1)


@case("no byte at all")
def empty_file():
    capture = Capture()
    capture.refused = "empty"
    return capture


@case("a pcap header and nothing after it")
def header_only_pcap():
    return Pcap()


@case("a pcapng section header and nothing after it")
def header_only_pcapng():
    return Pcapng()


@case("a pcapng section and an interface, but no packet")
def interface_only():
    return Pcapng().interface(113)


@case("a pcap header of which the last byte is missing")
def cut_header():
    capture = Pcap()
    del capture.bytes[-1]
    capture.refused = "cut"
    return capture


@case("the last record is cut in its data, as when a disk is full")
def truncated_record():
    capture = Pcap().records(9)
    capture.broken(capture.record_bytes(payload(200, 1))[:116])
    return capture


@case("the last record is cut in its header")
def truncated_record_header():
    capture = Pcap(">").records(9)
    capture.broken(capture.record_bytes(payload(200, 1))[:7])
    return capture


@case("the last pcapng block is cut")
def truncated_block():
    capture = Pcapng().interface().packets_of(9)
    capture.broken(capture.packet_block(0, payload(100, 1), START_S * 10**6)[:60])
    return capture


@case("text after the last record of a pcap file")
def garbage_tail():
    capture = Pcap().records(10)
    capture.broken(b"this was appended by somebody who thought that it does no harm\n")
    return capture


@case("text after the last block of a pcapng file")
def garbage_tail_pcapng():
    capture = Pcapng(">").interface().packets_of(10)
    capture.broken(b"this was appended by somebody who thought that it does no harm\n")
    return capture


@case("a record in the middle claims 4 GiB")
def impossible_length():
    capture = Pcap().records(5)
    record = bytearray(capture.record_bytes(payload(80, 1)))
    record[8:12] = b"\xf0\xff\xff\xff"
    capture.broken(bytes(record))
    return capture.records(5)


@case("a record claims one byte more than it has, so that the next one begins inside it")
def length_off_by_one():
    capture = Pcap().records(4)
    record = bytearray(capture.record_bytes(payload(60, 1)))
    record[8:12] = capture.pack("I", 61)
    record[12:16] = capture.pack("I", 61)
    capture.expect(capture.seconds * 10**9 + capture.fraction * 1000, 61, 61, 1, len(capture.bytes))
    capture.bytes += record
    follower = capture.record_bytes(payload(60, 2))
    capture.bytes += follower[:1]
    capture.broken(follower[1:])
    return capture.records(5)


@case("the two lengths of a block differ, the first is right: the block is taken, and remarked upon")
def block_lengths_differ():
    capture = Pcapng().interface().packets_of(4)
    at = len(capture.bytes)
    capture.packet()
    capture.bytes[-4:] = capture.pack("I", 4711)
    capture.add_damage(at, 0)
    return capture.packets_of(4)


@case("the two lengths of a block differ, the second is right: the block is skipped")
def block_length_wrong():
    capture = Pcapng().interface().packets_of(4)
    block = bytearray(capture.packet_block(0, payload(60, 1), START_S * 10**6))
    block[4:8] = capture.pack("I", len(block) + 12)
    capture.broken(bytes(block))
    return capture.packets_of(4)


@case("a packet block whose captured length is beyond the block, and one of an interface that nobody described")
def block_contents_wrong():
    capture = Pcapng().interface().packets_of(3)
    block = bytearray(capture.packet_block(0, payload(60, 1), START_S * 10**6))
    block[20:24] = capture.pack("I", 61 + 4)
    capture.broken(bytes(block))
    capture.packets_of(3)
    capture.broken(capture.packet_block(1, payload(60, 1), START_S * 10**6))
    return capture.packets_of(3)


@case("pcap of a major version that nobody wrote")
def unknown_pcap_version():
    capture = Pcap(version=(99, 0))
    capture.refused = "99.0"
    return capture


@case("pcapng of version 2.0")
def unknown_pcapng_version():
    capture = Pcapng(section=False)
    capture.section(version=(2, 0))
    capture.refused = "2.0"
    return capture


@case("the second of three sections has version 9.0: it is skipped whole, the third is read")
def unknown_section_version():
    capture = Pcapng().interface().packets_of(3)
    unread = Pcapng(section=False)
    unread.section(version=(9, 0))
    unread.interface().packets_of(3)
    capture.broken(bytes(unread.bytes))
    capture.section()
    return capture.interface().packets_of(3)


@case("a hole of 5000 zeros between two pcap records, as sparse files have")
def zero_hole():
    capture = Pcap().records(5)
    capture.broken(bytes(5000))
    return capture.records(5)


@case("a hole of 5000 zeros between two pcapng blocks")
def zero_hole_pcapng():
    capture = Pcapng().interface().packets_of(5)
    capture.broken(bytes(5000))
    return capture.packets_of(5)


@case("zeros from the last record to the end")
def zero_tail():
    capture = Pcap().records(5)
    capture.broken(bytes(3000))
    return capture


def nested_records(n_bytes, order="<"):
    """Sound records, the last of which ends exactly after n_bytes."""
    nested = Pcap(order)
    body = bytearray()
    while len(body) < n_bytes:
        left = n_bytes - len(body) - 16
        body += nested.record_bytes(payload(left if left < 200 else 100, nested.number), seconds=START_S - 1000)
    return bytes(body)


@case("a packet that carries a capture")
def capture_in_payload():
    capture = Pcap().records(3)
    nested = Pcap().records(20)
    capture.record(bytes(nested.bytes))
    return capture.records(3)


@case("16 MiB in packets of the greatest length, each filled with records, the last of which ends exactly where the packet "
      "does: a walk that begins inside one runs into the right chain unseen")
def capture_in_payload_large():
    capture = Pcap(snaplen=262144)
    body = nested_records(262144)
    while len(capture.bytes) < 16 * MIB + 300000:
        capture.record(body)
    return capture


@case("the same within a pcapng file: packets of 200,000 bytes filled with packet blocks")
def blocks_in_payload_large():
    capture = Pcapng().interface(snaplen=262144)
    nested = Pcapng().interface()
    inner = b""
    while len(inner) < 200000 - 128:
        inner += nested.packet_block(0, payload(96, len(inner)), 5)
    while len(capture.bytes) < 9 * MIB:
        capture.packet(data=inner)
    return capture


@case("an interface of another link type and other units is described between packets")
def interface_in_mid_file():
    capture = Pcapng().interface().packets_of(5)
    capture.interface(113, resolution=9)
    for i in range(5):
        capture.packet(i % 2, ticks=(START_S + 10) * 10**(9 if i % 2 else 6) + i)
    return capture


@case("9 MiB of pcapng with an interface described after 5 MiB")
def interface_after_5_mib():
    capture = Pcapng().interface()
    while len(capture.bytes) < 5 * MIB:
        capture.packet(data=payload(1400, 1))
    capture.interface(101, resolution=3)
    while len(capture.bytes) < 9 * MIB:
        capture.packet(capture.number % 2, data=payload(1400, 1),
                       ticks=START_S * 1000 + 10**7 if capture.number % 2 else None)
    return capture


@case("a second section in the other byte order, whose interface 0 is another one")
def section_of_other_order():
    capture = Pcapng("<").interface(1).packets_of(4)
    capture.section(">")
    return capture.interface(276, resolution=0x80 | 20).packets_of(4)


@case("a section in the other byte order every 50 packets, 10 MiB of them")
def sections_of_both_orders():
    capture = Pcapng().interface()
    turn = 0
    while len(capture.bytes) < 10 * MIB:
        for _ in range(50):
            capture.packet(data=payload(1000, turn))
        turn += 1
        capture.section("<>"[turn % 2])
        capture.interface(1, resolution=9 if turn % 3 else 6)
    return capture


@case("9 MiB of pcap with damage from shortly before to shortly after 4 MiB")
def damage_across_4_mib():
    capture = Pcap()
    while len(capture.bytes) < 4 * MIB - 2000:
        capture.record(payload(1000, capture.number))
    capture.broken(payload(4 * MIB + 3000 - len(capture.bytes), 1))
    while len(capture.bytes) < 9 * MIB:
        capture.record(payload(1000, capture.number))
    return capture


@case("9 MiB of pcapng with damage from shortly before to shortly after 4 MiB")
def damage_across_4_mib_pcapng():
    capture = Pcapng().interface()
    while len(capture.bytes) < 4 * MIB - 2000:
        capture.packet(data=payload(1000, capture.number))
    capture.broken(payload((4 * MIB + 3000 - len(capture.bytes)) // 4 * 4, 1))
    while len(capture.bytes) < 9 * MIB:
        capture.packet(data=payload(1000, capture.number))
    return capture


@case("packets of which nothing was captured, and packets of nothing")
def zero_length_packets():
    capture = Pcap()
    for i in range(10):
        capture.record(b"", origlen=60 * (i % 2))
    return capture


@case("zero-length packets in pcapng")
def zero_length_packets_pcapng():
    capture = Pcapng().interface()
    for i in range(10):
        capture.packet(data=b"", origlen=60 * (i % 2))
    return capture


@case("times before 1970 and after 2554, by if_tsoffset and by units")
def times_out_of_range():
    capture = Pcapng()
    capture.interface(offset_s=-2 * START_S).interface(offset_s=2**62).interface(resolution=0).interface(resolution=0x80 | 63)
    capture.interface(resolution=30).interface(resolution=9, offset_s=-5)
    capture.packet(0)
    capture.packet(1)
    capture.packet(2, ticks=20 * 10**9)
    capture.packet(2, ticks=START_S)
    capture.packet(3, ticks=3 << 62)
    capture.packet(4, ticks=2**64 - 1)
    capture.packet(5, ticks=5 * 10**9 - 1)
    capture.packet(5, ticks=5 * 10**9 + 1)
    return capture


@case("a pcap file whose fractions are a second and more, and whose seconds end in 2106")
def fractions_too_great():
    capture = Pcap()
    for seconds, fraction in ((START_S, 1000000), (START_S, 2**32 - 1), (2**32 - 1, 999999), (0, 0), (0, 1)):
        capture.record(seconds=seconds, fraction=fraction)
    return capture


@case("one hundred interfaces, two of each kind")
def interfaces_100():
    capture = Pcapng(">")
    for i in range(100):
        capture.interface(1 if i % 4 < 2 else 113, options=capture.option(2, b"if%d" % (i // 2)))
    for i in range(100):
        capture.packet(99 - i)
    return capture


@case("names, secrets, statistics, custom, journal and unknown blocks between packets")
def other_blocks():
    capture = Pcapng()
    capture.interface()
    for i in range(8):
        capture.packet(options=capture.option(1, b"comment %d" % i) + capture.pack("I", 0))
        if i == 1:
            capture.add(4, capture.pack("HH", 1, 14) + bytes([192, 0, 2, 1]) + b"localhost\0\0\0" + capture.pack("I", 0))
        if i == 2:
            secret = b"CLIENT_RANDOM 00 11\n"
            capture.add(10, capture.pack("II", 0x544c534b, len(secret)) + secret)
        if i == 3:
            capture.add(0xbad, capture.pack("I", 32473) + b"custom")
            capture.add(0x40000bad, capture.pack("I", 32473) + b"not to be copied")
        if i == 4:
            capture.add(9, b"MESSAGE=hello\n")
        if i == 5:
            capture.add(0x80000001, b"of local use")
            capture.add(0x7777, b"not defined yet")
        if i == 6:
            ticks = START_S * 10**6
            capture.add(5, capture.pack("III", 0, ticks >> 32, ticks % 2**32) + capture.option(4, capture.pack("Q", 8)) +
                        capture.pack("I", 0))
    return capture


@case("Kuznetzov's modified pcap: record headers of 24 bytes")
def variant_modified():
    capture = Pcap(magic=0xa1b2cd34, extra=struct.pack("<IHBx", 2, 0x0800, 0))
    return capture.records(10)


@case("Nokia's pcap: the usual magic, record headers of 20 bytes")
def variant_nokia():
    capture = Pcap(">", extra=struct.pack(">I", 0x9fbfb601))
    return capture.records(10)


@case("Ixia's lcap with hardware times: four bytes after the file header")
def variant_ixia_hardware():
    capture = Pcap(magic=0x1c0001ac, units_ns=1)
    capture.bytes += bytes(4)
    capture.records(10)
    capture.bytes[24:28] = capture.pack("I", len(capture.bytes) - 28)
    return capture


@case("Ixia's lcap with software times")
def variant_ixia_software():
    capture = Pcap(">", magic=0x1c0001ab)
    capture.bytes += bytes(4)
    capture.records(10)
    capture.bytes[24:28] = capture.pack("I", len(capture.bytes) - 28)
    return capture


@case("pcap version 2.2: the original length comes first")
def swapped_lengths():
    capture = Pcap(version=(2, 2), link_type=113)
    for i in range(10):
        capture.record(origlen=60 + capture.number % 7 + 100 * (i % 2))
    return capture


@case("a thousand packets of one time, told apart by their bytes only")
def equal_times():
    capture = Pcap()
    for i in range(1000):
        capture.record(struct.pack(">I", i), seconds=START_S, fraction=5)
    return capture


@case("simple packet blocks alone: no packet has a time")
def simple_packets():
    capture = Pcapng().interface()
    for i in range(10):
        capture.simple(payload(50 + i, i))
    return capture


@case("simple packet blocks between others take the time of the packet before; the snaplen says how much was captured")
def simple_packets_between():
    capture = Pcapng().interface(snaplen=64)
    for i in range(6):
        capture.packet(data=payload(40, i))
        capture.simple(payload(64, i), origlen=1000)
    return capture


@case("obsolete packet blocks, with options, in both byte orders")
def obsolete_packets():
    capture = Pcapng()
    for order in "<>":
        if order == ">":
            capture.section(order)
        capture.interface()
        for _ in range(5):
            capture.packet(block_type=2, options=capture.option(2, capture.pack("I", 1)) + capture.pack("I", 0))
    return capture


@case("block lengths that are no multiple of four: some programs forget the padding in them")
def unpadded_lengths():
    capture = Pcapng().interface().packets_of(2)
    at = len(capture.bytes)
    capture.packet(data=payload(61, 1))
    n = struct.unpack_from("<I", capture.bytes, at + 4)[0]
    capture.bytes[at + 4:at + 8] = capture.pack("I", n - 3)
    capture.bytes[-4:] = capture.pack("I", n - 3)
    return capture.packets_of(2)


def expectation(name, about, capture):
    digest = hashlib.sha256()
    for packet in capture.packets:
        digest.update(b"%d %d %d %d %d\n" % packet)
    times = [packet[0] for packet in capture.packets]
    return {
        "file": name, "about": about, "refused": capture.refused, "packets": len(capture.packets),
        "damage": capture.damage, "earliest_ns": min(times) if times else None,
        "latest_ns": max(times) if times else None, "packets_sha256": digest.hexdigest(),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--only")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (about, _) in CASES.items():
            print(f"{name}: {about}")
        return 0
    if arguments.folder is None:
        parser.error("a folder is needed")
    os.makedirs(arguments.folder, exist_ok=True)
    for name, (about, make) in CASES.items():
        if arguments.only not in (None, name):
            continue
        capture = make()
        file_name = name + (".pcapng" if isinstance(capture, Pcapng) else ".pcap")
        with open(os.path.join(arguments.folder, file_name), "wb") as file:
            file.write(capture.bytes)
        with open(os.path.join(arguments.folder, name + ".json"), "w") as file:
            json.dump(expectation(file_name, about, capture), file, indent=1)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
