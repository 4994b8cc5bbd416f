"""Draws the cost curves of docs/performance.md: `python -m tests.benchmarks.charts FIGURES.json docs/figures`.

The figures are what `python -m tests.benchmarks --json` wrote. Each chart is one line on two axes, written as SVG.
"""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

WIDTH, HEIGHT, LEFT, BOTTOM = 560, 300, 70, 40

Point = tuple[float, float]


def chart(title: str, across: str, points: Sequence[Point], *, log: bool) -> str:
    """Draw one line; `log` has powers of ten on both axes."""
    scaled = [(math.log10(x), math.log10(y)) if log else (x, y) for x, y in points]
    low = (min(x for x, _ in scaled), min(y for _, y in scaled) if log else 0.0)
    high = (max(x for x, _ in scaled), max(y for _, y in scaled) * (1 if log else 1.1))
    placed = [(_place(x, low[0], high[0], LEFT, WIDTH - 20), _down(y, low[1], high[1])) for x, y in scaled]
    dots = "".join(
        f'<circle cx="{at:.1f}" cy="{up:.1f}" r="3"/>'
        f'<text x="{at:.1f}" y="{up - 8:.1f}" text-anchor="middle">{y:,.4g}</text>'
        f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:,.0f}</text>'
        for (at, up), (x, y) in zip(placed, points, strict=True)
    )
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="11">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/><text x="{LEFT}" y="20" font-size="14">{title}</text>'
        f'<path d="M{LEFT},40V{HEIGHT - BOTTOM}H{WIDTH - 20}" fill="none" stroke="gray"/>'
        f'<polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="2"/>{dots}'
        f'<text x="{(LEFT + WIDTH) // 2}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text></svg>\n'
    )


def _place(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (end - start) * ((value - low) / (high - low) if high > low else 0.5) * 0.94 + 10


def _down(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return HEIGHT - BOTTOM - 10 - share * (HEIGHT - BOTTOM - 70)


def main(figures: Path, folder: Path) -> None:
    """Draw all figures."""
    found = json.loads(figures.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    if curve := found.get("memory", {}).get("curve"):
        for name, title, log in (
            ("cpu", "CPU seconds of an export", True),
            ("rss_mb", "Peak memory, MB", False),
            ("requests", "Requests", True),
        ):
            points = [(math.log10(one["records"]) if not log else one["records"], one[name]) for one in curve]
            across = "records" if log else "records, power of ten"
            (folder / f"{name}.svg").write_text(chart(title, across, points, log=log))
    if slow := found.get("latency", {}).get("one_slice"):
        points = [(one["milliseconds"], one["seconds"]) for one in slow]
        (folder / "latency.svg").write_text(chart("Seconds for one slice", "latency of a page, ms", points, log=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
