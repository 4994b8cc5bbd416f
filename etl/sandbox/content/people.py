"""Creators and contributors of generated records, in the full form from which both views are cut."""

from __future__ import annotations

from random import Random

from etl.sandbox.answer import Json
from etl.sandbox.content import vocabulary as words
from etl.sandbox.content.identifiers import orcid, ror


def affiliation(chance: Random) -> Json:
    """Make an affiliation object; a third has no ROR, one in fifty a wrong one."""
    number = chance.randrange(len(words.INSTITUTES))
    made: dict[str, Json] = {"name": words.INSTITUTES[number]}
    if chance.random() < 0.67:
        made["affiliationIdentifier"] = ror(7_919_333 * (number + 3), valid=chance.random() >= 0.02)
        made["affiliationIdentifierScheme"] = "ROR"
        made["schemeUri"] = "https://ror.org"
    return made


def person(chance: Random) -> dict[str, Json]:
    """Make a person; one ORCID in thirty has a wrong check digit, some are bare instead of a URL."""
    given, family = chance.choice(words.GIVEN), chance.choice(words.FAMILY)
    made: dict[str, Json] = {
        "name": f"{family}, {given}",
        "nameType": "Personal",
        "givenName": given,
        "familyName": family,
        "affiliation": [affiliation(chance) for _ in range(chance.choice((0, 1, 1, 2)))],
        "nameIdentifiers": [],
    }
    if chance.random() < 0.45:
        bare = orcid(15_000_000 + chance.randrange(60_000), valid=chance.random() >= 0.03)
        name = bare if chance.random() < 0.1 else f"https://orcid.org/{bare}"
        made["nameIdentifiers"] = [
            {"nameIdentifier": name, "nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}
        ]
    return made


def organisation(chance: Random) -> dict[str, Json]:
    """Make an organisational name."""
    name = chance.choice(words.INSTITUTES)
    return {"name": name, "nameType": "Organizational", "affiliation": [], "nameIdentifiers": []}


def creators(chance: Random, number: int) -> list[Json]:
    """Make creators, about one in eight an organisation."""
    return [organisation(chance) if chance.random() < 0.12 else person(chance) for _ in range(number)]


def contributors(chance: Random, number: int) -> list[Json]:
    """Make contributors with their roles."""
    return [
        {**creator, "contributorType": chance.choice(words.CONTRIBUTOR_TYPES)} for creator in creators(chance, number)
    ]
