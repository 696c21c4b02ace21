# SPDX-License-Identifier: Apache-2.0
"""A kept result as an SVG chart: for each comparison a bar from 1 (the peer's time) to capmill's share of it."""
import math
from xml.sax.saxutils import escape

from . import report

WIDTH = 980
LABEL_RIGHT = 270   # labels end here
PLOT_LEFT = 290
PLOT_RIGHT = 690
TEXT_LEFT = 706     # times and marks
ROW = 26
BAR = 16
GROUP_GAP = 14
TITLE = 30

INK = "#1f2328"
FAINT = "#656d76"
GRID = "#d8dee4"
MET = "#2da44e"
NO_MARK = "#6e9fd4"
MISSED = "#d4763b"
STYLE = ("text{font-family:'DejaVu Sans',Verdana,Helvetica,Arial,sans-serif;font-size:12px;fill:" + INK + "}"
         ".group{font-weight:bold;font-size:13px;paint-order:stroke;stroke:#ffffff;stroke-width:5px}.faint{fill:" + FAINT + ";font-size:11px}"
         ".title{font-size:16px;font-weight:bold}.end{text-anchor:end}.middle{text-anchor:middle}")


def text(x, y, content, classes=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{escape(content)}</text>'


class Scale:
    """Logarithmic, from a power of ten (or its double, or five times it) below everything to one above."""

    def __init__(self, values):
        steps = [factor * 10 ** power for power in range(-4, 4) for factor in (1, 2, 5)]
        self.low = max(step for step in steps if step <= min(values) * 0.9)
        self.high = min(step for step in steps if step >= max(values) * 1.1)
        self.ticks = [step for step in steps if self.low <= step <= self.high]
        if len(self.ticks) > 9:
            self.ticks = [step for step in self.ticks if abs(math.log10(step) - round(math.log10(step))) < 1e-9]

    def x(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT)


def tick_text(value):
    if value == 1:
        return "1"
    return f"{value:g} ×" if value > 1 else f"1/{1 / value:g}"


def bar(y, row, result, scale):
    """One comparison: its name, the bar, the mark as a line across it, and the times."""
    middle = y + ROW / 2
    parts = [text(LABEL_RIGHT, middle + 4, row["against"], "end")]
    if row.get("absent"):
        parts.append(text(PLOT_LEFT + 4, middle + 4, "not installed", "faint"))
        return parts
    walls = {run["name"]: run["wall_s"]["median"] for run in result["runs"]}
    ratio = row["ratio_of_medians"]
    colour = NO_MARK if row["mark"] is None else (MET if row["met"] else MISSED)
    left, right = sorted((scale.x(1), scale.x(ratio)))
    parts.append(f'<rect x="{left:.1f}" y="{middle - BAR / 2:.1f}" width="{max(right - left, 1.5):.1f}" height="{BAR}" '
                 f'fill="{colour}"/>')
    if row["mark"] is not None:
        at = scale.x(row["mark"]["ratio_at_most"])
        parts.append(f'<path d="M{at:.1f} {y + 2}V{y + ROW - 2}" stroke="{INK}" stroke-width="2"/>')
    times = f"{report.faster_text(ratio)}: {report.seconds(walls['capmill'])} against {report.seconds(walls[row['against']])}"
    parts.append(text(TEXT_LEFT, middle + 4, times))
    return parts


def draw(results):
    rows = [(result, row) for result in results["workloads"] for row in result["comparisons"]]
    values = [1.0]
    for _, row in rows:
        if not row.get("absent"):
            values.append(row["ratio_of_medians"])
            if row["mark"] is not None:
                values.append(row["mark"]["ratio_at_most"])
    scale = Scale(values)
    body = []
    y = 84
    top = y
    for result in results["workloads"]:
        body.append(text(20, y + 17, result["title"], "group"))
        y += TITLE - 4
        for row in result["comparisons"]:
            body += bar(y, row, result, scale)
            y += ROW
        y += GROUP_GAP
    bottom = y - GROUP_GAP + 4

    grid = []
    for tick in scale.ticks:
        at = scale.x(tick)
        colour, width = (INK, 1.2) if tick == 1 else (GRID, 1)
        grid.append(f'<path d="M{at:.1f} {top}V{bottom}" stroke="{colour}" stroke-width="{width}"/>')
        grid.append(text(at, bottom + 16, tick_text(tick), "middle faint"))
    height = bottom + 96
    legend = []
    x = 20
    for colour, meaning in ((MET, "mark met"), (MISSED, "mark not met"), (NO_MARK, "no mark set")):
        legend.append(f'<rect x="{x}" y="{bottom + 50}" width="14" height="14" fill="{colour}"/>')
        legend.append(text(x + 20, bottom + 61, meaning))
        x += 130
    legend.append(f'<path d="M{x + 7} {bottom + 48}v18" stroke="{INK}" stroke-width="2"/>')
    legend.append(text(x + 20, bottom + 61, "the mark"))
    legend.append(text(20, bottom + 84, f"{report.machine_line(results)}. {results['date'][:10]}"
                       + (". Quick run on 64 MiB." if results["quick"] else ""), "faint"))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-label="capmill beside other tools">',
        f"<style>{STYLE}</style>", f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        text(20, 30, "capmill beside other tools", "title"),
        text(20, 52, "Bars: capmill's time as a share of the other tool's, medians; to the left is faster. Logarithmic.",
             "faint"),
        *grid, *body,
        text((PLOT_LEFT + PLOT_RIGHT) / 2, bottom + 34, "capmill's time ÷ the other tool's", "middle faint"),
        *legend, "</svg>", ""])
