"""The PID graph: every edge in a DOI's metadata, gathered from the other tables."""

from collections.abc import Iterator, Mapping

import polars as pl

from etl import normalise
from etl.schema.declarations import Column, Table, Type

# Media are files of the DOI without a persistent identifier of their own.
_TYPES = {"dois": "doi", "clients": "client", "providers": "provider"}

_FUNDERS = "10.13039/"
"""Prefix of the Crossref Funder Registry."""
_CANONICAL = ["doi", "orcid", "ror"]
"""Kinds of identifiers that are edges in canonical form only: invalid ones make no edge."""

_EDGE = ["_row", "relation", "target_id", "target_type"]


def build(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Gather the distinct edges of some records, in the order of the records and then of the edges."""
    edges = pl.concat(edge.filter(pl.col("target_id").is_not_null()) for edge in _edges(frames)).sort(_EDGE)
    # Sorting puts duplicates side by side: half the work and memory of `unique`.
    first = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in _EDGE)
    distinct = edges.filter(first)
    doi = frames["dois"]["doi"].gather(distinct["_row"])
    return distinct.select(
        "_row",
        doi,
        doi.alias("source_id"),
        pl.lit("doi").alias("source_type"),
        *_EDGE[1:],
    )


def _edges(frames: Mapping[str, pl.DataFrame]) -> Iterator[pl.DataFrame]:
    yield from _related(frames["doi_related_identifiers"], "related_identifier")
    yield from _related(frames["doi_related_items"], "related_item_identifier")
    yield _funders(frames["doi_funding_references"])
    yield _relationships(frames["doi_relationships"])
    yield _valid(frames["dois"], "publisher_ror", "publisher", "ror")
    for role in ("creator", "contributor"):
        yield _valid(frames[f"doi_{role}_identifiers"], "orcid", role, "orcid")
        yield _valid(frames[f"doi_{role}_identifiers"], "ror", role, "ror")
        yield _valid(frames[f"doi_{role}_affiliations"], "ror", f"{role}-affiliation", "ror")


def _related(frame: pl.DataFrame, identifier: str) -> Iterator[pl.DataFrame]:
    doi, kind = pl.col("related_doi"), _stated(f"{identifier}_type")
    relation = pl.col("relation_type")
    other = pl.when(_is_other(kind)).then(pl.col(identifier).str.strip_chars())
    yield _edge(
        frame,
        relation=relation,
        target=pl.coalesce(doi, other),
        kind=pl.when(doi.is_not_null()).then(pl.lit("doi")).otherwise(kind),
    )
    # Not among DataCite's types, and so rare.
    named = frame.filter(kind.is_in(["orcid", "ror"]))
    if named.height:
        stated = (pl.col(identifier), kind)
        orcid = pl.when(normalise.orcid_valid(*stated)).then(normalise.orcid(*stated))
        ror = pl.when(normalise.ror_valid(*stated)).then(normalise.ror(*stated))
        name = pl.when(orcid.is_not_null()).then(pl.lit("orcid")).otherwise(pl.lit("ror"))
        yield _edge(named, relation=relation, target=pl.coalesce(orcid, ror), kind=name)


def _funders(frame: pl.DataFrame) -> pl.DataFrame:
    doi, ror = pl.col("funder_doi"), pl.when("funder_ror_valid").then("funder_ror")
    kind = _stated("funder_identifier_type")
    # A URL of ror.org is a ROR id, whatever the type says.
    is_other = _is_other(kind) & pl.col("funder_ror_valid").is_null()
    return _edge(
        frame,
        relation=pl.lit("funder"),
        target=pl.coalesce(doi, ror, pl.when(is_other).then(pl.col("funder_identifier").str.strip_chars())),
        kind=pl.when(doi.str.starts_with(_FUNDERS))
        .then(pl.lit("funder"))
        .when(doi.is_not_null())
        .then(pl.lit("doi"))
        .when(ror.is_not_null())
        .then(pl.lit("ror"))
        .otherwise(kind),
    )


def _stated(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.to_lowercase()


def _is_other(kind: pl.Expr) -> pl.Expr:
    return kind.is_in(_CANONICAL).not_().fill_null(value=True)


def _relationships(frame: pl.DataFrame) -> pl.DataFrame:
    kind = pl.col("target_type").replace_strict(_TYPES, default=None, return_dtype=pl.String)
    known = frame.filter(kind.is_not_null())
    return _edge(known, relation=pl.col("relation"), target=pl.col("target_id"), kind=kind)


def _valid(frame: pl.DataFrame, column: str, relation: str, kind: str) -> pl.DataFrame:
    valid = frame.filter(pl.col(f"{column}_valid"))
    return _edge(valid, relation=pl.lit(relation), target=pl.col(column), kind=pl.lit(kind))


def _edge(frame: pl.DataFrame, *, relation: pl.Expr, target: pl.Expr, kind: pl.Expr) -> pl.DataFrame:
    return frame.select("_row", relation.alias("relation"), target.alias("target_id"), kind.alias("target_type"))


def _text(name: str, description: str) -> Column:
    return Column(name=name, type=Type.STRING, description=description)


LINKS = Table(
    name="links",
    description="The graph of persistent identifiers: one row per edge, without duplicates. ORCID "
    "iDs and ROR ids need a valid checksum, DOIs a valid form.",
    positions=(),
    columns=(
        _text("source_id", "Start of the edge: the DOI whose metadata states it."),
        _text("source_type", "Kind of the start, always doi."),
        _text(
            "relation",
            "Relation type of DataCite (Cites, IsPartOf), name of a relationship of the API "
            "(citations, partOf, client), or creator, contributor, creator-affiliation, contributor-affiliation, "
            "publisher, funder.",
        ),
        _text(
            "target_id",
            "End of the edge: canonical for DOI, ORCID, ROR and funder, otherwise the identifier as stated.",
        ),
        _text(
            "target_type",
            "Kind of the end, lower-case: doi, orcid, ror, client, provider, url, issn and others; funder for a "
            "Crossref Funder ID, which is a DOI under 10.13039 and the funder_doi of doi_funding_references.",
        ),
    ),
    build=build,
    inputs={
        "dois": ("doi", "publisher_ror", "publisher_ror_valid"),
        "doi_related_identifiers": (
            "related_identifier",
            "related_identifier_type",
            "relation_type",
            "related_doi",
        ),
        "doi_related_items": (
            "related_item_identifier",
            "related_item_identifier_type",
            "relation_type",
            "related_doi",
        ),
        "doi_funding_references": (
            "funder_identifier",
            "funder_identifier_type",
            "funder_doi",
            "funder_ror",
            "funder_ror_valid",
        ),
        "doi_relationships": ("relation", "target_id", "target_type"),
        "doi_creator_identifiers": ("orcid", "orcid_valid", "ror", "ror_valid"),
        "doi_creator_affiliations": ("ror", "ror_valid"),
        "doi_contributor_identifiers": ("orcid", "orcid_valid", "ror", "ror_valid"),
        "doi_contributor_affiliations": ("ror", "ror_valid"),
    },
)
