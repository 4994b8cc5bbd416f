"""Charts as pictures that can be read: whole numbers on axes, nothing outside the canvas, a text for every picture."""

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from etl.html.charts import WIDTH, Bar, bars, columns, heat

SHARES = st.floats(0, 1)
NAMES = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60)


def shapes(svg: str) -> ElementTree.Element:
    """Parse a chart; invalid XML fails."""
    return ElementTree.fromstring(svg)


def inside(svg: ElementTree.Element) -> bool:
    """Return whether all rectangles are on the canvas."""
    height = float(svg.attrib["viewBox"].split()[3])
    for box in svg.iter("rect"):
        x, y, wide, high = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        if not (x >= 0 and y >= 0 and x + wide <= WIDTH + 1 and y + high <= height + 1 and wide >= 0 and high >= 0):
            return False
    return True


@given(st.lists(st.tuples(NAMES, SHARES), min_size=1, max_size=30))
def test_bars_are_as_long_as_their_shares(rows: list[tuple[str, float]]) -> None:
    """Lengths are in proportion, whatever the names; the picture has a title and a description."""
    svg = shapes(bars("b", "Title", [Bar(name=n, share=s, label=f"{s:.0%}") for n, s in rows], axis="share"))
    assert inside(svg)
    assert svg.find("title").text == "Title"  # type: ignore[union-attr]
    boxes = [float(box.attrib["width"]) for box in svg.iter("rect") if box.attrib["class"] == "one"]
    longest = max(s for _, s in rows)
    for (_, share), length in zip(rows, boxes, strict=True):
        if longest > 0.01 and share > 0.01:
            assert abs(length / max(boxes) - share / longest) < 0.05


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_columns_stand_on_an_axis_of_whole_numbers(values: list[int]) -> None:
    """Ticks are whole, the highest is not below the highest column, and nothing leaves the canvas."""
    labels = [str(2000 + place) for place in range(len(values))]
    svg = shapes(columns("c", "Title", labels, [("records", values)], x="year", y="records"))
    assert inside(svg)
    scale = {"k": 1000, "M": 1_000_000}
    ticks = [t.text or "" for t in svg.iter("text") if t.attrib.get("text-anchor") == "end"]
    numbers = [float(text.split()[0]) * scale.get(text.partition(" ")[2], 1) for text in ticks]
    assert all(number == int(number) for number in numbers)
    assert max(numbers) >= max(values) * 0.999


@given(st.lists(st.lists(st.none() | SHARES, min_size=3, max_size=3), min_size=1, max_size=20))
def test_a_heat_map_writes_the_number_into_each_cell(values: list[list[float | None]]) -> None:
    """Every cell has its figure; what is not known is a dash; only what is whole says 100."""
    svg = shapes(heat("h", "Title", [f"row {n}" for n in range(len(values))], ["a", "b", "c"], values))
    assert inside(svg)
    figures = [t.text for t in svg.iter("text") if re.fullmatch(r"\d+|–", t.text or "")]
    expected = ["–" if share is None else str(int(share * 100)) for row in values for share in row]
    assert figures[: len(expected)] == expected


def test_a_chart_of_nothing_is_a_chart() -> None:
    """Zeros only, or no rows at all, draw an empty axis."""
    assert shapes(columns("c", "Title", ["2020"], [("records", [0])], x="year", y="records")) is not None
    assert shapes(bars("b", "Title", [], axis="share")) is not None
