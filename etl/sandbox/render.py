"""Render rows of the index as the bytes of resource objects, in any view.

A generated record is head + template body + tail: the body is encoded and deflated once per view; polars writes heads
and tails for a whole page. Odd and given records are written one by one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import msgspec
import polars as pl

from etl.sandbox.answer import Json, dump
from etl.sandbox.content.oddities import Change
from etl.sandbox.content.organisations import Roster
from etl.sandbox.details import Details
from etl.sandbox.pool import GivenPool, MadePool
from etl.sandbox.stitched import Part, Stitched, part
from etl.sandbox.views import View, cut

Piece = bytes | Part
_VIEWS_KEPT = 12
_HEAD = ("doi", "prefix", "suffix")


class Renderer(Protocol):
    """Writes the records of index rows as pieces, including the commas between them."""

    def pieces(self, rows: pl.DataFrame, view: View) -> list[Piece]: ...

    def media(self, rows: pl.DataFrame) -> list[Json]: ...


class MadeRenderer:
    """Writes generated records; `linked` are the DOIs that they may refer to."""

    def __init__(self, pool: MadePool, roster: Roster, linked: pl.Series) -> None:
        # Mutable: encoded template bodies by view, the least recently used view forgotten first.
        self._pool = pool
        self._roster = roster
        self._details = Details(pool, roster, linked)
        self._bodies: OrderedDict[View, dict[int, Part]] = OrderedDict()
        self._lock = threading.Lock()

    def pieces(self, rows: pl.DataFrame, view: View) -> list[Piece]:
        """Return a page of records as pieces."""
        heads, tails = self._ends(rows, view)
        bodies = self._bodies_of(view)
        made: list[Piece] = []
        behind = ""
        for number, head, tail in zip(rows["template"].to_list(), heads, tails, strict=True):
            body = bodies.get(number) or self._body(bodies, number, view)
            change = self._pool.on_resource(number) if number >= self._pool.usual else None
            if change is None:
                made += (behind + head).encode(), body
                behind = tail + ","
            else:
                made.append(behind.encode() + _changed(head.encode() + body.plain + tail.encode(), change))
                behind = ","
        made.append(behind.removesuffix(",").encode())
        return made

    def media(self, rows: pl.DataFrame) -> list[Json]:
        """Return the media resource objects of records."""
        return [medium for row in rows.to_dicts() for medium in self._details.media(row)]

    def _bodies_of(self, view: View) -> dict[int, Part]:
        with self._lock:
            bodies = self._bodies.setdefault(view, {})
            self._bodies.move_to_end(view)
            while len(self._bodies) > _VIEWS_KEPT:
                self._bodies.popitem(last=False)
            return bodies

    def _body(self, bodies: dict[int, Part], number: int, view: View) -> Part:
        """Encode a body with the comma that its neighbours need: after it if a tail follows, otherwise before it."""
        shown = dump(cut(self._pool.attributes(number), view))[1:-1]
        before = b"," if shown and not _tail_names(view) and _head_names(view) else b""
        after = b"," if shown and _tail_names(view) else b""
        body = bodies[number] = part(before + shown + after)
        return body

    def _ends(self, rows: pl.DataFrame, view: View) -> tuple[list[str], list[str]]:
        heads = _members(_head_names(view))
        if heads and _tail_names(view):
            heads.append(pl.lit(","))
        start = [pl.lit('{"id":"'), pl.col("uid"), pl.lit('","type":"dois","attributes":{')]
        tails = _members([name for name in _tail_names(view) if name != "xml"])
        ends = rows.select(head=pl.concat_str(start + heads), tail=pl.concat_str([pl.lit(""), *tails]))
        return ends["head"].to_list(), self._finished(rows, view, ends["tail"].to_list())

    def _finished(self, rows: pl.DataFrame, view: View, tails: list[str]) -> list[str]:
        if "xml" in _tail_names(view):
            written = [f'"xml":"{self._details.xml(row)}"' for row in rows.to_dicts()]
            tails = [f"{xml},{tail}" if tail else xml for xml, tail in zip(written, tails, strict=True)]
        links = self._links(rows, view)
        return [f'{tail}}},"relationships":{link}}}' for tail, link in zip(tails, links, strict=True)]

    def _links(self, rows: pl.DataFrame, view: View) -> list[str]:
        names = view.relationships()
        if not names:
            return ["{}"] * len(rows)
        if names != ("client",):
            return [dump(self._details.relationships(row, names)).decode() for row in rows.to_dicts()]
        ids = self._roster.client_ids
        return [
            f'{{"client":{{"data":{{"id":"{ids[number]}","type":"clients"}}}}}}' for number in rows["client"].to_list()
        ]


def _head_names(view: View) -> list[str]:
    return [name for name in _HEAD if view.shows(name) and (view.detail or name == "doi")]


def _tail_names(view: View) -> list[str]:
    names = [name for name in _columns() if name not in _HEAD]
    return [name for name in ([*names, "xml"] if view.detail else names) if view.shows(name)]


def _members(names: Sequence[str]) -> list[pl.Expr]:
    """Return the expressions that write attributes as `"name":value`, commas between them."""
    columns = _columns()
    written: list[pl.Expr] = []
    for turn, name in enumerate(names):
        written += pl.lit(f'{"," if turn else ""}"{name}":'), columns[name]
    return written


def _columns() -> dict[str, pl.Expr]:
    quote, uid = pl.lit('"'), pl.col("uid")
    return {
        "doi": pl.concat_str(quote, uid, quote),
        "prefix": pl.concat_str(quote, uid.str.extract("^([^/]+)/"), quote),
        "suffix": pl.concat_str(quote, uid.str.extract("^[^/]+/(.*)$"), quote),
        "url": pl.concat_str(pl.lit('"https://data.example.org/doi/'), uid, quote),
        "metadataVersion": pl.col("version").cast(pl.String),
        "state": pl.when("findable").then(pl.lit('"findable"')).otherwise(pl.lit('"registered"')),
        **{name: _stamp(name) for name in ("created", "registered", "updated")},
    }


def _stamp(name: str) -> pl.Expr:
    return pl.from_epoch(name, time_unit="ms").dt.strftime('"%Y-%m-%dT%H:%M:%SZ"').fill_null("null")


def _changed(encoded: bytes, change: Change) -> bytes:
    resource = msgspec.json.decode(encoded)
    change(resource)
    return dump(resource)


class GivenRenderer:
    """Writes given records unchanged, except for sparse fieldsets."""

    def __init__(self, pool: GivenPool) -> None:
        # Mutable: encoded records, by number.
        self._pool = pool
        self._encoded: dict[int, bytes] = {}

    def pieces(self, rows: pl.DataFrame, view: View) -> list[Piece]:
        """Return a page of records as pieces."""
        return [b",".join([self._record(number, view) for number in rows["template"].to_list()])]

    def _record(self, number: int, view: View) -> bytes:
        if view.fields is not None:
            return dump(_filtered(self._pool.resources[number], view))
        known = self._encoded.get(number)
        if known is None:
            known = self._encoded[number] = dump(self._pool.resources[number])
        return known

    def media(self, rows: pl.DataFrame) -> list[Json]:
        """Return nothing: given records come with their media."""
        del rows
        return []


def _filtered(resource: Json, view: View) -> Json:
    shown = {
        group: {name: value for name, value in (resource.get(group) or {}).items() if view.shows(name)}
        for group in ("attributes", "relationships")
    }
    return {**resource, **shown}


def whole(pieces: Sequence[Piece]) -> Json:
    """Read one record back from its pieces."""
    return msgspec.json.decode(Stitched(pieces).plain())
