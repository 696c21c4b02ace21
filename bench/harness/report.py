# SPDX-License-Identifier: Apache-2.0
"""A kept result as Markdown, and that Markdown into a file between its markers."""

BEGIN = "<!-- bench:begin -->"
END = "<!-- bench:end -->"


def seconds(value):
    if value < 0.01:
        return f"{value * 1000:.1f} ms"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def spread(summary):
    return f"{seconds(summary['median'])} ({seconds(summary['min'])}–{seconds(summary['max'])})"


def mebibytes(n_bytes):
    return f"{n_bytes / (1 << 20):.1f} MiB" if n_bytes < 10 << 20 else f"{n_bytes / (1 << 20):.0f} MiB"


def ratio_text(ratio):
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"


def faster_text(ratio):
    return f"{1 / ratio:.1f} × faster" if ratio < 1 else f"{ratio:.2f} × its time"


def machine_line(results):
    machine = results["machine"]
    memory = f", {machine['memory_bytes'] / (1 << 30):.0f} GiB" if machine.get("memory_bytes") else ""
    cores = f"{machine['cores']} core{'s' if machine['cores'] != 1 else ''}"
    return f"{machine['cpu']}, {cores}{memory}; {machine.get('system') or ''}, {machine['kernel']}"


def versions_line(results):
    known = {name: text for name, text in results["versions"].items() if text and name != "commit"}
    commit = results["versions"].get("commit")
    shown = [f"{text} ({commit})" if name == "capmill" and commit else text.split(" (Git")[0].rstrip(".")
             for name, text in known.items() if name in ("capmill", "capinfos", "tcpdump", "tcprewrite", "pcap-toolkit", "cp")]
    return "; ".join(shown)


def workload_rows(result):
    runs = {run["name"]: run for run in result["runs"]}
    ours = runs["capmill"]
    for row in result["comparisons"]:
        mark = row["mark"]["text"] if row["mark"] else ""
        if row.get("absent"):
            yield [result["title"], row["against"], "", "absent", "", "", mark]
            continue
        theirs = runs[row["against"]]
        verdict = "" if row["mark"] is None else ("met: " if row["met"] else "**not met**: ") + mark
        yield [result["title"], row["against"], spread(ours["wall_s"]), spread(theirs["wall_s"]),
               f"{ratio_text(row['ratio_of_medians'])} ({ratio_text(row['median_of_pair_ratios'])})",
               faster_text(row["ratio_of_medians"]), verdict]


def cost_rows(result):
    for run in result["runs"]:
        yield [result["title"], run["name"], seconds(run["wall_s"]["median"]), seconds(run["cpu_s"]["median"]),
               mebibytes(run["peak_bytes"]), f"{result['input_bytes'] / run['wall_s']['median'] / 1e9:.2f} GB/s"]


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    last = None
    for row in rows:
        # the title once per group
        cells = ["" if row[0] == last else row[0]] + list(row[1:])
        last = row[0]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def markdown(results):
    if not results["workloads"] and not results.get("ring") and not results.get("tables"):
        return "Nothing was measured."
    lines = [
        f"{machine_line(results)}. {versions_line(results)}. {results['date'][:10]}, {results['rounds']} round{'s' if results['rounds'] != 1 else ''}, input in "
        f"page cache, output in {results['work_filesystem']}" +
        (", **quick run on 64 MiB: not for comparisons**." if results["quick"] else "."),
        "",
    ]
    if results["workloads"]:
        lines += workload_tables(results)
    if results.get("tables"):
        lines += table_costs(results["tables"])
    if results.get("ring"):
        lines += ring_table(results["ring"])
    return "\n".join(lines).rstrip()


def workload_tables(results):
    lines = table(["Work", "Against", "capmill: median (min–max)", "peer: median (min–max)",
                    "ratio of medians (median of pairs)", "that is", "mark"],
                   (row for result in results["workloads"] for row in workload_rows(result)))
    lines += ["", "What each run cost:", ""]
    lines += table(["Work", "Program", "wall", "user + system", "peak memory", "of input"],
                   (row for result in results["workloads"] for row in cost_rows(result)))
    return lines + [""]


def table_costs(tables):
    """Rows: formats and codecs. Rates are of capture, not of what is written, and of processor time, user and system, which
    others on the machine change little."""
    lines = [f"Tables, on one core (`--threads 1`): megabytes of capture per second of processor time, and what is written per "
             f"byte of it; {tables['input_bytes'] >> 20} MiB of {tables['packets']:,} packets, medians of {tables['rounds']} runs:", ""]
    rows = {}
    for row in tables["rows"]:
        rate = tables["input_bytes"] / row["cpu_s"]["median"] / 1e6
        cell = f"{rate:.0f} MB/s, {row['bytes_written'] / tables['input_bytes']:.2f}"
        rows.setdefault((row["format"], row["codec"]), {})[row["columns"]] = cell
    columns = list(dict.fromkeys(row["columns"] for row in tables["rows"]))
    return lines + table(["Format", "Codec"] + columns,
                         ([*key] + [cells.get(name, "") for name in columns] for key, cells in rows.items())) + [""]


def ring_table(ring):
    lines = [f"Rings between two threads, {ring['capacity']} places, nanoseconds per item, median (min–max) of "
             f"{ring['runs']} runs of {ring['items']:,} items:", ""]
    bursts = sorted({row["burst"] for row in ring["rows"]})
    by_ring = {}
    for row in ring["rows"]:
        ns = row["ns_per_item"]
        by_ring.setdefault(row["ring"], {})[row["burst"]] = f"{ns['median']:.1f} ({ns['min']:.1f}–{ns['max']:.1f})"
    return lines + table(["Ring"] + [f"bursts of {burst}" for burst in bursts],
                         ([name] + [cells.get(burst, "") for burst in bursts] for name, cells in by_ring.items()))


def insert(path, results):
    """Replace what stands between the markers in a file; the rest stays as it is."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"bench/run: {path}: no {BEGIN} and {END}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{head}{BEGIN}\n\n{markdown(results)}\n\n{END}{tail}")
