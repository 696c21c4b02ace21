#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare which packets `capmill sort --filter EXPRESSION` keeps with `tcpdump -r`, over a folder of captures.

usage: filter_vs_tcpdump.py CAPMILL [--captures FOLDER] [--only TEXT] [--jobs N] [--show N]

1. Every expression of expressions.txt over every packet of the collection. To keep the number of processes down, the packets
   stand in one file for each link type, which tcpdump reads one by one, and in one pcapng file with all link types, which
   capmill reads at once with a program for each. What tcpdump refuses for a link type must match nothing of it here; what it
   refuses for all of them must be refused.
2. Ethernet alone, from pcap to pcap: the same bytes as tcpdump writes.
3. Some expressions over each file as it is: both byte orders, all resolutions, damaged ones.
4. Some expressions with other threads, ways of reading and outputs: the same bytes.

Deliberate differences are in RULES, each with its reason; one that nothing needs any more is itself a difference.
Exit status: 0 equal, 1 different, 77 cannot run here.
"""
import argparse
import collections
import concurrent.futures
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import collection

LINK_ETHERNET = 1
AS_THEY_ARE = ["ip and not tcp", "ip6 or arp or vlan", "not ip and len > 50"]
SAME_BYTES = ["tcp", "not ip", "vlan and ip", "udp port 53 or ip6", "len > 10000"]

# name: reason. Each is told apart in the code where it counts.
DAMAGE = "tcpdump ends at the first damaged record or block; the packets behind it are found again here"
MIXED = "libpcap reads no file with several link types: it ends at the second"
NOT_READ = "a form of file that libpcap does not know"
SNAPLEN = "libpcap cuts packets to the file's snapshot length, which is less than what was captured of them"
UNSET = ("libpcap's program reads a cell of memory that it never wrote, where bpf_filter() has what the stack held; here cells "
         "are 0 at first")
RULES = (DAMAGE, MIXED, NOT_READ, SNAPLEN, UNSET)


def run(command, stdin=None):
    return subprocess.run(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)


def expressions(only):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expressions.txt")
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return [line for line in lines if line and not line.startswith("#") and only in line]


def tcpdump(path, expression, *more):
    """What it wrote (no bytes where it refused) and what it said."""
    done = run(["tcpdump", "-n", *more, "-r", path, "-w", "-", "--", expression])
    said = [line for line in done.stderr.decode(errors="replace").splitlines()
            if not line.startswith(("reading from file", "Warning: interface names"))]
    return done.returncode, done.stdout, " ".join(said)


def capmill(program, path, expression, output_format, *more):
    done = run([program, "sort", "--quiet", "--format", output_format, "--filter=" + expression, *more, "-o", "-", path])
    return done.returncode, done.stdout, done.stderr.decode(errors="replace").strip()


def reads_unset_cells(path, expression):
    """Whether the program that libpcap makes for a file loads a cell that no instruction stores."""
    listing = run(["tcpdump", "-r", path, "-d", "--", expression]).stdout.decode()
    loads = re.findall(r"\) ldx? +M\[(\d+)\]", listing)
    return bool(set(loads) - set(re.findall(r"\) stx? +M\[(\d+)\]", listing)))


class Comparison:
    def __init__(self, options):
        self.options = options
        self.failures = []
        self.used = collections.Counter()
        self.n_kept = self.n_asked = 0

    def fail(self, text):
        self.failures.append(text)

    # --- all packets, by link type ---

    def prepare(self, folder, captures):
        self.packets = collection.every_packet(captures)
        by_link = collections.defaultdict(list)
        for number, packet in enumerate(self.packets):
            by_link[packet.link_type].append(number)
        self.mixed = os.path.join(folder, "all.pcapng")
        collection.write_pcapng(self.mixed, self.packets)
        self.by_link = {}
        self.unknown = []
        for link_type, members in sorted(by_link.items()):
            path = os.path.join(folder, "link%d.pcap" % link_type)
            collection.write_pcap(path, [self.packets[i] for i in members], link_type, members)
            if "unknown data link type" in tcpdump(path, "ip")[2]:
                self.unknown.append(link_type)  # so it says to every expression
            else:
                self.by_link[link_type] = path

    def one_expression(self, expression):
        """(kept, failures)"""
        failures = []
        ours_status, ours_bytes, ours_said = capmill(self.options.capmill, self.mixed, expression, "pcapng")
        expected = []
        refusals = {}
        for link_type, path in self.by_link.items():
            status, written, said = tcpdump(path, expression)
            if status != 0:
                refusals[link_type] = said
            expected += collection.seconds_of(written)
            if link_type == LINK_ETHERNET:
                failures += self.ethernet(path, expression, status, written)
        if ours_status == 2:
            if len(refusals) < len(self.by_link):
                failures.append("%s: refused: %s" % (expression, ours_said))
            return 0, failures
        if ours_status != 0:
            return 0, ["%s: exit status %d: %s" % (expression, ours_status, ours_said)]
        ours = collection.seconds_of(ours_bytes)
        expected.sort()
        if ours == expected:
            return len(ours), failures
        if len(refusals) == len(self.by_link) and not any("rejects all packets" in said for said in refusals.values()):
            failures.append("%s: tcpdump refuses it for every link type (%s), capmill does not" %
                            (expression, list(refusals.values())[0]))
        for text, which in (("kept, not by tcpdump", set(ours) - set(expected)),
                            ("kept by tcpdump", set(expected) - set(ours))):
            by_link = collections.Counter(self.packets[i].link_type for i in which)
            for link_type, n in by_link.items():
                if reads_unset_cells(self.by_link[link_type], expression):
                    self.used[UNSET] += n
                    continue
                first = self.packets[min(i for i in which if self.packets[i].link_type == link_type)]
                failures.append("%s: %d %s; first: %r%s" % (
                    expression, n, text, first,
                    " (refused by tcpdump: %s)" % refusals[link_type] if link_type in refusals else ""))
        return len(ours), failures

    def ethernet(self, path, expression, status, written):
        ours_status, ours_bytes, ours_said = capmill(self.options.capmill, path, expression, "pcap")
        if status != 0:
            if ours_status == 0 and collection.read_pcap(ours_bytes):
                return ["%s: refused by tcpdump for Ethernet, kept here" % expression]
            return []
        if ours_status != 0:
            return ["%s: Ethernet: exit status %d: %s" % (expression, ours_status, ours_said)]
        if ours_bytes[24:] != written[24:] and collection.seconds_of(ours_bytes) == collection.seconds_of(written):
            return ["%s: Ethernet: the same packets, other bytes" % expression]
        return []  # other packets: the comparison of all link types says so

    # --- files as they are ---

    def one_file(self, captures, row):
        path = os.path.join(captures, row["file"])
        failures, used = [], collections.Counter()
        with open(path, "rb") as file:
            head = file.read(24)
        snaplen = None
        if head[:4] in collection.PCAP_KINDS and len(head) == 24:
            snaplen = struct.unpack_from(collection.PCAP_KINDS[head[:4]][0] + "I", head, 16)[0] or None
        for expression in AS_THEY_ARE:
            status, written, said = tcpdump(path, expression, "--time-stamp-precision=nano")
            if not written:
                if not any(text in said for text in ("unknown data link type", "rejects all packets", "support")):
                    used[NOT_READ] += 1
                continue
            theirs = collections.Counter((p.origlen, p.data) for p in collection.read_pcap(written))
            ours_status, ours_bytes, ours_said = capmill(self.options.capmill, path, expression, "pcapng")
            if ours_status not in (0, 3):
                failures.append("%s: %s: exit status %d: %s" % (row["file"], expression, ours_status, ours_said))
                continue
            kept = collection.read_pcapng(ours_bytes)
            ours = collections.Counter((p.origlen, p.data) for p in kept)
            if ours == theirs:
                continue
            if snaplen and any(len(p.data) > snaplen for p in collection.read(path)):
                used[SNAPLEN] += 1  # before it filters
                continue
            if not theirs - ours and (status != 0 or ours_status == 3):
                used[MIXED if "different from the type" in said else DAMAGE] += 1
            elif reads_unset_cells(path, expression):
                used[UNSET] += 1
            else:
                failures.append("%s: %s: %d kept, tcpdump keeps %d; exit status %d, tcpdump %d %s" % (
                    row["file"], expression, sum(ours.values()), sum(theirs.values()), ours_status, status, said))
        return failures, used

    # --- other ways ---

    def other_ways(self, folder, expression):
        program = self.options.capmill
        failures = []
        base = [program, "sort", "--quiet", "--force", "--filter=" + expression]
        for path, output_format in ((self.mixed, "pcapng"), (self.by_link[LINK_ETHERNET], "pcap")):
            wanted = os.path.join(folder, "wanted")
            out = os.path.join(folder, "out")
            outputs = ["--format", output_format, "-o"]
            run(base + ["--threads", "1", *outputs, wanted, path])
            with open(wanted, "rb") as file:
                content = file.read()
            ways = {
                "threads 3": (["--threads", "3", *outputs, out, path], None),
                "mmap": (["--io", "mmap", *outputs, out, path], None),
                "read": (["--io", "read", "--threads", "2", *outputs, out, path], None),
                "little memory": (["--memory", "16M", *outputs, out, path], None),
                "to a pipe": ([*outputs, "-", path], None),
                "from a pipe": ([*outputs, out, "-"], path),
            }
            for way, (arguments, given) in ways.items():
                if given:
                    with open(given, "rb") as stdin:
                        done = run(base + arguments, stdin=stdin)
                else:
                    done = run(base + arguments)
                if "-" in arguments[:-1]:
                    result = done.stdout
                elif os.path.exists(out):
                    with open(out, "rb") as file:
                        result = file.read()
                    os.remove(out)
                else:
                    result = None
                if result != content:
                    failures.append("%s: %s: exit status %d, other bytes; %s" % (
                        expression, way, done.returncode, done.stderr.decode(errors="replace").strip()))
        return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capmill")
    parser.add_argument("--captures")
    parser.add_argument("--only", default="", help="expressions with this text alone")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", type=int, default=40)
    options = parser.parse_args()
    captures = collection.folder_of(options.captures)
    if captures is None or shutil.which("tcpdump") is None:
        print("skipped: needs captures (CAPMILL_CAPTURES) and tcpdump")
        return 77
    comparison = Comparison(options)
    wanted = expressions(options.only)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        os.chmod(folder, 0o755)  # tcpdump gives up root before it reads
        comparison.prepare(folder, captures)
        n_matching = 0
        for kept, failures in pool.map(comparison.one_expression, wanted):
            n_matching += kept > 0
            comparison.n_kept += kept
            comparison.failures += failures
        print("%d expressions over %d packets of %d link types (%d that libpcap does not know): %d match some, %d kept in all"
              % (len(wanted), len(comparison.packets), len(comparison.by_link), len(comparison.unknown), n_matching,
                 comparison.n_kept), flush=True)
        if not options.only:
            rows = collection.manifest(captures)
            for failures, used in pool.map(lambda row: comparison.one_file(captures, row), rows):
                comparison.failures += failures
                comparison.used += used
            print("%d files as they are, %d expressions" % (len(rows), len(AS_THEY_ARE)), flush=True)
            for expression in SAME_BYTES:
                comparison.failures += comparison.other_ways(folder, expression)
    for failure in comparison.failures[:options.show]:
        print(failure)
    for rule, n in sorted(comparison.used.items()):
        print("expected: %s (%d)" % (rule, n))
    unused = [] if options.only else sorted(set(RULES) - set(comparison.used))
    for rule in unused:
        print("a rule that nothing needs: " + rule)
    print("%d unexplained" % (len(comparison.failures) + len(unused)))
    return 1 if comparison.failures or unused or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
