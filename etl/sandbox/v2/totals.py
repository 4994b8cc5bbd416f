"""Totals of DOIs per client, provider and prefix: bare lists instead of JSON:API documents (api-notes 6.14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import polars as pl

from etl.sandbox.answer import Answer, Json, document
from etl.sandbox.params import Params
from etl.sandbox.v2.context import Asked, bucket

_NEVER = datetime.fromtimestamp(0, UTC)
Title = Callable[[str], str | None]


def answer_clients(asked: Asked) -> Answer:
    """Answer the totals of all clients, or of those of a provider."""
    roster = asked.snapshot.roster
    return _totals(asked, _owner(roster.client_ids), _name(roster.clients))


def answer_providers(asked: Asked) -> Answer:
    """Answer the totals of all providers."""
    roster = asked.snapshot.roster
    return _totals(asked, _owner(roster.providers_of_clients), _name(roster.providers))


def answer_prefixes(asked: Asked) -> Answer:
    """Answer the totals of all prefixes, or of those of a client or provider."""
    return _totals(asked, pl.col("uid").str.extract("^([^/]+)/"), str)


def _owner(by_client: Sequence[str | None]) -> pl.Expr:
    return pl.lit(pl.Series(list(by_client), dtype=pl.String)).gather(pl.col("client"))


def _name(resources: Mapping[str, Json]) -> Title:
    return lambda key: str(resources[key]["attributes"]["name"]) if key in resources else None


def _totals(asked: Asked, owner: pl.Expr, title: Title) -> Answer:
    """Count DOIs by owner, the most frequent first; unknown owners have no entry."""
    wanted = {name: asked.params.plain.get(name, "") for name in ("provider_id", "client_id")}
    moment = pl.from_epoch("registered", time_unit="ms")
    frame = asked.snapshot.frame[asked.snapshot.rows(Params(plain=wanted))].select(owner=owner, moment=moment)
    periods = _periods(asked.snapshot.frame.select(moment.max()).item() or _NEVER)
    counted = frame.drop_nulls("owner").group_by("owner").agg(pl.len().alias("count"), **periods)
    ordered = counted.sort("count", "owner", descending=[True, False]).iter_rows(named=True)
    return document([_entry(row, name) for row in ordered if (name := title(row["owner"])) is not None])


def _periods(now: datetime) -> dict[str, pl.Expr]:
    """Count by month and year, seen from the last registration, because nothing here depends on a clock."""
    year, month = pl.col("moment").dt.year(), pl.col("moment").dt.month()
    inside = {
        "this_month": (year == now.year) & (month == now.month),
        "this_year": year == now.year,
        "last_year": year == now.year - 1,
        "two_years_ago": year == now.year - 2,
    }
    return {name: pl.struct(year=year.filter(test).first(), count=test.sum()) for name, test in inside.items()}


def _entry(row: Mapping[str, Json], title: str) -> Json:
    temporal = {name: value for name, value in row.items() if name not in ("owner", "count")}
    return bucket(row["owner"], title, row["count"]) | {
        "temporal": {name: _bucket_of(value) for name, value in temporal.items()},
        "states": [bucket("findable", "Findable", row["count"])],
    }


def _bucket_of(period: Mapping[str, Json]) -> list[Json]:
    year = str(period["year"])
    return [bucket(year, year, period["count"])] if period["count"] else []
