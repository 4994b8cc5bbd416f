"""Rules about several records: duplicates, one-sided relations, shared landing pages, inactive clients."""

import polars as pl

from etl.audit.vocabularies import INVERSES
from etl.audit.words import Rule, Severity, Tables, is_filled

SHARED_BY = 10
"""A landing page of this many DOIs is probably a home page."""
QUIET_DAYS = 365
"""A client without a new DOI for this long is inactive, if it was active before."""
ROUTINE = 10
_BITS = 1 << 32
"""Hashes are cut to this range, so that their sum does not overflow."""

_VERSION_RELATIONS = ["IsNewVersionOf", "IsVersionOf", "IsPreviousVersionOf", "HasVersion", "Obsoletes"]


def _duplicates(tables: Tables) -> pl.LazyFrame:
    """Find records with the same first title, creators and year, by hashes."""
    title = pl.col("title").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    titles = tables["doi_titles"].filter((pl.col("position") == 0) & is_filled(pl.col("title")))
    named = titles.select("doi", "title", name=title.hash())
    creators = tables["doi_creators"].group_by("doi").agg(who=(pl.col("name").str.to_lowercase().hash() % _BITS).sum())
    keyed = named.join(creators, on="doi").join(tables["dois"].select("doi", "publication_year"), on="doi")
    key = ["name", "who", "publication_year"]
    return keyed.filter(pl.len().over(key) > 1).select("doi", value="title")


def _one_sided(tables: Tables) -> pl.LazyFrame:
    """Find relations to a DOI of this dataset without the inverse relation."""
    own = tables["dois"].select(related_doi="doi")
    edges = (
        tables["doi_related_identifiers"]
        .filter(pl.col("related_doi").is_not_null() & pl.col("relation_type").is_in(list(INVERSES)))
        .select("doi", "related_doi", "relation_type")
        .unique()
        .join(own, on="related_doi", how="semi")
    )
    inverses = edges.select(
        doi="related_doi", related_doi="doi", relation_type=pl.col("relation_type").replace_strict(INVERSES)
    )
    lone = edges.join(inverses, on=["doi", "related_doi", "relation_type"], how="anti")
    return lone.select("doi", value=pl.concat_str("relation_type", "related_doi", separator=" "))


def _late_versions(tables: Tables) -> pl.LazyFrame:
    """Find records of a second or later version that name no other version."""
    number = pl.col("version").str.extract(r"(?i)^\s*v?(?:ersion)?\s*([0-9]{1,3})(?:[.\s].*)?$").cast(pl.Int64)
    later = tables["dois"].filter(number >= 2).select("doi", value="version")
    related = tables["doi_related_identifiers"].filter(pl.col("relation_type").is_in(_VERSION_RELATIONS))
    return later.join(related.select("doi"), on="doi", how="anti")


def _shared_pages(tables: Tables) -> pl.LazyFrame:
    """Find landing pages that many DOIs lead to."""
    page = tables["dois"].filter(is_filled(pl.col("url"))).select("doi", value="url")
    many = page.group_by("value").len().filter(pl.col("len") >= SHARED_BY)
    return page.join(many.select("value"), on="value", how="semi")


def _quiet(tables: Tables) -> pl.LazyFrame:
    """Find clients with many DOIs but no recent one."""
    dated = tables["dois"].select("doi", "client_id", "created", "as_of").drop_nulls(["client_id", "created"])
    last = dated.group_by("client_id").agg(
        pl.len(),
        pl.col("as_of").max(),
        pl.col("created").max(),
        doi=pl.col("doi").sort_by(["created", "doi"]).last(),
    )
    silent = (pl.col("as_of") - pl.col("created").dt.date()).dt.total_days() > QUIET_DAYS
    day = pl.col("created").dt.strftime("%Y-%m-%d")
    return last.filter(silent & (pl.col("len") >= ROUTINE)).select(
        "doi", value=pl.concat_str("client_id", pl.lit(": last DOI on "), day)
    )


RULES = (
    Rule(
        id="duplicate",
        title="Duplicate of another DOI (same title, creators and year)",
        severity=Severity.WARNING,
        advice="Two DOIs for one work split its citations: keep one, and link the other to it with IsIdenticalTo.",
        find=_duplicates,
        reads={
            "doi_titles": ("title", "position"),
            "doi_creators": ("name",),
            "dois": ("publication_year",),
        },
    ),
    Rule(
        id="relation-one-sided",
        title="Relation without its inverse in the other record",
        severity=Severity.NOTE,
        advice="Add the inverse relation to the other record, so that the link works in both directions.",
        find=_one_sided,
        reads={"dois": (), "doi_related_identifiers": ("related_doi", "relation_type")},
    ),
    Rule(
        id="version-alone",
        title="Later version without a link to other versions",
        severity=Severity.NOTE,
        advice="Link the versions with IsNewVersionOf and IsPreviousVersionOf.",
        find=_late_versions,
        reads={"dois": ("version",), "doi_related_identifiers": ("relation_type",)},
    ),
    Rule(
        id="landing-page-shared",
        title=f"Landing page shared by {SHARED_BY} or more DOIs",
        severity=Severity.WARNING,
        advice="A DOI should lead to a page about its own work, not to a list or a home page.",
        find=_shared_pages,
        reads={"dois": ("url",)},
    ),
    Rule(
        id="client-quiet",
        title="No new DOI for a year (client)",
        severity=Severity.NOTE,
        advice="Ask whether the repository is still active, and who maintains its landing pages.",
        find=_quiet,
        reads={"dois": ("client_id", "created")},
    ),
)
