# SPDX-License-Identifier: Apache-2.0
"""Tables as their readers have them: Parquet by DuckDB and by pyarrow, Avro by fastavro, JSON lines by json. Whatever reads
them, a table is a dictionary of columns, each a list with a value for each row: None, whole numbers (times in nanoseconds),
text, bytes. Not for comparing: that is for those who know what the values should be.

The readers stand in an environment of their own (scripts/install_readers.sh); enter() goes there.
"""
import base64
import datetime
import gzip
import importlib.util
import io
import json
import os
import subprocess
import sys

NEEDED = ("duckdb", "pyarrow", "fastavro", "cramjam", "backports.zstd", "zstandard", "xxhash", "communityid")
UNSIGNED_64 = ("flow_id", "file_offset", "packet_number", "flow_packets", "flow_bytes")  # others stay below 2^63
TIMES = ("time", "first", "last")
M64 = 2**64 - 1


def is_here(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:  # a part of a package that is not here
        return False


def enter():
    """Become the same program in the readers' environment unless they are here. False where they are nowhere."""
    if all(is_here(name) for name in NEEDED):
        return True
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "readers")
    folder = os.path.abspath(os.environ.get("CAPMILL_READERS") or beside)
    python = os.path.join(folder, "bin", "python3")
    if sys.prefix == folder or not os.access(python, os.X_OK):
        return False
    os.execv(python, [python, *sys.argv])


def run(command, status=(0,), **more):
    """Run capmill; what it says is in the failure."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False, **more)
    if done.returncode not in status:
        raise RuntimeError("`%s` ended with status %d: %s" % (" ".join(command), done.returncode,
                                                             done.stderr.decode(errors="replace").strip()[-2000:]))
    return done


# --- Parquet ---

def duckdb_connection():
    import duckdb
    connection = duckdb.connect()
    connection.execute("SET threads = 1; SET TimeZone = 'UTC'")
    return connection


def by_duckdb(path, connection=None, hive=False):
    """`path` may be a pattern."""
    connection = connection or duckdb_connection()
    source = "read_parquet('%s', hive_partitioning = %s)" % (path.replace("'", "''"), "true" if hive else "false")
    columns = connection.execute("DESCRIBE SELECT * FROM " + source).fetchall()
    # its times come to Python as datetimes, which have no nanoseconds; the greatest it takes for infinity
    wanted = [('CASE WHEN "%s" IS NOT NULL THEN coalesce(epoch_ns("%s"), 9223372036854775807) END' % (name, name))
              if "TIMESTAMP" in kind else '"%s"' % name for name, kind, *_ in columns]
    rows = connection.execute("SELECT %s FROM %s" % (", ".join(wanted), source)).fetchall()
    values = list(zip(*rows)) if rows else [()] * len(columns)
    return {column[0]: list(of_column) for column, of_column in zip(columns, values)}


def columns_of_arrow(table):
    import pyarrow
    values = {}
    for name, column in zip(table.column_names, table.columns):
        if pyarrow.types.is_timestamp(column.type):
            assert column.type.unit == "ns", column.type
            column = column.cast(pyarrow.int64())
        values[name] = column.to_pylist()
    return values


def by_pyarrow(path):
    import pyarrow.parquet
    return columns_of_arrow(pyarrow.parquet.ParquetFile(path).read(use_threads=False))


# --- Avro ---

def by_fastavro(path):
    import fastavro
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        names = [field["name"] for field in reader.writer_schema["fields"]]
        rows = list(reader)
    values = {name: [row[name] for row in rows] for name in names}
    for name in TIMES:
        if name in values and rows and not isinstance(rows[0][name], int):
            raise AssertionError("%s is %r, not timestamp-nanos" % (name, rows[0][name]))
    for name in UNSIGNED_64:  # Avro knows signed numbers alone: 64 bits are 64 bits
        if name in values:
            values[name] = [None if value is None else value & M64 for value in values[name]]
    return values


# --- JSON lines ---

def nanoseconds_of(text):
    """Of a time in RFC 3339 with nine digits and Z."""
    whole, fraction = text[:19], text[19:]
    assert len(fraction) == 11 and fraction[0] == "." and fraction[10] == "Z", text
    since = datetime.datetime.fromisoformat(whole) - datetime.datetime(1970, 1, 1)
    return (since.days * 86400 + since.seconds) * 10**9 + int(fraction[1:10])


def from_json(name, value, compressed):
    if name in TIMES:
        return nanoseconds_of(value)
    if name == "flow_id":
        assert len(value) == 16, value
        return int(value, 16)
    if name == "payload":
        import zstandard
        value = base64.b64decode(value, validate=True)
        return zstandard.ZstdDecompressor().decompress(value) if compressed else value
    return value


def open_text(path):
    """Of a file that may be compressed as a whole: by its first bytes."""
    with open(path, "rb") as file:
        begin = file.read(4)
    if begin[:2] == b"\x1f\x8b":
        return gzip.open(path, "rt", encoding="utf-8")
    if begin == b"\x28\xb5\x2f\xfd":
        import zstandard
        binary = zstandard.ZstdDecompressor().stream_reader(open(path, "rb"), read_across_frames=True, closefd=True)
        return io.TextIOWrapper(binary, encoding="utf-8")
    return open(path, encoding="utf-8")


def by_json(path, names, compressed=False):
    """`names`: the columns, in order: a line omits those without a value, and has no others."""
    values = {name: [] for name in names}
    with open_text(path) as file:
        for line in file:
            row = json.loads(line)
            for name in names:
                value = row.pop(name, None)
                values[name].append(None if value is None else from_json(name, value, compressed))
            assert not row, row
    return values


# --- what is said of them ---

def difference(one, other, names=None):
    """Where two tables first differ, in words; None where they are the same."""
    names = names or list(one)
    for name in names:
        if name not in one or name not in other:
            return "column %s is missing" % name
        if one[name] == other[name]:
            continue
        if len(one[name]) != len(other[name]):
            return "%d rows and %d" % (len(one[name]), len(other[name]))
        row = next(i for i, (a, b) in enumerate(zip(one[name], other[name])) if a != b)
        return "row %d, %s: %.200r and %.200r" % (row + 1, name, one[name][row], other[name][row])
    return None if set(one) == set(other) else "columns %s and %s" % (sorted(one), sorted(other))
