"""Texts without meaning, or with the wrong one: empty, placeholders, markup, broken encoding."""

import polars as pl

from etl.audit.checks import DAMAGE, MARKUP, PLACEHOLDER
from etl.audit.words import Rule, Severity, is_filled

_PLACES = (
    ("title", "Title", "doi_titles", "title"),
    ("creator", "Creator name", "doi_creators", "name"),
    ("publisher", "Publisher", "dois", "publisher"),
    ("description", "Description", "doi_descriptions", "description"),
    ("subject", "Subject", "doi_subjects", "subject"),
)
_EMPTY_BESIDE = {"creator": "family_name"}

_EMPTY = tuple(
    Rule(
        id=f"{key}-empty",
        title=f"Empty {title.lower()}",
        severity=Severity.ERROR if key in {"title", "creator", "publisher"} else Severity.NOTE,
        advice="Fill it in, or remove the entry.",
        table=table,
        bad=~is_filled(pl.coalesce(column, _EMPTY_BESIDE.get(key, column)))
        if table != "dois"
        else pl.col(column).is_not_null() & ~is_filled(pl.col(column)),
        value=pl.coalesce(pl.col(column), pl.lit("")),
    )
    for key, title, table, column in _PLACES
)

_PLACEHOLDERS = tuple(
    Rule(
        id=f"{key}-placeholder",
        title=f"Placeholder in place of a {title.lower()}",
        severity=Severity.WARNING,
        advice="Enter the real value; codes such as :unav are for values that nobody will ever know.",
        table=table,
        bad=pl.col(column).str.contains(PLACEHOLDER),
        value=column,
    )
    for key, title, table, column in _PLACES
)

_DAMAGED = tuple(
    Rule(
        id=f"{key}-encoding",
        title=f"Broken characters ({title.lower()})",
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
        advice="Titles are plain text: replace tags and entities with Unicode characters.",
        table="doi_titles",
        bad=pl.col("title").str.contains(MARKUP),
        value="title",
    ),
)
