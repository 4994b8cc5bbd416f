"""The type variations of real records (api-notes 5.1), each as one small change to a record.

`ON_ATTRIBUTES` change a template before it is cut into views; `ON_RESOURCE` change a whole resource object when it is
served.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from etl.sandbox.answer import Json

Change = Callable[[dict[str, Json]], None]


def _put(path: str, value: Json) -> Change:
    """Make a change that sets one value; numbers in the path index lists, which grow when too short."""

    def change(attributes: dict[str, Json]) -> None:
        target: Json = attributes
        *steps, last = path.split(".")
        for step in steps:
            target = _step(target, step)
        if isinstance(target, list):
            _step(target, last)
            target[int(last)] = value
        else:
            target[last] = value

    return change


def _step(target: Json, step: str) -> Json:
    if isinstance(target, dict):
        return target[step]
    while len(target) <= int(step):
        target.append({})
    return target[int(step)]


def _drop(path: str, name: str) -> Change:
    def change(attributes: dict[str, Json]) -> None:
        target: Json = attributes
        for step in path.split("."):
            target = _step(target, step)
        target.pop(name, None)

    return change


def _timestamps_with_milliseconds(resource: dict[str, Json]) -> None:
    for name in ("created", "registered", "updated"):
        text = resource["attributes"].get(name)
        if text:
            resource["attributes"][name] = text.replace("Z", ".000Z")


def _upper_case(resource: dict[str, Json]) -> None:
    resource["id"] = resource["id"].upper()
    if "doi" in resource["attributes"]:
        resource["attributes"]["doi"] = resource["attributes"]["doi"].upper()


def _set_if_asked(name: str, value: Json) -> Change:
    def change(resource: dict[str, Json]) -> None:
        if name in resource["attributes"]:
            resource["attributes"][name] = value

    return change


def _single_media(resource: dict[str, Json]) -> None:
    media = resource["relationships"].get("media")
    if media is not None:
        media["data"] = media["data"][0] if media["data"] else {"id": "0000-0000-0000-00rs", "type": "media"}


_NULLABLE = str.split(
    "identifiers creators titles publisher container publicationYear subjects contributors dates types "
    "relatedIdentifiers sizes formats rightsList descriptions geoLocations fundingReferences relatedItems schemaVersion"
)

_PLAIN_CREATOR = {"name": "Rossi, Giulia", "affiliation": [], "nameIdentifiers": []}

ON_ATTRIBUTES: Sequence[Change] = (
    *(_put(name, None) for name in _NULLABLE),
    _put("identifiers", [{"identifier": None, "identifierType": "DOI"}]),
    _put("identifiers", ["ark:/13030/m5br8st1"]),
    _put("creators", dict(_PLAIN_CREATOR)),
    _put("creators", []),
    _put("creators.0.affiliation", "University of Northhaven"),
    _put("creators.0.affiliation", None),
    _put("creators.0.affiliation", [None, {"name": "Delta State University"}]),
    _put("creators.0.givenName", None),
    _put("creators.0.familyName", ""),
    _put("creators.0.nameIdentifiers", {"nameIdentifier": "0000-0003-1419-2405", "nameIdentifierScheme": "ORCID"}),
    _put("creators.0.nameIdentifiers", [{"nameIdentifierScheme": "ORCID"}]),
    _drop("creators.0", "name"),
    _put("contributors", {**_PLAIN_CREATOR, "contributorType": "Editor"}),
    _put("titles", []),
    _put("titles.0.title", None),
    _put("titles.0.title", ""),
    _put("titles.0.title", "=1+1+cmd|' /C calc'!A0"),
    _put("titles.0.title", '@SUM(A1:A9), "quoted", and\na new line'),
    _put("titles.0.title", "+49 30 123456\tTabs; \\backslash\\ and 🧊🌊 emoji, ไทย, العربية"),
    _put("titles.0.title", "An embedded \x00 character"),
    _put("publicationYear", "2013"),
    _put("publicationYear", ""),
    _put("container", {"type": "Series", "identifiers": [{"identifier": "2049-3630", "identifierType": "ISSN"}]}),
    _put("dates", [{"date": "tba", "dateType": "Available"}, {"date": "unkn", "dateType": "Issued"}]),
    _put("dates", [{"date": "2013-05", "dateType": "Issued"}, {"date": "2009-02/2010-11-30", "dateType": "Collected"}]),
    _put("dates", [{"date": None, "dateType": "Issued"}]),
    _put("types.resourceTypeGeneral", None),
    _put("types.resourceType", ""),
    _put("types", {}),
    _put("relatedIdentifiers", [{"relationType": "IsPartOf", "relatedIdentifierType": "DOI"}]),
    _put("rightsList", {"rights": None, "rightsUri": None}),
    _put("rightsList", [{}]),
    _put("rightsList", [{"rights": None, "rightsUri": None}]),
    _put("descriptions", [{"description": 42, "descriptionType": "Other"}]),
    _put("descriptions", [{"description": ["one", "two"], "descriptionType": "Abstract"}]),
    _put("descriptions", [{"description": "", "descriptionType": "Abstract"}]),
    _put("geoLocations", [{}]),
    _put("geoLocations", [{"geoLocationPoint": {"pointLatitude": 47.5, "pointLongitude": -8}}]),
    _put("geoLocations", [{"geoLocationPlace": ["Lake Constance", "Bodensee"]}]),
    _put("geoLocations", {"geoLocationPlace": "Disko Bay, Greenland"}),
    _put(
        "geoLocations",
        [
            {
                "geoLocationPolygon": [
                    {"polygonPoint": {"pointLatitude": "41.9", "pointLongitude": "-71.0"}},
                    {"polygonPoint": {"pointLatitude": "42.8", "pointLongitude": "-69.6"}},
                    {"polygonPoint": {"pointLatitude": "41.9", "pointLongitude": "-71.0"}},
                ]
            }
        ],
    ),
    _put(
        "geoLocations",
        [{"geoLocationPolygon": {"polygonPoint": {"pointLatitude": 41.9, "pointLongitude": -71}}}],
    ),
    _put("fundingReferences", [{"funderName": "NSF", "awardTitle": {"__content__": "Ice cores", "lang": "en"}}]),
    _put("contentUrl", []),
    _put("contentUrl", "https://files.example.org/data.zip"),
    _put("contentUrl", ["https://files.example.org/a.csv", "https://files.example.org/b.csv"]),
    _put("published", "in press"),
    _put("published", None),
    _put("published", ""),
    _put("language", ""),
    _put("relatedItems", [{"relatedItemType": "Book", "relatedItemIdentifier": {"schemeURI": "https://x.example"}}]),
    _put("somethingNew", {"nobody": ["knows", "yet"]}),
)

ON_RESOURCE: Sequence[Change] = (
    _timestamps_with_milliseconds,
    _upper_case,
    _set_if_asked("url", None),
    _set_if_asked("registered", None),
    _set_if_asked("metadataVersion", None),
    _single_media,
)

COUNT = len(ON_ATTRIBUTES) + len(ON_RESOURCE)

# Suffixes that break careless clients: slashes, angle brackets, SICI punctuation, upper case, letters beyond ASCII.
SUFFIXES = (
    "//double//slash",
    "(sici)1096-8644(199601)99:1<1::aid-ajpa1>3.0.co;2-1",
    "with;semicolon&ampersand",
    "plus+percent%20",
    "comma,inside",
    "question?mark#hash",
    "ümlaut.größe",
    "数据.001",
    "emoji.🧊",
    "brackets[1]",
    "trailing.dot.",
    "colon:and:colon",
)
