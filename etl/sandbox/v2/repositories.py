"""`/repositories` (api-notes 6.3): the clients under another type, with more attributes."""

from __future__ import annotations

from collections.abc import Iterable

from etl.sandbox.answer import Answer, Json
from etl.sandbox.params import Params
from etl.sandbox.v2 import listing
from etl.sandbox.v2.context import Asked
from etl.sandbox.v2.listing import Keep, Listing, Resource, attribute, counted, humanised, ids_of

_KEPT = ("query", "provider-id", "software", "certificate", "client-type", "repository-type", "year")


def answer(asked: Asked) -> Answer:
    """Answer the list of repositories."""
    return listing.answer(asked, _listing(asked), asked.snapshot.registrations.repositories.values())


def answer_one(asked: Asked, name: str) -> Answer:
    """Answer one repository, with the counts of its DOIs and prefixes."""
    repository = asked.snapshot.registrations.repositories.get(name.lower())
    return listing.answer_one(asked, _listing(asked), repository, _meta(asked, repository) if repository else None)


def filters(asked: Asked) -> dict[str, Keep]:
    """Return the common filters of clients and repositories."""
    consortia, repositories = asked.snapshot.roster.consortium_of, asked.snapshot.registrations.repositories

    def of_consortium(resource: Resource, values: Iterable[str]) -> bool:
        return any(
            consortia.get(provider) in {name.lower() for name in values} for provider in ids_of(resource, "provider")
        )

    def described(name: str) -> Keep:
        keep = attribute(name)
        return lambda repository, values: (
            repository["id"] in repositories and keep(repositories[repository["id"]], values)
        )

    return {
        "provider_id": listing.linked("provider"),
        "consortium_id": of_consortium,
        "year": listing.year,
        "from_date": listing.not_before,
        "until_date": listing.not_after,
        "software": described("software"),
        "certificate": described("certificate"),
        "repository_type": described("repositoryType"),
        "client_type": attribute("clientType"),
        "re3data_id": _in_re3data,
        "opendoar_id": attribute("opendoar"),
    }


def _in_re3data(resource: Resource, values: Iterable[str]) -> bool:
    """Compare the DOI, which is a URL in the attribute."""
    own = str(resource["attributes"].get("re3data")).lower().removeprefix("https://doi.org/")
    return own in {value.lower().removeprefix("https://doi.org/") for value in values}


def _meta(asked: Asked, resource: Resource) -> dict[str, Json]:
    dois = asked.snapshot.rows(Params(plain={"client_id": resource["id"]}))
    return {"doiCount": len(dois), "prefixCount": len(ids_of(resource, "prefixes"))}


def _listing(asked: Asked) -> Listing:
    providers = asked.snapshot.roster.providers

    def provider(resource: Resource) -> Iterable[Resource]:
        return [providers[name] for name in ids_of(resource, "provider") if name in providers]

    def provider_name(name: str) -> str:
        return str(providers[name]["attributes"]["name"]) if name in providers else name

    return Listing(
        kind="repositories",
        path="/repositories",
        filters=filters(asked),
        facets={
            "years": listing.years_facet,
            "providers": counted(lambda repository: ids_of(repository, "provider"), provider_name),
            "software": counted(lambda repository: repository["attributes"]["software"]),
            "certificates": counted(lambda repository: repository["attributes"]["certificate"]),
            "repositoryTypes": counted(lambda repository: repository["attributes"]["repositoryType"], humanised),
            "clientTypes": counted(lambda repository: repository["attributes"].get("clientType"), humanised),
        },
        kept=_KEPT,
        included={"provider": provider},
        spelled=listing.SPELLED,
    )
