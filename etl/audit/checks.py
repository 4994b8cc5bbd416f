"""Checks of form and checksum that the tables have no column for: ISSN, ISBN, language tags, terms of a list."""

from collections.abc import Mapping

import polars as pl

from etl.audit.vocabularies import LANGUAGES, LONG_LANGUAGES

PLACEHOLDER = (
    r"(?i)^\s*(?:\(?:(?:unac|unal|unap|unas|unav|unkn|none|null|tba|etal)\)?|n\.?/?a\.?|none|null|nan|nil|tests?|testing"
    r"|test (?:title|doi|dataset|record)|unknown|undefined|untitled|no title|tbd|tba|todo|dummy|x{3,}|-+|\?+|\.+"
    r"|not (?:available|applicable|specified|provided)|lorem ipsum.*)\s*$"
)
"""What people and forms enter when a value is unknown; codes such as :unav are the schema's own (appendix 3)."""

MARKUP = r"</?[a-zA-Z][^<>]*>|&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]+|#x[0-9a-fA-F]+);"
DAMAGE = r"\x{FFFD}|Ã[\x{80}-\x{BF}‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|Â[\x{A0}-\x{BF}]|â€|â\x{80}|ï»¿"
"""UTF-8 read as Latin-1 or Windows-1252, and the replacement character."""
ADDRESS = r"(?i)^(?:https?|ftp)://[^\s/?#]+\.[^\s/?#]+(?:[/?#]\S*)?$"


def issn_valid(text: pl.Expr) -> pl.Expr:
    """Return whether a text is an ISSN with a valid check digit; the hyphen is optional."""
    plain = _plain(text).str.replace("^ISSN:?", "")
    return plain.str.contains("^[0-9]{7}[0-9X]$") & (_weighed(plain, range(8, 0, -1)) % 11 == 0)


def isbn_valid(text: pl.Expr) -> pl.Expr:
    """Return whether a text is an ISBN of 10 or 13 digits with a valid check digit; hyphens and blanks are ignored."""
    plain = _plain(text).str.replace("^ISBN(?:-?1[03])?:?", "")
    short = plain.str.contains("^[0-9]{9}[0-9X]$") & (_weighed(plain, range(10, 0, -1)) % 11 == 0)
    long = plain.str.contains("^97[89][0-9]{10}$") & (_weighed(plain, [1, 3] * 6 + [1]) % 10 == 0)
    return short | long


def language_known(tag: pl.Expr) -> pl.Expr:
    """Return whether a tag has the form of BCP 47 and a known two-letter code, or a three-letter code."""
    plain = tag.str.strip_chars()
    form = plain.str.contains(
        r"(?i)^[a-z]{2,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-x-.+)?$"
    )
    first = plain.str.to_lowercase().str.extract("^([a-z]+)")
    return form & (first.is_in(list(LANGUAGES)) | (first.str.len_bytes() == 3))


def language_long(tag: pl.Expr) -> pl.Expr:
    """Return whether a tag has a three-letter code although the language has a two-letter one."""
    return tag.str.strip_chars().str.to_lowercase().str.extract("^([a-z]+)").is_in(list(LONG_LANGUAGES))


def is_unlisted(term: pl.Expr, terms: Mapping[str, float]) -> pl.Expr:
    """Return whether a term is in no version of its list."""
    return ~term.is_in(list(terms))


def is_newer(term: pl.Expr, terms: Mapping[str, float], claimed: pl.Expr) -> pl.Expr:
    """Return whether a term is newer than the schema version of the record; a bare 4 means any 4.x."""
    since = term.replace_strict(dict(terms), default=None, return_dtype=pl.Float64)
    return since > pl.when(claimed == "4").then(pl.lit(4.9)).otherwise(claimed.cast(pl.Float64, strict=False))


def _plain(text: pl.Expr) -> pl.Expr:
    return text.str.to_uppercase().str.replace_all(r"[\s‐‑–-]", "")


def _weighed(digits: pl.Expr, weights: "range | list[int]") -> pl.Expr:
    """Sum digits times weights; X is ten."""
    return pl.sum_horizontal(
        [
            digits.str.slice(place, 1).replace("X", "10").cast(pl.Int64, strict=False) * weight
            for place, weight in enumerate(weights)
        ],
        ignore_nulls=False,
    )
