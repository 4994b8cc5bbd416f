"""Records as the API gives them, turned into the tables that the audit reads, without a file or a server."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from etl import resources
from etl.audit import findings
from etl.audit.scan import Scan, with_views
from etl.audit.words import Tables, rules
from etl.runs import in_memory

AS_OF = date(2026, 11, 21)
Json = Any


def doi(name: str = "10.1234/a", /, client: str | None = None, **attributes: Json) -> dict[str, Json]:
    """Return a record; a title and a creator are there unless given."""
    known = {"titles": [{"title": f"On {name}"}], "creators": [{"name": "Curie, Marie"}], **attributes}
    own: dict[str, Json] = {"id": name, "type": "dois", "attributes": known}
    if client:
        own["relationships"] = {"client": {"data": {"id": client, "type": "clients"}}}
    return own


def tables(records: Sequence[Mapping[str, Json]]) -> tuple[Scan, Tables]:
    """Return the tables of records, and what a scan of their files would know."""
    found = in_memory.tables(resources.load("dois"), [json.dumps(record).encode() for record in records])
    schemas = {name: dict(frame.schema) for name, frame in found.items()}
    scan = Scan(root="", files={}, schemas=schemas, as_of=AS_OF, options={})
    return scan, with_views({name: frame.lazy() for name, frame in found.items()}, AS_OF)


def broken(records: Sequence[Mapping[str, Json]]) -> dict[str, list[tuple[str, str]]]:
    """Return what each rule finds, as DOIs and values."""
    scan, known = tables(records)
    every = [*findings.place_findings(scan, known, rules()), *findings.dataset_findings(known, rules())]
    return {rule.id: sorted(rows.select("doi", "value").rows()) for rule, rows in every}
