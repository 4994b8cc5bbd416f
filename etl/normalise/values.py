"""Small readings: numbers out of text, the spelling of type ids, the first of several columns that has a value."""

import polars as pl


def coordinate(text: pl.Expr) -> pl.Expr:
    """Read degrees; a decimal comma and a typographic minus are understood, bounds are not checked."""
    plain = text.str.strip_chars().str.replace("−", "-", literal=True)
    number = plain.str.replace(r"^([-+]?[0-9]+),([0-9]+)$", "$1.$2").cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def kebab(text: pl.Expr) -> pl.Expr:
    """Spell a name as the API spells ids: `JournalArticle` becomes `journal-article`."""
    return text.str.replace_all(r"([a-z0-9])([A-Z])", "$1-$2").str.to_lowercase()


def first_of(*columns: pl.Expr) -> pl.Expr:
    """Take the first value that is not null."""
    return pl.coalesce(*columns)


def before_bar(text: pl.Expr) -> pl.Expr:
    """Take what stands before the first `|`, all if there is none."""
    return text.str.extract(r"^([^|]*)")


def schema_version(namespace: pl.Expr) -> pl.Expr:
    """Return the number at the end of a DataCite namespace: 4 of `http://datacite.org/schema/kernel-4`."""
    return namespace.str.extract(r"kernel-([0-9.]*[0-9])$")
