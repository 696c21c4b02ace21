# SPDX-License-Identifier: Apache-2.0
"""The collection of captures as the comparisons of this folder need it: every packet of it, and files made of them.

Reading is done here, by nothing that is under test: what is asked of a file is only where its packets are. Packets that are
put together into new files get a time of their own each, so that sorting leaves them in place and times say which were kept.
"""
import os
import struct

PCAP_KINDS = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
              b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
MAX_BYTES = 262144


class Packet:
    __slots__ = ("link_type", "time", "origlen", "data", "name", "number", "place", "interface")

    def __init__(self, link_type, time, origlen, data, place=None, name=None, number=0, interface=None):
        self.link_type, self.time, self.origlen, self.data = link_type, time, origlen, data
        self.place = place  # of its record in the capture, in bytes
        self.interface = interface  # pcapng: number of its section from 0, number there, name or None
        self.name, self.number = name, number  # of the capture, and in it from 1

    def __repr__(self):
        return "%s packet %d (link type %d)" % (self.name, self.number, self.link_type)


def folder_of(given):
    """The collection's folder, or None."""
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "captures")
    folder = given or os.environ.get("CAPMILL_CAPTURES") or beside
    return folder if os.path.exists(os.path.join(folder, "MANIFEST.tsv")) else None


def manifest(folder):
    """Rows as dictionaries, in the order of the file."""
    with open(os.path.join(folder, "MANIFEST.tsv"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def read_pcap(content):
    order, unit = PCAP_KINDS[content[:4]]
    link_type = struct.unpack_from(order + "I", content, 20)[0] & 0xffff
    packets, at = [], 24
    while len(content) - at >= 16:
        seconds, fraction, caplen, origlen = struct.unpack_from(order + "IIII", content, at)
        if caplen > MAX_BYTES or caplen > len(content) - at - 16:
            break
        packets.append(Packet(link_type, seconds * 10**9 + fraction * unit, origlen, content[at + 16:at + 16 + caplen], at))
        at += 16 + caplen
    return packets


def options_of(area, order):
    options, at = {}, 0
    while len(area) - at >= 4:
        code, n = struct.unpack_from(order + "HH", area, at)
        if code == 0:
            break
        options.setdefault(code, area[at + 4:at + 4 + n])
        at += 4 + (n + 3) // 4 * 4
    return options


def read_pcapng(content):
    """Packets of enhanced, simple and old packet blocks; it ends at damage. A simple packet block has no time: it takes that
    of the packet before it in its section, which is how capmill reads it."""
    packets, interfaces, order, at, time, section = [], [], "<", 0, 0, -1
    while len(content) - at >= 12:
        block_type = struct.unpack_from(order + "I", content, at)[0]
        if block_type == 0x0A0D0D0A:
            order = "<" if content[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces, time, section = [], 0, section + 1
            if struct.unpack_from(order + "H", content, at + 12)[0] != 1:
                break
        n = struct.unpack_from(order + "I", content, at + 4)[0]
        if n < 12 or n % 4 or n > len(content) - at:
            break
        body = content[at + 8:at + n - 4]
        if block_type == 1 and len(body) >= 8:
            options = options_of(body[8:], order)
            resolution = (options.get(9) or b"\x06")[0]
            offset = struct.unpack(order + "q", options[14])[0] if len(options.get(14, b"")) == 8 else 0
            units = 2**(resolution & 0x7f) if resolution & 0x80 else 10**resolution
            name = options.get(2, b"").split(b"\0")[0].decode(errors="replace") or None
            interfaces.append((struct.unpack_from(order + "HHI", body)[::2], units, offset, name))
        elif block_type in (2, 6) and len(body) >= 20:
            if block_type == 6:
                interface, high, low, caplen, origlen = struct.unpack_from(order + "IIIII", body)
            else:
                interface, _, high, low, caplen, origlen = struct.unpack_from(order + "HHIIII", body)
            if interface >= len(interfaces) or caplen > len(body) - 20:
                break
            (link_type, _), units, offset, name = interfaces[interface]
            time = (high << 32 | low) * 10**9 // units + offset * 10**9
            packets.append(Packet(link_type, time, origlen, body[20:20 + caplen], at,
                                  interface=(section, interface, name)))
        elif block_type == 3 and len(body) >= 4 and interfaces:
            origlen = struct.unpack_from(order + "I", body)[0]
            (link_type, snaplen), _, _, name = interfaces[0]
            caplen = min(origlen, snaplen or MAX_BYTES, len(body) - 4)
            packets.append(Packet(link_type, time, origlen, body[4:4 + caplen], at, interface=(section, 0, name)))
        at += n
    return packets


def read(path):
    """Packets of a pcap or pcapng file up to the first damage; none of other formats."""
    with open(path, "rb") as file:
        content = file.read()
    if content[:4] in PCAP_KINDS and len(content) >= 24:
        return read_pcap(content)
    if content[:4] == b"\x0a\x0d\x0d\x0a" and len(content) >= 28:
        return read_pcapng(content)
    return []


def every_packet(folder, wanted=lambda row: True):
    """All packets of the collection's pcap and pcapng files, in the manifest's order."""
    packets = []
    for row in manifest(folder):
        if not wanted(row):
            continue
        for number, packet in enumerate(read(os.path.join(folder, row["file"])), 1):
            packet.name, packet.number = row["file"], number
            packets.append(packet)
    return packets


def seconds_of(content):
    """Times of the packets of a sound file that was made from one of those below, in whole seconds."""
    seconds, take = [], struct.Struct("<IIIII").unpack_from
    if content[:4] == b"\x0a\x0d\x0d\x0a":
        at, end = 0, len(content)
        while at < end:
            kind, n, _, high, low = take(content, at)
            if kind == 6:
                seconds.append((high << 32 | low) // 10**9)
            at += n
    elif content:
        at, end = 24, len(content)
        while at < end:
            second, _, caplen, _, _ = take(content + bytes(4) if at + 20 > end else content, at)
            seconds.append(second)
            at += 16 + caplen
    return seconds


def write_pcap(path, packets, link_type, times=None):
    """Microseconds, little-endian. `times`: of each, in whole seconds; else 0, 1, 2 ..."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, MAX_BYTES, link_type))
        for i, packet in enumerate(packets):
            second = times[i] if times else i
            file.write(struct.pack("<IIII", second, 0, len(packet.data), packet.origlen) + packet.data)


def write_pcapng(path, packets):
    """Nanoseconds, little-endian; an interface for each link type. Packet i has the time i seconds."""
    links = sorted({packet.link_type for packet in packets})
    with open(path, "wb") as file:
        file.write(struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
        for link_type in links:
            file.write(struct.pack("<IIHHI", 1, 32, link_type, 0, MAX_BYTES))
            file.write(struct.pack("<HHBBBBHHI", 9, 1, 9, 0, 0, 0, 0, 0, 32))
        for i, packet in enumerate(packets):
            n = len(packet.data)
            padding = -n % 4
            size = 32 + n + padding
            time = i * 10**9
            file.write(struct.pack("<IIIIIII", 6, size, links.index(packet.link_type), time >> 32, time & 0xffffffff, n,
                                   packet.origlen) + packet.data + bytes(padding) + struct.pack("<I", size))
