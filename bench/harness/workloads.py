# SPDX-License-Identifier: Apache-2.0
"""What is timed, against what, with which mark, and how the result is checked. A new comparison is one row of WORKLOADS.

The marks are those of the design: `at_most(1.2)` says that capmill may take 1.2 times as long as the peer, `faster(3)`
that the peer must take 3 times as long as capmill.
"""
import json
import os
import shutil

from . import measure


READERS_PYTHON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "readers", "bin", "python3")


class WrongResult(Exception):
    """A command that was timed did not do what it was timed for."""


def at_most(factor):
    return {"ratio_at_most": factor, "text": f"≤ {factor:g} × its time"}


def faster(factor):
    return {"ratio_at_most": 1 / factor, "text": f"≥ {factor:g} × faster"}


# Everything that capinfos tells but the hashes of the file (-H), which cost ten times the rest.
CAPINFOS_NO_HASHES = ["capinfos", "-M", "-tEIFkcsdluaeoSyizxnD", "{input}"]

# Names in braces: input, output, recipe, size, capmill, pcap_toolkit, kept: what capmill wrote in the warm-up, and sample: a
# capture of the same recipe of which the input is `share` times as large. `program` is what has to be installed.
CAT = {"name": "cat", "program": "cat", "command": ["cat", "{input}"]}
CP = {"name": "cp", "program": "cp", "command": ["cp", "{input}", "{output}"], "writes": True}
CAPINFOS = {"name": "capinfos without hashes", "program": "capinfos", "command": CAPINFOS_NO_HASHES}
CAPINFOS_HASHES = {"name": "capinfos", "program": "capinfos", "command": ["capinfos", "{input}"]}
REORDERCAP = {"name": "reordercap", "program": "reordercap", "command": ["reordercap", "{input}", "{output}"],
              "writes": True}
# -F pcap: its default is another format than its input's. It takes its input for sorted, and copies.
MERGECAP = {"name": "mergecap (copies, does not sort)", "program": "mergecap",
            "command": ["mergecap", "-F", "pcap", "-w", "{output}", "{input}"], "writes": True}

CP_KEPT = {"name": "cp of its output", "program": "cp", "command": ["cp", "{kept}", "{output}"], "writes": True}
# One packet in fifty, and one direction of every flow.
FEW = "icmp and greater 100"
HALF = "src net 10.0.0.0/8"
# A test that looks at every packet and that every packet of the data sets passes.
ALL = "ip"


def tcpdump(expression):
    # -Z root: started by root it would become another user, who may not write here; it does nothing for other users
    return {"name": "tcpdump", "program": "tcpdump", "writes": True,
            "command": ["tcpdump", "-Z", "root", "-r", "{input}", "-w", "{output}", expression]}


TCPREWRITE = {"name": "tcprewrite", "program": "tcprewrite", "writes": True,
              "command": ["tcprewrite", "--pnat=10.0.0.0/8:20.0.0.0/8", "--fixcsum", "-i", "{input}", "-o", "{output}"]}


def pcap_toolkit(format_name):
    return {"name": "pcap-toolkit export", "program": "{pcap_toolkit}", "writes": True,
            "command": ["{pcap_toolkit}", "export", "--format", format_name, "--output", "{output}", "{input}"]}


# The whole input would take it ten minutes a run. Its standard output goes nowhere, which is to its advantage.
TSHARK_EK = {"name": "tshark -T ek (of 1/64 of the input, times 64)", "program": "tshark", "share": 64,
             "command": ["tshark", "-n", "-r", "{sample}", "-T", "ek"]}


def peer(base, mark=None):
    return dict(base, mark=mark)


def ourselves(name, command, writes=False):
    """capmill as its own peer."""
    return {"name": name, "program": "{capmill}", "command": ["{capmill}"] + command, "writes": writes}


def workload(name, title, dataset, command, peers, check, writes=False, keeps=("reordercap",)):
    """`keeps`: the peers whose outputs the check looks at."""
    return {"name": name, "title": title, "dataset": dataset, "command": ["{capmill}"] + command, "peers": peers,
            "check": check, "writes": writes, "keeps": keeps}


def packets_by_capinfos(path, work_dir):
    """Packets and captured bytes; None where capinfos is not installed."""
    if shutil.which("capinfos") is None:
        return None
    fields = measure.read_output(["capinfos", "-T", "-r", "-M", "-c", "-d", path], work_dir).strip().split("\t")
    return int(fields[-2]), int(fields[-1])


def first_object_with(value, *keys):
    """The first object in a JSON text, outermost first, that has all keys."""
    if isinstance(value, dict):
        if all(key in value for key in keys):
            return value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            found = first_object_with(inner, *keys)
            if found is not None:
                return found
    return None


