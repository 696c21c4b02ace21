# SPDX-License-Identifier: Apache-2.0
"""What a table costs in each format and codec, with payload and without, on one core. Not for comparing with others
(workloads.py)."""
import json
import os

from . import measure

DATASET = "imix-1g"
INPUT_BYTES = 128 << 20
ROUNDS = 5

FORMATS = [("parquet", "none"), ("parquet", "snappy"), ("parquet", "lz4"), ("parquet", "zstd"), ("parquet", "gzip"),
           ("avro", "none"), ("avro", "snappy"), ("avro", "zstd"), ("avro", "deflate"),
           ("jsonl", "none"), ("jsonl", "zstd"), ("jsonl", "gzip")]
HEADERS = ("timestamp_ns,src_ip,dst_ip,src_port,dst_port,protocol,flow_id,caplen,origlen,tcp_flags,time,packet_number,interface,"
           "community_id")
COLUMNS = [("headers only", ["--columns", HEADERS]), ("with payload", []),
           ("flows", ["--rows", "flows"])]


def command(capmill, capture, output, format_name, codec, options):
    return [capmill, "export", "--quiet", "--force", "--threads", "1", *options, "-o", f"{format_name}:{codec}={output}", capture]


def packets_of(capmill, capture, work_dir):
    return json.loads(measure.read_output([capmill, "info", "--json", capture], work_dir))["captures"][0]["packets"]


def measure_all(capmill, capture, work_dir, rounds):
    """Every format in turn, as often as there are rounds: a machine that slows down slows all of them."""
    output = os.path.join(work_dir, "table.out")
    costs, sizes = {}, {}
    for number in range(rounds + 1):
        for format_name, codec in FORMATS:
            for columns, options in COLUMNS:
                key = format_name, codec, columns
                cost = measure.run_once(command(capmill, capture, output, format_name, codec, options))
                sizes[key] = os.path.getsize(output)
                measure.remove(output)
                if number > 0:  # the first is the warm-up
                    costs.setdefault(key, []).append(cost)
    return {"input_bytes": os.path.getsize(capture), "packets": packets_of(capmill, capture, work_dir), "rounds": rounds,
            "rows": [{"format": format_name, "codec": codec, "columns": columns, "bytes_written": sizes[format_name, codec, columns],
                      "wall_s": measure.summary([cost["wall_s"] for cost in of_key]),
                      "cpu_s": measure.summary([cost["cpu_s"] for cost in of_key])}
                     for (format_name, codec, columns), of_key in costs.items()]}
