"""What only several records together show: duplicates, one-sided relations, shared landing pages, silent clients."""

import polars as pl

from etl.audit.vocabularies import INVERSES
from etl.audit.words import Rule, Severity, Tables, filled

SHARED_BY = 10
"""A landing page of so many DOIs is probably a home page."""
QUIET_DAYS = 365
"""A client without a new DOI for so long has gone quiet, if it had some routine before."""
ROUTINE = 10
_BITS = 1 << 32
"""Parts of hashes that are added up without running over."""

_VERSION_RELATIONS = ["IsNewVersionOf", "IsVersionOf", "IsPreviousVersionOf", "HasVersion", "Obsoletes"]


def _twins(tables: Tables) -> pl.LazyFrame:
    """Find records that agree in first title, creators and year, by 64-bit hashes of the three."""
    title = pl.col("title").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    titles = tables["doi_titles"].filter((pl.col("position") == 0) & filled(pl.col("title")))
    named = titles.select("doi", "title", name=title.hash())
    creators = tables["doi_creators"].group_by("doi").agg(who=(pl.col("name").str.to_lowercase().hash() % _BITS).sum())
    keyed = named.join(creators, on="doi").join(tables["dois"].select("doi", "publication_year"), on="doi")
    key = ["name", "who", "publication_year"]
    return keyed.filter(pl.len().over(key) > 1).select("doi", value="title")


def _one_sided(tables: Tables) -> pl.LazyFrame:
    """Find relations to a DOI of this dataset that does not answer."""
    own = tables["dois"].select(related_doi="doi")
    edges = (
        tables["doi_related_identifiers"]
        .filter(pl.col("related_doi").is_not_null() & pl.col("relation_type").is_in(list(INVERSES)))
        .select("doi", "related_doi", "relation_type")
        .unique()
        .join(own, on="related_doi", how="semi")
    )
    answers = edges.select(
        doi="related_doi", related_doi="doi", relation_type=pl.col("relation_type").replace_strict(INVERSES)
    )
    lone = edges.join(answers, on=["doi", "related_doi", "relation_type"], how="anti")
    return lone.select("doi", value=pl.concat_str("relation_type", "related_doi", separator=" "))


def _late_versions(tables: Tables) -> pl.LazyFrame:
    """Find records of a second or later version that name no other version."""
    number = pl.col("version").str.extract(r"(?i)^\s*v?(?:ersion)?\s*([0-9]{1,3})(?:[.\s].*)?$").cast(pl.Int64)
    later = tables["dois"].filter(number >= 2).select("doi", value="version")
    related = tables["doi_related_identifiers"].filter(pl.col("relation_type").is_in(_VERSION_RELATIONS))
    return later.join(related.select("doi"), on="doi", how="anti")


def _shared_pages(tables: Tables) -> pl.LazyFrame:
    """Find landing pages that many DOIs lead to; the address is compared without case of the host's scheme."""
    page = tables["dois"].filter(filled(pl.col("url"))).select("doi", value="url")
    many = page.group_by("value").len().filter(pl.col("len") >= SHARED_BY)
    return page.join(many.select("value"), on="value", how="semi")


def _quiet(tables: Tables) -> pl.LazyFrame:
    """Find clients without a new DOI for long, by their newest DOI, out of those that had many."""
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
        "doi", value=pl.concat_str("client_id", pl.lit(": last DOI of "), day)
    )


RULES = (
    Rule(
        id="duplicate",
        title="Same title, creators and year as another DOI",
        severity=Severity.WARNING,
        advice="Two DOIs for one thing split its citations: keep one, and point the other to it by IsIdenticalTo.",
        find=_twins,
        reads={
            "doi_titles": ("title", "position"),
            "doi_creators": ("name",),
            "dois": ("publication_year",),
        },
    ),
    Rule(
        id="relation-one-sided",
        title="Relation that the other record does not answer",
        severity=Severity.NOTE,
        advice="Add the inverse relation to the other record, so that the link is found from both sides.",
        find=_one_sided,
        reads={"dois": (), "doi_related_identifiers": ("related_doi", "relation_type")},
    ),
    Rule(
        id="version-alone",
        title="Later version that names no other version",
        severity=Severity.NOTE,
        advice="Link the versions by IsNewVersionOf and IsPreviousVersionOf.",
        find=_late_versions,
        reads={"dois": ("version",), "doi_related_identifiers": ("relation_type",)},
    ),
    Rule(
        id="landing-page-shared",
        title=f"Landing page of {SHARED_BY} DOIs or more",
        severity=Severity.WARNING,
        advice="A DOI should lead to the page of its own thing, not to a list or a home page.",
        find=_shared_pages,
        reads={"dois": ("url",)},
    ),
    Rule(
        id="client-quiet",
        title="Client without a new DOI for a year",
        severity=Severity.NOTE,
        advice="Ask whether the repository still runs, and who looks after its landing pages.",
        find=_quiet,
        reads={"dois": ("client_id", "created")},
    ),
)