def check_counts(case):
    """info and stats: packets and bytes equal those of capinfos."""
    command = list(case.ours)
    command.insert(2, "--json")
    said = first_object_with(json.loads(measure.read_output(command, case.work_dir)), "packets", "captured_bytes")
    if said is None or said["packets"] <= 0:
        raise WrongResult(f"`{' '.join(command)}` counts no packets")
    expected = packets_by_capinfos(case.input, case.work_dir)
    if expected is not None and (said["packets"], said["captured_bytes"]) != expected:
        raise WrongResult(f"{said['packets']} packets and {said['captured_bytes']} bytes, capinfos says {expected}")
    case.notes["packets"] = said["packets"]
    if "flows" in said:
        case.notes["flows"] = said["flows"]


def check_sorted(case):
    """sort: as large as its input and byte for byte what reordercap writes, the file header apart (it may say another
    greatest length)."""
    if os.path.getsize(case.our_output) != os.path.getsize(case.input):
        raise WrongResult("the sorted capture is not as large as its input")
    reordered = case.peer_outputs.get("reordercap")
    if reordered is not None and not same_bytes(case.our_output, reordered, skip=24):
        raise WrongResult("sort and reordercap differ")
    if reordered is None and shutil.which("capinfos") is not None:
        order = measure.read_output(["capinfos", "-T", "-r", "-o", case.our_output], case.work_dir)
        if not order.strip().endswith("True"):
            raise WrongResult("capinfos says that the sorted capture is not in order")


def same_sorted(case, name, exception=None):
    """Whether we wrote, record for record, what a peer wrote and reordercap sorted. None where either is missing."""
    theirs = case.peer_outputs.get(name)
    if theirs is None or shutil.which("reordercap") is None:
        return None
    in_order = os.path.join(case.work_dir, "in-order.out")
    try:
        measure.run_once(["reordercap", theirs, in_order])
        return same_bytes(case.our_output, in_order, skip=24, exception=exception)
    finally:
        measure.remove(in_order)


def check_filtered(case):
    """sort with a filter: the packets that tcpdump keeps, sorted."""
    kept, whole = os.path.getsize(case.our_output) - 24, os.path.getsize(case.input) - 24
    if not 0 < kept < whole:
        raise WrongResult(f"{kept} bytes of {whole} were kept")
    if same_sorted(case, "tcpdump") is False:
        raise WrongResult("these are not the packets that tcpdump keeps")
    case.notes["bytes_kept"] = kept / whole


def check_all_kept(case):
    """sort with a filter that all packets pass: what sort writes without it."""
    if not same_bytes(case.our_output, case.peer_outputs[SORT_UNFILTERED["name"]]):
        raise WrongResult("a filter that all packets pass made another file")


def check_mapped(case):
    """sort with addresses mapped: what tcprewrite makes of every packet, sums included, sorted."""
    if os.path.getsize(case.our_output) != os.path.getsize(case.input):
        raise WrongResult("the capture with other addresses is not as large as its input")
    if same_bytes(case.our_output, case.input, skip=24):
        raise WrongResult("no address was changed")
    # tcprewrite writes a UDP sum of 0, which says that there is none, where RFC 768 has all ones: 1 of 65,536 packets
    if same_sorted(case, "tcprewrite", (b"\xff\xff", b"\0\0")) is False:
        raise WrongResult("these are not the packets that tcprewrite writes")


def check_generated(case):
    """generate: the same bytes as the first time."""
    if not same_bytes(case.our_output, case.input):
        raise WrongResult("the same recipe gave other bytes")


def check_json_lines(case):
    """export to JSON lines: a line for each packet; the first thousand say of the names that pcap-toolkit has what it says
    (flow ids are of another making)."""
    packets = packets_by_capinfos(case.input, case.work_dir)
    with open(case.our_output, "rb") as file:
        first = [json.loads(line) for _, line in zip(range(1000), file)]
        n = len(first) + sum(1 for _ in file)
    if not first or packets is not None and n != packets[0]:
        raise WrongResult(f"{n} lines, capinfos counts {packets}")
    theirs = case.peer_outputs.get("pcap-toolkit export")
    if theirs is not None:
        with open(theirs, "rb") as file:
            for ours, line in zip(first, file):
                for name, value in json.loads(line).items():
                    if name not in ("flow_id", "payload_encoding") and ours.get(name) != value:
                        raise WrongResult(f"{name} is {ours.get(name)!r}, pcap-toolkit has {value!r}")
    case.notes["bytes_written_per_byte"] = os.path.getsize(case.our_output) / os.path.getsize(case.input)


def check_parquet(case):
    """export to Parquet: whole, and where pyarrow is at hand (scripts/install_readers.sh) with a row for each packet."""
    with open(case.our_output, "rb") as file:
        begin = file.read(4)
        file.seek(-4, os.SEEK_END)
        if (begin, file.read(4)) != (b"PAR1", b"PAR1"):
            raise WrongResult("this is no Parquet file")
    packets = packets_by_capinfos(case.input, case.work_dir)
    if packets is not None and os.access(READERS_PYTHON, os.X_OK):
        n = int(measure.read_output([READERS_PYTHON, "-c", "import pyarrow.parquet as p, sys; "
                                     "print(p.ParquetFile(sys.argv[1]).metadata.num_rows)", case.our_output], case.work_dir))
        if n != packets[0]:
            raise WrongResult(f"{n} rows, capinfos counts {packets[0]} packets")
    case.notes["bytes_written_per_byte"] = os.path.getsize(case.our_output) / os.path.getsize(case.input)


