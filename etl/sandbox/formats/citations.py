"""Records as BibTeX, RIS, CSL JSON, schema.org, DataCite JSON, CSV and text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

from etl.sandbox.answer import Json, dump
from etl.sandbox.formats.bibliography import Attributes, Bibliography, bibliography, text

CSV_HEADER = "doi,url,registered,state,resourceTypeGeneral,resourceType,title,author,publisher,publicationYear\n"
_DATACITE = str.split(
    "doi url types creators titles publisher container subjects contributors dates publicationYear language "
    "identifiers sizes formats version rightsList descriptions geoLocations fundingReferences relatedIdentifiers "
    "relatedItems schemaVersion state"
)


def bibtex(attributes: Attributes) -> str:
    """Write an entry whose key is the address of the DOI."""
    work = bibliography(attributes)
    fields = {
        "doi": work.doi.upper(),
        "url": work.url,
        "author": _authors(work),
        "keywords": ", ".join(work.subjects),
        "language": work.language,
        "title": work.title,
        "publisher": work.publisher,
        "year": work.year,
        "copyright": work.rights,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{work.types.get('bibtex') or 'misc'}{{https://doi.org/{work.doi},\n{lines}\n}}\n"


def ris(attributes: Attributes) -> str:
    """Write a reference, one tag per line."""
    work = bibliography(attributes)
    tags = [
        ("TY", work.types.get("ris") or "GEN"),
        ("T1", work.title),
        *(("AU", _author(person).strip("{}")) for person in work.people),
        ("DO", work.doi),
        ("UR", work.url),
        ("AB", work.description),
        *(("KW", subject) for subject in work.subjects),
        ("PY", work.year),
        ("PB", work.publisher),
        ("LA", work.language),
    ]
    lines = [f"{tag}  - {value}" for tag, value in tags if value]
    return "\r\n".join([*lines, "ER  - "])


def citeproc(attributes: Attributes) -> str:
    """Write an item of the Citation Style Language."""
    work = bibliography(attributes)
    return _json(
        {
            "type": work.types.get("citeproc") or "article",
            "id": f"https://doi.org/{work.doi}",
            "categories": list(work.subjects),
            "language": work.language,
            "author": [_csl_name(person) for person in work.people],
            "issued": {"date-parts": [[int(work.year)]]} if work.year.isdecimal() else {},
            "abstract": work.description,
            "DOI": work.doi.upper(),
            "URL": work.url,
            "copyright": work.rights,
            "publisher": work.publisher,
            "title": work.title,
        }
    )


def schema_org(attributes: Attributes) -> str:
    """Write a JSON-LD object."""
    work = bibliography(attributes)
    return _json(
        {
            "@context": "http://schema.org",
            "@type": work.types.get("schemaOrg") or "CreativeWork",
            "@id": f"https://doi.org/{work.doi}",
            "url": work.url,
            "name": work.title,
            "author": [_schema_org_name(person) for person in work.people],
            "description": work.description,
            "keywords": ", ".join(work.subjects),
            "inLanguage": work.language,
            "datePublished": work.year,
            "schemaVersion": text(attributes.get("schemaVersion")),
            "publisher": {"@type": "Organization", "name": work.publisher} if work.publisher else {},
            "provider": {"@type": "Organization", "name": "datacite"},
        }
    )


def datacite(attributes: Attributes) -> str:
    """Write the record's own properties, with the address of the DOI as id."""
    held = {name: attributes[name] for name in _DATACITE if attributes.get(name) not in (None, "")}
    address = f"https://doi.org/{text(attributes.get('doi')).lower()}"
    return _json({"id": address, **held, "agency": "datacite"})


def text_citation(attributes: Attributes) -> str:
    """Write a citation for readers."""
    work = bibliography(attributes)
    names = ", ".join(_author(person).strip("{}") for person in work.people)
    return f"{names} ({work.year}). {work.title}. {work.publisher}. https://doi.org/{work.doi}".strip()


def csv_row(attributes: Attributes) -> str:
    """Write a line under `CSV_HEADER`."""
    work = bibliography(attributes)
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(
        (
            work.doi,
            work.url,
            work.registered,
            work.state,
            work.types.get("resourceTypeGeneral"),
            work.types.get("resourceType"),
            work.title,
            _authors(work),
            work.publisher,
            work.year,
        )
    )
    return line.getvalue()


def _json(value: Mapping[str, Json]) -> str:
    shown = {name: held for name, held in value.items() if held not in ("", [], {})}
    return json.dumps(json.loads(dump(shown)), indent=2, ensure_ascii=False)


def _authors(work: Bibliography) -> str:
    return " and ".join(_author(person) for person in work.people)


def _author(person: Mapping[str, Json]) -> str:
    """Write a person as family and given name, anybody else in braces."""
    family, given = text(person.get("familyName")), text(person.get("givenName"))
    return f"{family}, {given}".removesuffix(", ") if family else f"{{{text(person.get('name'))}}}"


def _csl_name(person: Mapping[str, Json]) -> dict[str, str]:
    family, given = text(person.get("familyName")), text(person.get("givenName"))
    return {"family": family, "given": given} if family else {"literal": text(person.get("name"))}


def _schema_org_name(person: Mapping[str, Json]) -> dict[str, str]:
    kind = "Organization" if person.get("nameType") == "Organizational" else "Person"
    parts = {name: text(person.get(name)) for name in ("name", "givenName", "familyName")}
    return {"@type": kind} | {name: part for name, part in parts.items() if part}
