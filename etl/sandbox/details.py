"""The details of a generated record besides its template: links to other records, media and XML."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import polars as pl

from etl.sandbox.answer import Json
from etl.sandbox.content.organisations import Roster
from etl.sandbox.formats import kernel
from etl.sandbox.pool import MadePool

_COUNTS = {
    "references": "referenceCount",
    "citations": "citationCount",
    "parts": "partCount",
    "partOf": "partOfCount",
    "versions": "versionCount",
    "versionOf": "versionOfCount",
}
_MEDIA_MOMENT = "2019-01-01T00:00:00.000Z"


class Details:
    """Derives the details of records from their serial; `linked` are the DOIs that records may refer to."""

    def __init__(self, pool: MadePool, roster: Roster, linked: pl.Series) -> None:
        # Mutable: the XML of templates without the DOI, written on first use.
        self._bodies: dict[int, str] = {}
        self._pool = pool
        self._roster = roster
        self._linked = linked

    def relationships(self, row: Mapping[str, Json], names: Sequence[str]) -> dict[str, Json]:
        """Return the named relationships of a row of the index."""
        return {name: {"data": self._data(row, name)} for name in names}

    def _data(self, row: Mapping[str, Json], name: str) -> Json:
        if name == "client":
            return {"id": self._roster.client_ids[row["client"]], "type": "clients"}
        if name == "provider":
            return {"id": self._roster.providers_of_clients[row["client"]], "type": "providers"}
        if name == "media":
            return [{"id": entry["id"], "type": "media"} for entry in self.media(row)]
        count = self._pool.attributes(row["template"]).get(_COUNTS[name], 0)
        return [
            {"id": uid, "type": "dois"} for uid in self._others(row["serial"], 2 + list(_COUNTS).index(name), count)
        ]

    def _others(self, serial: int, turn: int, count: int) -> list[str]:
        start = serial * 7919 + turn * 104_729
        rows = dict.fromkeys((start + 15_485_863 * step) % len(self._linked) for step in range(count))
        return [str(self._linked[row]) for row in rows]

    def media(self, row: Mapping[str, Json]) -> list[Json]:
        """Return the media resource objects of a row."""
        return [
            {
                "id": f"{row['serial'] // 10_000:04d}-{row['serial'] % 10_000:04d}-{turn:02d}rs",
                "type": "media",
                "attributes": {
                    "version": 0,
                    "mediaType": kind,
                    "url": f"https://files.example.org/{row['uid']}/{turn}",
                    "created": _MEDIA_MOMENT,
                    "updated": _MEDIA_MOMENT,
                },
                "relationships": {"doi": {"data": {"id": row["uid"], "type": "dois"}}},
            }
            for turn, kind in enumerate(self._pool.media_types(row["template"]))
        ]

    def xml(self, row: Mapping[str, Json]) -> str:
        """Write the kernel-4 XML of a row, in base64."""
        number = row["template"]
        body = self._bodies.get(number)
        if body is None:
            body = self._bodies[number] = kernel.body(self._pool.attributes(number))
        return base64.b64encode(kernel.whole(row["uid"], body).encode()).decode()
