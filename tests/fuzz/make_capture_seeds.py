#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the seeds of the fuzz targets for pcap and pcapng: small captures of every form, sound and damaged.

usage: make_capture_seeds.py [FOLDER]    (default: corpus/ beside this script)

The same seeds every time. What a fuzzer finds is kept beside them under another name than seed-*.
"""
import os
import struct
import sys

MICRO, NANO, MODIFIED, IXIA_HW, IXIA_SW = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34, 0x1C0001AC, 0x1C0001AB


class Pcap:
    def __init__(self, magic=MICRO, order="<", major=2, minor=4, network=1, snaplen=65535, extra=b"", after=b""):
        self.order, self.extra = order, extra
        self.bytes = struct.pack(order + "IHHiIII", magic, major, minor, 0, 0, snaplen, network) + after

    def record(self, seconds, fraction, data, origlen=None, caplen=None, swapped=False):
        lengths = [len(data) if caplen is None else caplen, len(data) if origlen is None else origlen]
        if swapped:
            lengths.reverse()
        self.bytes += struct.pack(self.order + "IIII", seconds, fraction, *lengths) + self.extra + data
        return self


def some(n):
    return bytes((i * 37 + 11) % 251 for i in range(n))


def pcap_seeds():
    for order, name in (("<", "le"), (">", "be")):
        for magic, form in ((MICRO, "micro"), (NANO, "nano")):
            pcap = Pcap(magic, order)
            for i in range(4):
                pcap.record(1700000000 + i, i * 250, some(40 + i), 60)
            yield f"{form}-{name}", pcap.bytes
        for magic, form in ((IXIA_HW, "ixia-hw"), (IXIA_SW, "ixia-sw")):
            yield f"{form}-{name}", Pcap(magic, order, after=bytes(4)).record(1, 2, some(20)).record(3, 4, some(9)).bytes
        modified = struct.pack(order + "IHBB", 2, 0x800, 0, 0)
        for magic, form in ((MODIFIED, "modified"), (MICRO, "modified-1999")):
            yield f"{form}-{name}", Pcap(magic, order, extra=modified).record(1, 2, some(20)).record(3, 4, some(9)).bytes
        yield f"modified-28-{name}", Pcap(MODIFIED, order, extra=modified + bytes(4)).record(1, 2, some(20)) \
            .record(3, 4, some(9)).bytes
        nokia = struct.pack(order + "I", 0x9FBFB601)
        yield f"nokia-{name}", Pcap(MICRO, order, extra=nokia).record(1, 2, some(20)).record(3, 4, some(9)).bytes
    yield "old-lengths", Pcap(minor=2).record(1, 2, some(20), 1514, swapped=True).record(3, 4, some(9), swapped=True).bytes
    yield "maybe-old-lengths", Pcap(minor=3).record(1, 2, some(20), 1514, swapped=True).record(3, 4, some(9), 90).bytes
    yield "dgux", Pcap(major=543, minor=0).record(1, 2, some(20), 60, swapped=True).bytes
    yield "aix", Pcap(order=">", minor=2, network=6).record(1, 999999999, some(20), 60, swapped=True).bytes
    yield "fcs", Pcap(network=0x24000001).record(1, 2, some(20)).bytes
    yield "dbus", Pcap(network=231, snaplen=0).record(1, 2, some(20)).bytes
    yield "empty", Pcap().bytes
    yield "version-1", Pcap(major=1).bytes
    yield "hole", Pcap().record(1, 2, some(20)).bytes + bytes(100) + Pcap().record(1, 2, some(9)).bytes[24:]
    yield "huge-length", Pcap().record(1, 2, some(20)).record(1, 2, some(30), caplen=0xFFFFFFF0).record(3, 4, some(9)) \
        .record(5, 6, some(9)).bytes
    yield "cut-data", Pcap().record(1, 2, some(20)).record(1, 2, some(30)).bytes[:-7]
    yield "cut-header", Pcap().record(1, 2, some(20)).record(1, 2, some(30)).bytes[:-37]
    inner = Pcap().record(1, 2, some(20)).record(3, 4, some(20)).record(5, 6, some(20)).bytes
    yield "inside-payload", Pcap().record(1, 2, inner).record(1, 2, b"\xff" * 20, caplen=0x7FFFFFFF) \
        .record(3, 4, inner).bytes
    yield "gzip", b"\x1f\x8b\x08\0" + some(60)
    yield "text", b"not a capture at all\n" * 5
    yield "erf", b"".join(struct.pack("<IIBB", i, 1700000000, 2, 4) + struct.pack(">HHH", 36, 0, 20) + some(20)
                          for i in range(4))


class Pcapng:
    def __init__(self, order="<", version=(1, 0)):
        self.order, self.bytes = order, b""
        self.section(version)

    def pack(self, layout, *values):
        return struct.pack(self.order + layout, *values)

    def block(self, kind, body, length=None, trailer=None):
        body += bytes(-len(body) % 4)
        n = len(body) + 12
        self.bytes += self.pack("II", kind, n if length is None else length) + body
        self.bytes += self.pack("I", (n if length is None else length) if trailer is None else trailer)
        return self

    def option(self, code, value):
        return self.pack("HH", code, len(value)) + value + bytes(-len(value) % 4)

    def section(self, version=(1, 0), order=None, options=b""):
        self.order = order or self.order
        return self.block(0x0A0D0D0A, self.pack("IHHq", 0x1A2B3C4D, *version, -1) + options)

    def interface(self, link_type=1, snaplen=0, options=b""):
        return self.block(1, self.pack("HHI", link_type, 0, snaplen) + options)

    def enhanced(self, interface, ticks, data, caplen=None, options=b"", **lengths):
        data_padded = data + bytes(-len(data) % 4)
        return self.block(6, self.pack("IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF,
                                       len(data) if caplen is None else caplen, len(data) + 5) + data_padded + options,
                          **lengths)

    def simple(self, origlen, data):
        return self.block(3, self.pack("I", origlen) + data)


def pcapng_seeds():
    for order, name in (("<", "le"), (">", "be")):
        ng = Pcapng(order)
        ng.interface(options=ng.option(2, b"eth0") + ng.option(9, b"\x09") + ng.option(14, ng.pack("q", -5))
                     + ng.option(0, b""))
        ng.interface(101, 96, ng.option(9, b"\x8a"))
        ng.enhanced(0, 1700000000123456789, some(30), options=ng.option(1, b"a comment") + ng.option(0, b""))
        ng.simple(120, some(64)).enhanced(1, 5000, some(7))
        ng.block(2, ng.pack("HHIIII", 1, 3, 0, 99, 5, 6) + some(5))
        ng.block(5, ng.pack("III", 0, 1, 2)).block(4, ng.pack("HHHH", 1, 6, 0, 0)).block(10, ng.pack("II", 0x544C534B, 4)
                                                                                         + b"abcd")
        ng.block(0xBAD, ng.pack("I", 32473) + some(8)).block(0x40000BAD, ng.pack("I", 32473)).block(0x204, some(12))
        yield f"all-blocks-{name}", ng.bytes
    yield "three-sections", Pcapng().interface().enhanced(0, 1, some(5)).section(order=">").interface(113) \
        .enhanced(0, 2, some(6)).section((1, 2), "<").interface(228).simple(4, some(4)).bytes
    yield "unknown-section", Pcapng().interface().enhanced(0, 1, some(5)).section((2, 0)).interface().enhanced(
        0, 1, some(5)).section().interface().enhanced(0, 1, some(5)).bytes
    yield "version-1.1", Pcapng(version=(1, 1)).bytes
    yield "undescribed-interface", Pcapng().interface().enhanced(1, 1, some(5)).enhanced(0, 1, some(5)).bytes
    yield "long-capture", Pcapng().interface().enhanced(0, 1, some(5), caplen=0xFFFFFFF0).enhanced(0, 1, some(5)).bytes
    yield "trailer-differs", Pcapng().interface().enhanced(0, 1, some(5), trailer=99).enhanced(0, 1, some(5)).bytes
    yield "head-differs", Pcapng().interface().enhanced(0, 1, some(50), length=40, trailer=84).enhanced(0, 1, some(5)) \
        .enhanced(0, 1, some(5)).bytes
    yield "unpadded-length", Pcapng().interface().enhanced(0, 1, some(5), length=37).enhanced(0, 1, some(5)).bytes
    yield "length-0", Pcapng().interface().enhanced(0, 1, some(5), length=0).enhanced(0, 1, some(5)).bytes
    yield "length-huge", Pcapng().interface().enhanced(0, 1, some(5), length=0xFFFFFFFF).enhanced(0, 1, some(5)).bytes
    yield "simple-without-interface", Pcapng().simple(4, some(4)).bytes
    ng = Pcapng()
    yield "option-too-long", ng.interface(options=ng.pack("HH", 2, 400) + some(8)).enhanced(0, 1, some(5)).bytes
    yield "cut", Pcapng().interface().enhanced(0, 1, some(50)).bytes[:-30]
    yield "garbage", Pcapng().interface().bytes + b"\xfe" * 50 + Pcapng().interface().enhanced(0, 1, some(5)).bytes[28:]
    ng = Pcapng()
    for i in range(40):
        ng.interface(i)
    yield "many-interfaces", ng.enhanced(39, 1, some(5)).bytes


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    for kind, seeds in (("pcap", pcap_seeds()), ("pcapng", pcapng_seeds())):
        os.makedirs(os.path.join(folder, kind), exist_ok=True)
        for name, data in seeds:
            assert len(data) < 1024, f"{name} has {len(data)} bytes"
            with open(os.path.join(folder, kind, f"seed-{name}"), "wb") as seed:
                seed.write(data)


if __name__ == "__main__":
    main()
