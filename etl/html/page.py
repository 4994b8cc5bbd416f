"""What all HTML pages share: the frame, the style, sortable tables, tiles, and escaping.

A page is one file without any request: its policy forbids them. It works without its script, which only sorts tables.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from urllib.parse import quote


class Safe(str):
    """Text that is HTML already, with all outside text escaped."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a whole, shown in per cent."""

    value: float | None


@dataclass(frozen=True, slots=True)
class Doi:
    """A DOI, shown as a link to its record."""

    name: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A highlighted word: complete, incomplete, error and so on."""

    word: str


Cell = Safe | Share | Doi | Badge | str | int | float | bool | None


def document(title: str, body: Iterable[str]) -> bytes:
    """Return a page as its file's bytes."""
    asset = files(__package__) / "assets"
    page = _PAGE.substitute(
        title=escape(title),
        style=(asset / "page.css").read_text("utf-8"),
        script=(asset / "sort.js").read_text("utf-8"),
        body="\n".join(filter(None, body)),
    )
    return page.encode("utf-8", "backslashreplace")


def sectioned(title: str, head: str, parts: Iterable[tuple[str, str, str]]) -> bytes:
    """Return a page of sections and links to them: an anchor, a title and content each; empty ones are left out."""
    shown = [(name, heading, body) for name, heading, body in parts if body]
    links = contents([(name, heading) for name, heading, _ in shown])
    return document(title, [head, links, *(section(name, heading, body) for name, heading, body in shown)])


def section(name: str, title: str, *parts: str, lead: str = "") -> Safe:
    """Return a section with a heading, or nothing if it has no content; `name` is its anchor."""
    body = "\n".join(filter(None, parts))
    if not body:
        return Safe("")
    opening = f"<p>{escape(lead)}</p>" if lead else ""
    return Safe(f'<section id="{escape(name)}"><h2>{escape(title)}</h2>{opening}{body}</section>')


def contents(sections: Sequence[tuple[str, str]]) -> Safe:
    """Return links to the sections of a page."""
    links = "".join(f'<li><a href="#{escape(name)}">{escape(title)}</a></li>' for name, title in sections)
    return Safe(f'<nav aria-label="Contents"><ul>{links}</ul></nav>') if links else Safe("")


def tiles(facts: Iterable[tuple[str, Cell, str]]) -> Safe:
    """Return the key numbers: label, value, and a note."""
    cells = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{text(value)}<small>{escape(note)}</small></dd></div>"
        for label, value, note in facts
    )
    return Safe(f'<dl class="tiles">{cells}</dl>')


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Safe:
    """Return a sortable table, or nothing if it is empty; the first cell of a row is its head."""
    cells = list(rows)
    if not cells:
        return Safe("")
    body = "".join(map(_row, cells))
    top = "".join(
        f'<th scope="col"{_number(cell)}>{escape(name)}</th>' for name, cell in zip(head, cells[0], strict=True)
    )
    return Safe(
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table><caption>{escape(caption)}'
        f"</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def details(summary: str, content: str, *, shown: bool = False, printed: bool = False) -> Safe:
    """Return folded content, or nothing if there is none; on paper it is open if it is `printed` or was open."""
    opened = " open" * shown + " data-printed" * printed
    return Safe(f"<details{opened}><summary>{escape(summary)}</summary>{content}</details>" if content else "")


def text(value: Cell) -> Safe:
    """Write a value for people, escaped."""
    if isinstance(value, Safe):
        return value
    if isinstance(value, Doi):
        return Safe(f'<a href="https://doi.org/{_address(value.name)}" rel="noreferrer">{escape(value.name)}</a>')
    if isinstance(value, Badge):
        return Safe(f'<span class="badge {_class(value.word)}">{escape(value.word)}</span>')
    return Safe(escape(_plain(value)))


def _row(row: Sequence[Cell]) -> str:
    first = f'<th scope="row"{_sort(row[0])}>{text(row[0])}</th>'
    rest = "".join(f"<td{_number(cell)}{_sort(cell)}>{text(cell)}</td>" for cell in row[1:])
    return f"<tr>{first}{rest}</tr>"


def _number(value: Cell) -> str:
    """Return the class that aligns numbers right."""
    numeric = isinstance(value, int | float | Share) and not isinstance(value, bool)
    return ' class="number"' if numeric else ""


def _sort(value: Cell) -> str:
    """Return the attribute that numbers are sorted by; text needs none."""
    if isinstance(value, Share):
        value = -1.0 if value.value is None else value.value
    return f' data-n="{value!r}"' if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _plain(value: Share | str | float | None) -> str:
    if value is None or (isinstance(value, Share) and value.value is None):
        return "–"
    if isinstance(value, Share):
        return percent(value.value or 0.0)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else value


def percent(share: float) -> str:
    """Write a share in per cent; only all is 100 %, and only nothing is 0 %."""
    if share in {0.0, 1.0}:
        return f"{share:.0%}".replace("%", " %")
    return f"{min(max(share * 100, 0.1), 99.9):.1f} %"


def _address(name: str) -> str:
    return quote(name, safe="/:;().,-_~")


def _class(word: str) -> str:
    return "".join(sign for sign in word.lower() if sign.isalnum() or sign == "-")


_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline';
 script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>$title</title>
<style>$style</style>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<main id="main">
$body
</main>
<script>$script</script>
</body>
</html>
""")
