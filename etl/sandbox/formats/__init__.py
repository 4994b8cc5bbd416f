"""Records in other formats than JSON:API (api-notes 4.13): a record's attributes come in, bytes go out.

Nothing here knows requests; `v2/negotiation` chooses the format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from etl.sandbox.answer import Json
from etl.sandbox.formats import citations, kernel

Attributes = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How records are written in a media type: alone, or several as one document."""

    record: Callable[[Attributes], str]
    several: Callable[[Sequence[str]], str]
    header: str = ""

    def write(self, records: Sequence[Attributes], *, single: bool) -> bytes:
        """Write one record, or a list of them."""
        written = [self.record(record) for record in records]
        return (self.header + (written[0] if single else self.several(written))).encode("utf-8", "replace")


def _lines(written: Sequence[str]) -> str:
    return "\n".join(written)


def _array(written: Sequence[str]) -> str:
    return "[\n" + ",\n".join(written) + "\n]"


_XML = Format(record=kernel.document, several=_lines)
_CITEPROC = Format(record=citations.citeproc, several=_array)
_SCHEMA_ORG = Format(record=citations.schema_org, several=_array)
FORMATS: Mapping[str, Format] = {
    "application/vnd.datacite.datacite+xml": _XML,
    "application/x-datacite+xml": _XML,
    "application/vnd.datacite.datacite+json": Format(record=citations.datacite, several=_array),
    "application/vnd.schemaorg.ld+json": _SCHEMA_ORG,
    "application/ld+json": _SCHEMA_ORG,
    "application/vnd.citationstyles.csl+json": _CITEPROC,
    "application/citeproc+json": _CITEPROC,
    "application/x-bibtex": Format(record=citations.bibtex, several=_lines),
    "application/x-research-info-systems": Format(record=citations.ris, several="\n\n".join),
    "text/x-bibliography": Format(record=citations.text_citation, several="\n\n".join),
    "text/csv": Format(record=citations.csv_row, several="".join, header=citations.CSV_HEADER),
}
"""The formats by media type."""
