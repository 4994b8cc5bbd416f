"""The orders of page mode: `sort=`, `random=` and `sample=` of `/dois` (api-notes 4.6)."""

from __future__ import annotations

import polars as pl

from etl.sandbox.content.dice import dice
from etl.sandbox.paging import WINDOW
from etl.sandbox.search.filters import key
from etl.sandbox.v2.context import Asked

_COLUMNS = {"name": "uid", "created": "created", "updated": "updated", "relevance": "template"}
SAMPLE_GROUPS = ("client", "data-center", "provider", "resource-type")
_PATHS = {
    "published": "published",
    "view_count": "viewCount",
    "download_count": "downloadCount",
    "citation_count": "citationCount",
    "title": "titles.title",
}


def in_order(asked: Asked, matching: pl.Series, *, replica: int) -> pl.Series:
    """Return the matching rows in the requested order, as far as page mode reaches.

    Equal values have no tie-breaker: the replicas of the index, which take turns, order them differently.
    """
    params = asked.params
    if params.on("random"):
        rows = matching.to_list()
        dice(asked.snapshot.seed, asked.request.query).shuffle(rows)
        return pl.Series(rows[:WINDOW], dtype=pl.UInt32)
    sort = (params.get("sort") or "").replace("-", "_")
    name = sort.removeprefix("_")
    if name not in _COLUMNS and name not in _PATHS:
        sort, name = "_updated", "updated"
    by = _expression(asked, name)
    ids = params.ids()
    descending = sort.startswith("_") or name == "relevance"
    return asked.snapshot.matches.ordered(
        (key(params), ids, name), matching, by, descending=descending, replica=replica
    )


def _expression(asked: Asked, name: str) -> pl.Expr:
    if name in _COLUMNS:
        return pl.col(_COLUMNS[name])
    values = asked.snapshot.pool.values(_PATHS[name])
    firsts = pl.Series([row[0] if row else None for row in values], strict=False)
    return pl.lit(firsts).gather(pl.col("template"))


def sampled(asked: Asked, matching: pl.Series, sample_group: str) -> pl.Series:
    """Return the first few rows of each client, provider or resource type, whatever the page size."""
    snapshot = asked.snapshot
    number = int(asked.params.plain["sample"]) if asked.params.plain["sample"].isdigit() else 1
    owners = pl.Series(list(snapshot.roster.providers_of_clients), dtype=pl.String)
    kinds = pl.Series([str(row[0]) if row else None for row in snapshot.pool.resource_types()], dtype=pl.String)
    group = {
        "provider": pl.lit(owners).gather(pl.col("client")),
        "resource-type": pl.lit(kinds).gather(pl.col("template")),
    }.get(sample_group, pl.col("client"))
    frame = snapshot.frame[matching].select(group=group).with_columns(row=matching)
    return frame.group_by("group", maintain_order=True).head(number)["row"]
