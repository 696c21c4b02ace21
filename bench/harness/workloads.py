# SPDX-License-Identifier: Apache-2.0
"""What is timed, against what, with which mark, and how the result is checked. A new comparison is one row of WORKLOADS.

The marks are those of the design: `at_most(1.2)` says that capmill may take 1.2 times as long as the peer, `faster(3)`
that the peer must take 3 times as long as capmill.
"""
import json
import os
import shutil

from . import measure


class WrongResult(Exception):
    """A command that was timed did not do what it was timed for."""


def at_most(factor):
    return {"ratio_at_most": factor, "text": f"≤ {factor:g} × its time"}


def faster(factor):
    return {"ratio_at_most": 1 / factor, "text": f"≥ {factor:g} × faster"}


# Everything that capinfos tells but the hashes of the file (-H), which cost ten times the rest.
CAPINFOS_NO_HASHES = ["capinfos", "-M", "-tEIFkcsdluaeoSyizxnD", "{input}"]

# Names in braces: input, output, recipe, size, capmill. `program` is what has to be installed.
CAT = {"name": "cat", "program": "cat", "command": ["cat", "{input}"]}
CP = {"name": "cp", "program": "cp", "command": ["cp", "{input}", "{output}"], "writes": True}
CAPINFOS = {"name": "capinfos without hashes", "program": "capinfos", "command": CAPINFOS_NO_HASHES}
CAPINFOS_HASHES = {"name": "capinfos", "program": "capinfos", "command": ["capinfos", "{input}"]}
REORDERCAP = {"name": "reordercap", "program": "reordercap", "command": ["reordercap", "{input}", "{output}"],
              "writes": True}
# -F pcap: its default is another format than its input's. It takes its input for sorted, and copies.
MERGECAP = {"name": "mergecap (copies, does not sort)", "program": "mergecap",
            "command": ["mergecap", "-F", "pcap", "-w", "{output}", "{input}"], "writes": True}


def peer(base, mark=None):
    return dict(base, mark=mark)


def workload(name, title, dataset, command, peers, check, writes=False):
    return {"name": name, "title": title, "dataset": dataset, "command": ["{capmill}"] + command, "peers": peers,
            "check": check, "writes": writes}


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


def check_generated(case):
    """generate: the same bytes as the first time."""
    if not same_bytes(case.our_output, case.input):
        raise WrongResult("the same recipe gave other bytes")


def same_bytes(a, b, skip=0):
    if os.path.getsize(a) != os.path.getsize(b):
        return False
    with open(a, "rb") as file_a, open(b, "rb") as file_b:
        file_a.seek(skip)
        file_b.seek(skip)
        while True:
            block = file_a.read(1 << 22)
            if block != file_b.read(1 << 22):
                return False
            if not block:
                return True



INFO = ["info", "{input}"]
SORT = ["sort", "--quiet", "--force", "-o", "{output}", "{input}"]

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
    workload("info-million-flows", "info, 1 million flows", "imix-1g-million-flows", INFO,
             [peer(CAT, at_most(4)), peer(CAPINFOS, faster(1.5)), peer(CAPINFOS_HASHES, faster(15))], check_counts),
    workload("sort-late-50ms", "sort, 20 % of packets late by up to 50 ms", "late-50ms", SORT,
             [peer(CP), peer(REORDERCAP, faster(20))], check_sorted, writes=True),
]
