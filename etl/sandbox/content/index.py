"""The index of a generated corpus: one row per record with what differs between records, in (created, uid) order.

Columns: serial, uid (lower-case DOI), created, updated, registered (epoch ms), client (number in the roster), template,
version, findable.
"""

from __future__ import annotations

from bisect import bisect_right

import polars as pl

from etl.sandbox.content import oddities
from etl.sandbox.content.dice import chance, salt
from etl.sandbox.content.organisations import TCIA, Roster
from etl.sandbox.content.templates import LAST_YEAR, years

FIRST_CREATED = 1_314_347_608  # 2011-08-26T08:33:28Z
LAST_CREATED = 1_793_476_800  # 2026-10-31T20:00:00Z
BURST = 1_564_730_071  # 2019-08-02T07:14:31Z, the second in which a third of all records was created
_BULK_UPDATE = 1_683_781_200  # 2023-05-11T05:00:00Z
_LATEST = LAST_CREATED + 3600
_PRIME = 99_999_989


def build_index(records: int, seed: int, roster: Roster, templates: int) -> pl.DataFrame:
    """Make the index; templates with numbers from `templates` are the odd ones."""
    frame = pl.DataFrame({"serial": pl.int_range(records, dtype=pl.UInt64, eager=True)})
    u = {name: chance(pl.col("serial"), salt(seed, name)) for name in _USES}
    frame = frame.with_columns(burst=u["burst"] < 1 / 3)
    frame = frame.with_columns(created=_created(u), client=_client(u, roster))
    frame = frame.with_columns(
        updated=_updated(u),
        registered=pl.when(u["unregistered"] >= 0.01).then(pl.col("created") + (u["delay"] * 4).cast(pl.Int64)),
        template=_template(u, records, templates),
        version=(u["version"] ** 4 * 12).cast(pl.UInt16),
        uid=uids(u["prefix"], roster),
    )
    return finish(frame.with_columns(uid=_odd_suffixes(records)))


_USES = str.split("burst created minute late bulk delay unregistered client tcia template version prefix when")


def finish(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows their final types and order; times come in seconds and leave in milliseconds."""
    return frame.select(
        pl.col("serial").cast(pl.UInt32),
        "uid",
        *((pl.col(name) * 1000).alias(name) for name in ("created", "updated", "registered")),
        pl.col("client").cast(pl.UInt32),
        pl.col("template").cast(pl.UInt32),
        pl.col("version").cast(pl.UInt16),
        pl.lit(value=True).alias("findable"),
    ).sort("created", "uid")


def _created(u: dict[str, pl.Expr]) -> pl.Expr:
    spread = FIRST_CREATED + ((LAST_CREATED - FIRST_CREATED) * u["created"] ** 0.45).cast(pl.Int64)
    whole_minutes = pl.when(u["minute"] < 0.12).then(spread // 60 * 60).otherwise(spread)
    return pl.when("burst").then(pl.lit(BURST, dtype=pl.Int64)).otherwise(whole_minutes)


def _client(u: dict[str, pl.Expr], roster: Roster) -> pl.Expr:
    tcia = roster.client_ids.index(TCIA)
    skewed = (len(roster.client_ids) * u["client"] ** 2.5).cast(pl.UInt32)
    usual = pl.when(u["tcia"] < 0.045).then(tcia).when(skewed == tcia).then(0).otherwise(skewed)
    return pl.when("burst").then((u["client"] * 3).cast(pl.UInt32)).otherwise(usual)


def _updated(u: dict[str, pl.Expr]) -> pl.Expr:
    later = pl.col("created") + ((_LATEST - pl.col("created")) * u["when"]).cast(pl.Int64)
    bulk = _BULK_UPDATE + (u["when"] * 3600).cast(pl.Int64)
    soon = pl.col("created") + (u["delay"] * 30).cast(pl.Int64)
    caught_up = pl.when((u["bulk"] < 0.1) & (pl.col("created") < _BULK_UPDATE)).then(bulk).otherwise(soon)
    return pl.when(u["late"] < 0.35).then(later).otherwise(caught_up)


def _template(u: dict[str, pl.Expr], records: int, templates: int) -> pl.Expr:
    """Choose a template whose publication year is not later than the year of creation, or an odd one."""
    published = years(templates)
    limits = {year: bisect_right(published, year) for year in range(1970, LAST_YEAR + 2)}
    limit = pl.from_epoch("created").dt.year().cast(pl.Int64).replace_strict(limits, return_dtype=pl.Int64)
    usual = (limit * u["template"] ** 0.6).cast(pl.Int64)
    every = records // max(records // 200, min(oddities.COUNT, records // 10), 1)
    turn = (pl.col("serial") // every % oddities.COUNT).cast(pl.Int64)
    return pl.when(pl.col("serial") % every == every // 2).then(templates + turn).otherwise(usual)


def uids(pick: pl.Expr, roster: Roster) -> pl.Expr:
    """Write the DOI of each row, unique by serial, in the style of its client."""
    first = [known[0] for known in roster.prefixes_of_clients]
    last = [known[-1] for known in roster.prefixes_of_clients]
    words = [name.partition(".")[2] for name in roster.client_ids]
    number = (pl.col("serial") * 48_271 % _PRIME).cast(pl.String)
    padded = number.str.zfill(8)
    prefix = pl.when(pick < 0.8).then(_of_client(first)).otherwise(_of_client(last))
    style = pl.col("client") % 4
    suffix = (
        pl.when(style == 0)
        .then(pl.concat_str(_of_client(words), pl.lit("."), number))
        .when(style == 1)
        .then(pl.concat_str(padded.str.head(4), pl.lit("-"), padded.str.tail(4)))
        .when(style == 2)
        .then(pl.concat_str(pl.lit("k9/ds_"), number, pl.lit("/v1")))
        .otherwise(pl.concat_str(pl.lit("m9.figshare."), padded))
    )
    return pl.concat_str(prefix, pl.lit("/"), suffix)


def _of_client(values: list[str]) -> pl.Expr:
    return pl.lit(pl.Series(values)).gather(pl.col("client"))


def _odd_suffixes(records: int) -> pl.Expr:
    step = max(1, records // (len(oddities.SUFFIXES) + 1))
    odd = {step * (number + 1) - 1: text for number, text in enumerate(oddities.SUFFIXES)}
    suffix = pl.col("serial").cast(pl.Int64).replace_strict(odd, default=None, return_dtype=pl.String)
    prefix = pl.col("uid").str.extract(r"^([^/]+/)")
    return pl.coalesce(pl.concat_str(prefix, suffix), pl.col("uid"))


def additions(frame: pl.DataFrame, count: int, at: int, roster: Roster, templates: int) -> pl.DataFrame:
    """Make rows for records added to an index at a time in epoch seconds."""
    first = frame.select(pl.col("serial").max()).item() + 1
    fresh = pl.DataFrame({"serial": pl.int_range(first, first + count, dtype=pl.UInt64, eager=True)})
    by = salt(at, "additions")
    fresh = fresh.with_columns(
        created=pl.lit(at, dtype=pl.Int64),
        updated=pl.lit(at, dtype=pl.Int64),
        registered=pl.lit(at, dtype=pl.Int64),
        client=(len(roster.client_ids) * chance(pl.col("serial"), by)).cast(pl.UInt32),
        template=(templates * chance(pl.col("serial"), by + 1)).cast(pl.UInt32),
        version=pl.lit(0),
    )
    return finish(fresh.with_columns(uid=uids(chance(pl.col("serial"), by + 2), roster)))
