"""Record templates: everything of a generated record except what differs from record to record.

A template holds all attributes of the detail view except doi, prefix, suffix, url, xml, metadataVersion, created,
registered and updated, which are spliced in when a record is served. `affiliation` and `publisher` are kept in their
object forms. `index` assigns templates to records.
"""

from __future__ import annotations

from random import Random

from etl.sandbox.answer import Json
from etl.sandbox.content import vocabulary as words
from etl.sandbox.content.dice import dice
from etl.sandbox.content.metrics import metrics
from etl.sandbox.content.people import contributors, creators

HEAVY_EVERY = 500
FIRST_YEAR, LAST_YEAR = 2011, 2026


def years(count: int) -> list[int]:
    """Return the publication year of each template, in ascending order, so that records can use past years."""
    old = max(1, count // 20)
    span = LAST_YEAR - FIRST_YEAR + 1
    recent = [FIRST_YEAR + (number * span) // (count - old or 1) for number in range(count - old)]
    return [1850 + (number * 160) // old for number in range(old)] + recent


def template(seed: int, number: int, year: int) -> dict[str, Json]:
    """Make the attributes of one template."""
    chance = dice(seed, "template", number)
    if number % HEAVY_EVERY == HEAVY_EVERY // 2:
        return _attributes(chance, year, people=chance.randrange(300, 500))
    if chance.random() < 0.12:
        return {**_sparse(chance, year), **metrics(chance, year, quiet=True)}
    return _attributes(chance, year, people=1 + int(6 * chance.random() ** 2 * 2))


def _sparse(chance: Random, year: int) -> dict[str, Json]:
    empty = ("subjects", "contributors", "relatedIdentifiers", "relatedItems", "sizes", "formats", "rightsList")
    return {
        **_bibliography(chance, year, people=1),
        **{name: [] for name in (*empty, "descriptions", "geoLocations", "fundingReferences")},
        "dates": [{"date": str(year), "dateType": "Issued"}],
        "language": None,
        "types": _types(chance),
        "version": None,
        **_provenance(chance, year),
    }


def _attributes(chance: Random, year: int, *, people: int) -> dict[str, Json]:
    return {
        **_bibliography(chance, year, people=people),
        "subjects": _subjects(chance),
        "contributors": contributors(chance, chance.randrange(4)),
        "dates": _dates(chance, year),
        "language": chance.choice(words.LANGUAGES),
        "types": _types(chance),
        "relatedIdentifiers": [_related(chance) for _ in range(chance.randrange(1, 6))],
        "relatedItems": [_related_item(chance, year)] if chance.random() < 0.1 else [],
        "sizes": [f"{chance.randrange(1, 900)} MB"] if chance.random() < 0.5 else [],
        "formats": chance.sample(["text/csv", "application/dicom", "application/zip", "image/tiff"], 2),
        "version": chance.choice((None, "1.0", "1", "v2.1", "2019-03")),
        "rightsList": [_rights(chance)] if chance.random() < 0.8 else [],
        "descriptions": _descriptions(chance),
        "geoLocations": [_geo(chance)] if chance.random() < 0.35 else [],
        "fundingReferences": [_funding(chance) for _ in range(chance.choice((0, 1, 1, 2)))],
        **_provenance(chance, year),
        **metrics(chance, year),
    }


def _bibliography(chance: Random, year: int, *, people: int) -> dict[str, Json]:
    identifiers = [
        {"identifier": f"{chance.choice('ABKX')}{chance.randrange(10**6)}", "identifierType": "Accession"}
        for _ in range(chance.choice((0, 0, 1)))
    ]
    alternates = [
        {"alternateIdentifier": entry["identifier"], "alternateIdentifierType": entry["identifierType"]}
        for entry in identifiers
    ]
    return {
        "identifiers": identifiers,
        "alternateIdentifiers": alternates,
        "creators": creators(chance, people),
        "titles": _titles(chance),
        "publisher": _publisher(chance),
        "container": _container(chance),
        "publicationYear": year,
    }


def _provenance(chance: Random, year: int) -> dict[str, Json]:
    published = chance.choice((str(year), str(year), f"{year}-{chance.randrange(1, 13):02d}-07", None, ""))
    return {
        "contentUrl": None,
        "schemaVersion": chance.choice(words.SCHEMAS),
        "source": chance.choice(words.SOURCES),
        "isActive": True,
        "reason": None,
        "published": published,
    }


def _phrase(chance: Random) -> str:
    return f"{chance.choice(words.ADJECTIVES)} {chance.choice(words.NOUNS)}"


def _titles(chance: Random) -> list[Json]:
    main = f"{_phrase(chance).capitalize()} and {_phrase(chance)} {chance.choice(words.NOUNS)} data"
    titles: list[Json] = [{"title": main}]
    if chance.random() < 0.15:
        titles.append({"title": f"Über {_phrase(chance)}", "titleType": "TranslatedTitle", "lang": "de"})
    return titles


def _publisher(chance: Random) -> Json:
    name = chance.choice(words.INSTITUTES)
    if chance.random() < 0.7:
        return {"name": name}
    return {
        "name": name,
        "publisherIdentifier": "https://ror.org/04wxnsj81",
        "publisherIdentifierScheme": "ROR",
        "schemeUri": "https://ror.org/",
        "lang": "en",
    }


def _container(chance: Random) -> Json:
    if chance.random() < 0.8:
        return {}
    return {
        "type": "Journal",
        "identifier": "1738-2424",
        "identifierType": "ISSN",
        "title": f"Journal of {chance.choice(words.NOUNS).capitalize()} Research",
        "volume": str(chance.randrange(1, 90)),
        "issue": str(chance.randrange(1, 12)),
        "firstPage": "355",
        "lastPage": "367",
    }


def _subjects(chance: Random) -> list[Json]:
    subjects: list[Json] = [{"subject": chance.choice(words.NOUNS)} for _ in range(chance.randrange(2, 8))]
    if chance.random() < 0.6:
        field = chance.choice(words.FIELDS_OF_SCIENCE)
        subjects.append(
            {
                "subject": f"FOS: {field}",
                "subjectScheme": "Fields of Science and Technology (FOS)",
                "schemeUri": "http://www.oecd.org/science/inno/38235147.pdf",
                "lang": "en",
            }
        )
    return subjects


def _dates(chance: Random, year: int) -> list[Json]:
    dates: list[Json] = [{"date": str(year), "dateType": "Issued"}]
    if chance.random() < 0.5:
        dates.append({"date": f"{year}-0{chance.randrange(1, 10)}-1{chance.randrange(10)}", "dateType": "Created"})
    if chance.random() < 0.3:
        dates.append({"date": f"{year - 3}/{year}", "dateType": "Collected", "dateInformation": "field seasons"})
    return dates


def _types(chance: Random) -> Json:
    general, ris, bibtex, citeproc, schema_org = words.TYPES[int(len(words.TYPES) * chance.random() ** 2.2)]
    return {
        "ris": ris,
        "bibtex": bibtex,
        "citeproc": citeproc,
        "schemaOrg": schema_org,
        "resourceType": chance.choice((general, "Supplementary files", "Survey")),
        "resourceTypeGeneral": general,
    }


def _related(chance: Random) -> Json:
    kind = chance.choice(("DOI", "DOI", "DOI", "URL", "ISSN", "arXiv"))
    number = chance.randrange(10**6)
    text = {
        "DOI": f"10.{chance.randrange(1000, 9999)}/{chance.choice(words.NOUNS)}.{number}",
        "URL": f"https://example.org/{chance.choice(words.NOUNS)}/{number}",
        "ISSN": "2049-3630",
        "arXiv": f"arXiv:1{number % 1000:03d}.{number % 100000:05d}",
    }[kind]
    return {
        "relationType": chance.choice(words.RELATIONS),
        "relatedIdentifier": text,
        "relatedIdentifierType": kind,
        **({"resourceTypeGeneral": "Dataset"} if chance.random() < 0.3 else {}),
    }


def _related_item(chance: Random, year: int) -> Json:
    return {
        "relatedItemType": "JournalArticle",
        "relationType": "IsPublishedIn",
        "relatedItemIdentifier": {"relatedItemIdentifier": "10.1000/182", "relatedItemIdentifierType": "DOI"},
        "titles": [{"title": f"On {_phrase(chance)}"}],
        "creators": [{"name": "Rossi, Ada", "nameType": "Personal", "givenName": "Ada", "familyName": "Rossi"}],
        "publicationYear": str(year),
        "volume": "12",
        "contributors": [],
    }


def _rights(chance: Random) -> Json:
    rights, uri, identifier = chance.choice(words.LICENCES)
    made: dict[str, Json] = {"rights": rights}
    if uri:
        made["rightsUri"] = uri
    if identifier:
        made |= {
            "schemeUri": "https://spdx.org/licenses/",
            "rightsIdentifier": identifier,
            "rightsIdentifierScheme": "SPDX",
        }
    return made


def _sentence(chance: Random) -> str:
    subject, verb = _phrase(chance).capitalize(), chance.choice(words.VERBS)
    return f"{subject} {verb} {_phrase(chance)} and {_phrase(chance)} {chance.choice(words.SENTENCE_ENDS)}"


def _descriptions(chance: Random) -> list[Json]:
    abstract = " ".join(_sentence(chance) for _ in range(chance.randrange(6, 18)))
    descriptions: list[Json] = [{"description": abstract, "descriptionType": "Abstract", "lang": "en"}]
    if chance.random() < 0.4:
        methods = "<p>" + "</p>\n<p>".join(_sentence(chance) for _ in range(4)) + "</p>"
        descriptions.append({"description": methods, "descriptionType": "Methods"})
    return descriptions


def _geo(chance: Random) -> Json:
    latitude, longitude = round(chance.uniform(-80, 80), 4), round(chance.uniform(-179, 170), 4)
    kind = chance.randrange(3)
    if kind == 0:
        return {"geoLocationPlace": chance.choice(words.PLACES)}
    if kind == 1:
        return {"geoLocationPoint": {"pointLatitude": str(latitude), "pointLongitude": str(longitude)}}
    return {
        "geoLocationPlace": chance.choice(words.PLACES),
        "geoLocationBox": {
            "westBoundLongitude": str(longitude),
            "eastBoundLongitude": str(round(longitude + 1.5, 4)),
            "southBoundLatitude": str(latitude),
            "northBoundLatitude": str(round(latitude + 0.75, 4)),
        },
    }


def _funding(chance: Random) -> Json:
    name, identifier, kind = chance.choice(words.FUNDERS)
    made: dict[str, Json] = {"funderName": name}
    if identifier:
        made |= {"funderIdentifier": identifier, "funderIdentifierType": kind}
    if chance.random() < 0.7:
        number = chance.randrange(10**6)
        made |= {
            "awardNumber": f"{number:06d}",
            "awardUri": f"https://cordis.europa.eu/project/id/{number}",
            "awardTitle": f"Towards {_phrase(chance)}",
        }
    return made