def same_bytes(a, b, skip=0, exception=None):
    """`exception`: two bytes of `a` that may stand for other two in `b`."""
    if os.path.getsize(a) != os.path.getsize(b):
        return False
    with open(a, "rb") as file_a, open(b, "rb") as file_b:
        file_a.seek(skip)
        file_b.seek(skip)
        while True:
            block, other = file_a.read(1 << 22), file_b.read(1 << 22)
            if block != other and not (exception and differ_only_by(block, other, *exception)):
                return False
            if not block:
                return True


def differ_only_by(block, other, ours, theirs):
    """In a few places, each of two bytes (a place that lies across two blocks counts as a difference)."""
    at = 0
    for _ in range(16):
        # the first difference, by halves
        first, last = at, len(block)
        if block[first:last] == other[first:last]:
            return True
        while last - first > 1:
            middle = (first + last) // 2
            first, last = (first, middle) if block[first:middle] != other[first:middle] else (middle, last)
        if block[first:first + 2] != ours or other[first:first + 2] != theirs:
            return False
        at = first + 2
    return False


INFO = ["info", "{input}"]
SORT = ["sort", "--quiet", "--force", "-o", "{output}", "{input}"]


def sort_with(*options):
    return ["sort", "--quiet", "--force", *options, "-o", "{output}", "{input}"]


def export_to(format_name):
    return ["export", "--quiet", "--force", "-o", format_name + "={output}", "{input}"]


INFO_UNFILTERED = ourselves("capmill info without a filter", INFO)
SORT_UNFILTERED = ourselves("capmill sort without a filter", SORT, writes=True)

WORKLOADS = [
    workload("info", "info, 1 thousand flows", "imix-1g", INFO,
             [peer(CAT, at_most(1.5)), peer(CAPINFOS, faster(1.5)), peer(CAPINFOS_HASHES, faster(15))], check_counts),
    workload("stats", "stats, 1 thousand flows", "imix-1g", ["stats", "{input}"],
             [peer(CAT), peer(CAPINFOS), peer(CAPINFOS_HASHES)], check_counts),
    workload("sort", "sort, 10 % of packets late by up to 50 µs", "imix-1g", SORT,
             [peer(CP, at_most(1.2)), peer(REORDERCAP, faster(3)), peer(MERGECAP)], check_sorted, writes=True),
    workload("generate", "generate, 1 thousand flows", "imix-1g",
             ["generate", "--quiet", "--force", "--recipe", "{recipe}", "--size", "{size}", "-o", "{output}"],
             [peer(CP)], check_generated, writes=True),
    workload("filter-few", "filter to a capture, 2 % of packets stay", "imix-1g", sort_with("--filter", FEW),
             [peer(tcpdump(FEW), faster(3)), peer(CP_KEPT)], check_filtered, writes=True, keeps=("tcpdump",)),
    workload("filter-half", "filter to a capture, half of the packets stay", "imix-1g", sort_with("--filter", HALF),
             [peer(CP_KEPT, at_most(1.2)), peer(tcpdump(HALF))], check_filtered, writes=True, keeps=("tcpdump",)),
    workload("filter-all-info", "info, a filter that all packets pass", "imix-1g", ["info", "--filter", ALL, "{input}"],
             [peer(INFO_UNFILTERED, at_most(1.05))], check_counts),
    workload("filter-all-sort", "sort, a filter that all packets pass", "imix-1g", sort_with("--filter", ALL),
             [peer(SORT_UNFILTERED, at_most(1.05))], check_all_kept, writes=True, keeps=(SORT_UNFILTERED["name"],)),
    workload("map-addresses", "addresses mapped, checksums put right", "imix-1g",
             sort_with("--replace-ip", "10.0.0.0/8=20.0.0.0/8"),
             [peer(CP, at_most(1.3)), peer(TCPREWRITE, faster(3))], check_mapped, writes=True, keeps=("tcprewrite",)),
    workload("export-jsonl", "export to JSON lines, default columns with payload", "imix-1g", export_to("jsonl"),
             [peer(pcap_toolkit("json"), faster(5)), peer(TSHARK_EK, faster(200))], check_json_lines, writes=True,
             keeps=("pcap-toolkit export",)),
    workload("export-parquet", "export to Parquet, default columns with payload", "imix-1g", export_to("parquet"),
             [peer(pcap_toolkit("parquet"), faster(5)), peer(TSHARK_EK, faster(200))], check_parquet, writes=True, keeps=()),
    workload("info-million-flows", "info, 1 million flows", "imix-1g-million-flows", INFO,
             [peer(CAT, at_most(4)), peer(CAPINFOS, faster(1.5)), peer(CAPINFOS_HASHES, faster(15))], check_counts),
    workload("sort-late-50ms", "sort, 20 % of packets late by up to 50 ms", "late-50ms", SORT,
             [peer(CP), peer(REORDERCAP, faster(20))], check_sorted, writes=True),
]
