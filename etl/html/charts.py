"""Charts as inline SVG: bars, columns and heat maps, with titles, axes, legends and a description for screen readers.

Layout is arithmetic on a fixed canvas. Colours are classes of the page's style, so that charts follow its light and
dark mode. A table with the numbers belongs next to each chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from etl.html.page import Safe, percent

WIDTH = 860
Box = tuple[float, float, float, float]
"""Left, top, width and height."""
_COLOURS = ("one", "two", "three", "four")
_LONG = 30
"""Characters of a bar's name above which the margin is wider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One horizontal bar: its name, its length from 0 to 1, the label at its end, and its series."""

    name: str
    share: float
    label: str
    series: int = 0


def figure(name: str, svg: str, caption: str, table: str = "") -> Safe:
    """Return a chart with its caption, and a folded table of its numbers."""
    numbers = f"<details><summary>Numbers of this chart</summary>{table}</details>" if table else ""
    return Safe(
        f'<figure id="{escape(name)}"><div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">{svg}'
        f"</div><figcaption>{escape(caption)}</figcaption>{numbers}</figure>"
    )


def bars(
    name: str,
    title: str,
    rows: Sequence[Bar],
    series: Sequence[str] = (),
    *,
    axis: str,
    colours: Sequence[str] = _COLOURS,
) -> str:
    """Draw horizontal bars over an axis from 0 to 100 %, or less if all are short."""
    left = 340 if max((len(bar.name) for bar in rows), default=0) > _LONG else 210
    right, top, step = 90, 34 + 22 * bool(series), 24
    width, height = WIDTH - left - right, top + step * len(rows) + 44
    end = next(limit for limit in (0.2, 0.4, 1.0) if limit >= max((bar.share for bar in rows), default=0) or limit == 1)
    parts = [_text(0, 16, title, "title"), *_legend(series, 36, colours)]
    for tick in range(5):
        x = left + width * tick / 4
        parts.append(_line(x, top, x, height - 40, "grid"))
        parts.append(_text(x, height - 24, f"{end * tick * 25:g} %", "soft", anchor="middle"))
    parts.append(_text(left + width / 2, height - 6, axis, "soft", anchor="middle"))
    for place, bar in enumerate(rows):
        y, length = top + step * place + 4, max(width * bar.share / end, 1 if bar.share else 0)
        parts.append(_text(left - 8, y + 12, _short(bar.name, 46), anchor="end"))
        parts.append(_box((left, y, length, step - 8), colours[bar.series], f"{bar.name}: {bar.label}"))
        parts.append(_text(left + length + 6, y + 12, bar.label))
    parts.append(_line(left, top, left, height - 40, "axis"))
    description = "; ".join(f"{bar.name} {bar.label}" for bar in rows)
    return _svg(name, title, description, height, parts)


def columns(
    name: str, title: str, labels: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], *, x: str, y: str
) -> str:
    """Draw a group of columns per label, one column per series."""
    left, top, height = 76, 76 if len(series) > 1 else 56, 340
    width, floor_y = WIDTH - left - 40, height - 52
    highest = _round_up(max((value for _, values in series for value in values), default=0))
    parts = [_text(0, 16, title, "title"), *_legend([label for label, _ in series], 36)]
    parts.append(_text(0, top - 16, y, "soft"))
    for tick in range(5):
        level = floor_y - (floor_y - top) * tick / 4
        parts.append(_line(left, level, WIDTH - 40, level, "axis" if not tick else "grid"))
        parts.append(_text(left - 8, level + 4, _amount(highest * tick / 4), "soft", anchor="end"))
    step = width / max(len(labels), 1)
    every = ceil(len(labels) * (8 * max(map(len, labels), default=4) + 12) / width) or 1
    for place, label in enumerate(labels):
        at = left + step * place
        if place % every == 0:
            parts.append(_text(at + step / 2, floor_y + 18, label, "soft", anchor="middle"))
        own = [(series_name, values[place]) for series_name, values in series]
        parts += _stand((at, top, step, floor_y - top), own, highest, label)
    parts.append(_text(left + width / 2, height - 8, x, "soft", anchor="middle"))
    description = "; ".join(
        f"{label}: " + ", ".join(f"{values[place]:,} {series_name}" for series_name, values in series)
        for place, label in enumerate(labels)
    )
    return _svg(name, title, description, height, parts)


