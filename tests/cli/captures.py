#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""captures.py NAME FILE: writes a small capture that is known byte by byte. Not a generator of traffic: `capmill
generate` is, and cannot be its own witness."""
import struct
import sys

START_S = 1700000000  # 2023-11-14T22:13:20Z


def ipv4_udp(src, dst, src_port, dst_port, payload):
    udp = struct.pack(">HHHH", src_port, dst_port, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes(src), bytes(dst))
    return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + ip + udp


def tcp(src, dst, src_port, dst_port, flags, payload=b""):
    segment = struct.pack(">HHIIBBHHH", src_port, dst_port, 1, 1, 0x50, flags, 1024, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 1, 0, 64, 6, 0, bytes(src), bytes(dst))
    return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + ip + segment


A, B, C = (10, 0, 0, 1), (10, 0, 0, 2), (10, 0, 0, 3)
ARP = (b"\xff" * 6 + b"\x02\0\0\0\0\x01\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + b"\x02\0\0\0\0\x01" +
       bytes(A) + b"\0" * 6 + bytes(B))

# Offset from the start in nanoseconds, and the frame. A handshake, a question and an answer, an ARP request.
PACKETS = [
    (0, tcp(A, B, 40000, 80, 0x02)),
    (1_000_000, tcp(B, A, 80, 40000, 0x12)),
    (2_000_000, tcp(A, B, 40000, 80, 0x18, b"x" * 100)),
    (500_000_000, ipv4_udp(C, B, 5353, 53, b"q" * 30)),
    (500_250_000, ipv4_udp(B, C, 53, 5353, b"r" * 70)),
    (2_000_000_000, ARP),
]


def header(endian="<", magic=0xA1B2C3D4, link_type=1, snaplen=262144):
    return struct.pack(endian + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link_type)


def record(offset_ns, frame, endian="<", unit_ns=1000, original=None):
    return struct.pack(endian + "IIII", START_S + offset_ns // 10**9, offset_ns % 10**9 // unit_ns, len(frame),
                       len(frame) if original is None else original) + frame


def records(packets):
    return b"".join(record(*packet) for packet in packets)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng():
    """Two interfaces of different link types and resolutions, out of order by 3 ms."""
    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack("<HHI", 1, 0, 65535) + struct.pack("<HH", 2, 4) + b"eth0" + b"\0" * 4)
    data += block(1, struct.pack("<HHI", 101, 0, 0) + struct.pack("<HHB3x", 9, 1, 9) + b"\0" * 4)

    def enhanced(interface, ticks, frame):
        return block(6, struct.pack("<IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)) + frame)

    data += enhanced(0, (START_S * 10**9 + 5_000_000) // 1000, PACKETS[0][1])
    data += enhanced(1, START_S * 10**9 + 2_000_001, PACKETS[3][1][14:])
    data += enhanced(0, (START_S * 10**9 + 9_000_000) // 1000, PACKETS[1][1])
    return data


def statistics():
    """Three packets a second apart and, behind them, interface statistics, as dumpcap writes them."""
    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 65535))
    for i in range(3):
        ticks = (START_S + i) * 10**6
        frame = PACKETS[i][1]
        data += block(6, struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)) + frame)
    return data + block(5, struct.pack("<III", 0, 0, 0) + struct.pack("<HHQ", 4, 8, 3) + b"\0" * 4)


def hole():
    """Enough packets on both sides of 1,000 bytes of nonsense for the reader to find its way again."""
    before = [(i * 1_000_000, PACKETS[2][1]) for i in range(100)]
    after = [((100 + i) * 1_000_000, PACKETS[2][1]) for i in range(100)]
    return header() + records(before) + b"\xa5" * 1000 + records(after)


CAPTURES = {
    "sorted": lambda: header() + records(PACKETS),
    "unsorted": lambda: header() + records([PACKETS[i] for i in (0, 2, 1, 3, 5, 4)]),
    "big_endian": lambda: header(">", 0xA1B23C4D) + b"".join(record(*packet, ">", 1) for packet in PACKETS),
    "empty": header,
    "one": lambda: header() + records(PACKETS[:1]),
    "truncated": lambda: header() + records(PACKETS)[:-20],
    "hole": hole,
    "mixed.pcapng": pcapng,
    "statistics.pcapng": statistics,
    "nothing": lambda: b"",
    "text": lambda: b"This is no capture, only a text of some length that nobody can take for one.\n" * 10,
}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in CAPTURES:
        raise SystemExit(f"usage: captures.py {'|'.join(CAPTURES)} FILE")
    with open(sys.argv[2], "wb") as file:
        file.write(CAPTURES[sys.argv[1]]())


if __name__ == "__main__":
    main()
