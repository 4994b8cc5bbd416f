"""Texts that say nothing, or not what was meant: empty, placeholders, markup, broken encoding."""

import polars as pl

from etl.audit.checks import DAMAGE, MARKUP, PLACEHOLDER
from etl.audit.words import Rule, Severity, filled

_PLACES = (
    ("title", "Title", "doi_titles", "title"),
    ("creator", "Name of a creator", "doi_creators", "name"),
    ("publisher", "Publisher", "dois", "publisher"),
    ("description", "Description", "doi_descriptions", "description"),
    ("subject", "Subject", "doi_subjects", "subject"),
)
_EMPTY_BESIDE = {"creator": "family_name"}

_EMPTY = tuple(
    Rule(
        id=f"{key}-empty",
        title=f"{title} that is there but empty",
        severity=Severity.ERROR if key in {"title", "creator", "publisher"} else Severity.NOTE,
        advice="Fill it, or remove the entry.",
        table=table,
        bad=~filled(pl.coalesce(column, _EMPTY_BESIDE.get(key, column)))
        if table != "dois"
        else pl.col(column).is_not_null() & ~filled(pl.col(column)),
        value=pl.coalesce(pl.col(column), pl.lit("")),
    )
    for key, title, table, column in _PLACES
)

_PLACEHOLDERS = tuple(
    Rule(
        id=f"{key}-placeholder",
        title=f"{title} that is a placeholder",
        severity=Severity.WARNING,
        advice="Put the real value; codes such as :unav are for what nobody will ever know.",
        table=table,
        bad=pl.col(column).str.contains(PLACEHOLDER),
        value=column,
    )
    for key, title, table, column in _PLACES
)

_DAMAGED = tuple(
    Rule(
        id=f"{key}-encoding",
        title=f"{title} with broken characters",
        severity=Severity.ERROR,
        advice="The text was saved in one encoding and read in another; register it again as UTF-8.",
        table=table,
        bad=pl.col(column).str.contains(DAMAGE),
        value=column,
    )
    for key, title, table, column in _PLACES
)

RULES = (
    *_EMPTY,
    *_PLACEHOLDERS,
    *_DAMAGED,
    Rule(
        id="title-markup",
        title="HTML in a title",
        severity=Severity.WARNING,
        advice="Titles are plain text: put Unicode characters in place of tags and entities.",
        table="doi_titles",
        bad=pl.col("title").str.contains(MARKUP),
        value="title",
    ),
)