def heat(
    name: str, title: str, rows: Sequence[str], heads: Sequence[str], values: Sequence[Sequence[float | None]]
) -> str:
    """Draw a grid of shares: each cell has its number, and a colour that is stronger for higher shares."""
    longest = min(max((len(head) for head in heads), default=0), 22)
    left, top, high = 170, 52 + 4 * longest, 24
    wide = min((WIDTH - left - 110) / max(len(heads), 1), 84)  # the slanted last head needs room
    height = top + high * len(rows) + 44
    parts = [_text(0, 16, title, "title")]
    for place, head in enumerate(heads):
        at = left + wide * (place + 0.5)
        slanted = f'transform="rotate(-38 {at:.1f} {top - 8})"'
        parts.append(f'<text x="{at:.1f}" y="{top - 8}" {slanted}>{escape(_short(head, 22))}</text>')
    for line, row in enumerate(rows):
        y = top + high * line
        parts.append(_text(left - 8, y + 16, _short(row, 24), anchor="end"))
        for place in range(len(heads)):
            parts += _cell((left + wide * place, y, wide, high), values[line][place], f"{row}, {heads[place]}")
    parts += _scale(left, height - 28)
    description = f"Shares of {len(rows)} properties in {len(heads)} columns; the table below has the numbers."
    return _svg(name, title, description, height, parts)


def _cell(box: Box, share: float | None, name: str) -> list[str]:
    x, y, wide, high = box
    if share is None:
        return [_text(x + wide / 2, y + 16, "–", "soft", anchor="middle")]
    label = f"{floor(share * 100)}" if share < 1 else "100"
    fill = f'<rect class="heat" fill-opacity="{_opacity(share):.2f}" x="{x:.1f}" y="{y}" width="{wide - 1:.1f}"'
    return [
        f'{fill} height="{high - 1}"><title>{escape(f"{name}: {percent(share)}")}</title></rect>',
        _text(x + wide / 2, y + 16, label, "strong" if _opacity(share) > 0.75 else "", anchor="middle"),
    ]


def _opacity(share: float) -> float:
    """Skip the middle, where neither dark nor light figures are legible."""
    return 0.04 + 0.36 * share if share < 0.9 else 0.85 + share / 10


def _scale(x: float, y: float) -> list[str]:
    """Draw the legend of a heat map."""
    parts = [_text(x, y + 12, "share in per cent:", "soft")]
    for place, share in enumerate((0.0, 0.25, 0.5, 0.75, 0.9, 1.0)):
        parts += _cell((x + 120 + 44 * place, y - 4, 44, 24), share, "legend")
    return parts


def _stand(spot: Box, values: Sequence[tuple[str, int]], highest: int, label: str) -> list[str]:
    """Draw the columns of one label in its box."""
    left, top, step, high = spot
    room = step * 0.8 / max(len(values), 1)
    rects = []
    for place, (name, value) in enumerate(values):
        tall = high * value / highest
        box = (left + step * 0.1 + room * place, top + high - tall, max(room - 0.5, 0.8), tall)
        rects.append(_box(box, _COLOURS[place % 4], f"{label}: {value:,} {name}"))
    return rects


def _legend(series: Sequence[str], y: float, colours: Sequence[str] = _COLOURS) -> list[str]:
    parts, x = [], 0.0
    for place, name in enumerate(series if len(series) > 1 else ()):
        parts += [_box((x, y - 10, 12, 12), colours[place], name), _text(x + 18, y, name, "soft")]
        x += 40 + 7 * len(name)
    return parts


def _svg(name: str, title: str, description: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {height}" aria-labelledby="{escape(name)}-t {escape(name)}-d">'
        f'<title id="{escape(name)}-t">{escape(title)}</title><desc id="{escape(name)}-d">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "") -> str:
    marks = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{marks}>{escape(text)}</text>'


def _line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'


def _box(box: Box, kind: str, title: str) -> str:
    x, y, width, height = box
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" {place}><title>{escape(title)}</title></rect>'


def _round_up(value: int) -> int:
    """Round up to an amount that is divisible by four."""
    if value <= 4:
        return 4
    scale = int(10 ** floor(log10(value)))
    steps = (round(scale * step / 10) for step in (10, 12, 16, 20, 24, 32, 40, 60, 80, 100, 120))
    return next(step for step in steps if step >= value and step % 4 == 0)


def _amount(value: float) -> str:
    for size, sign in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g} {sign}"
    return f"{value:g}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
