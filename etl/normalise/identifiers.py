"""Persistent identifiers in canonical form: DOI, ORCID iD and ROR id, and whether their checksums are valid.

Nothing is looked up: a valid id may still not exist.
"""

import polars as pl

from etl.normalise.distinct import read_distinct

_DOI = (
    r"(?i)^(?:doi:\s*|info:doi/|(?:https?://)?(?:(?:dx|www)\.)?doi\.org/"
    r"|(?:https?://)?data\.crossref\.org/fundingdata/funder/)*(10\.[0-9]+(?:\.[0-9]+)*/\S+)$"
)
_KIND_DOI = r"(?i)^\s*doi\s*$"
_CLAIMS_DOI = r"(?i)^doi:|doi\.org/|^info:doi/"
_ORCID = (
    r"(?i)^(?:(?:https?://)?(?:www\.)?orcid\.org/|orcid:?\s*)*"
    r"([0-9]{4}-?[0-9]{4}-?[0-9]{4}-?[0-9]{3}[0-9x])/?$"
)
_ROR = r"(?i)^(?:(?:https?://)?(?:www\.)?ror\.org/|ror:\s*)*(0[a-hj-km-np-tv-z0-9]{6}[0-9]{2})/?$"

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_BASE32 = "0123456789abcdefghijklmnopqrstuv"


def doi(identifier: pl.Expr, kind: pl.Expr) -> pl.Expr:
    """Return the bare lower-case DOI of an identifier that its type or its own spelling calls one."""
    plain = identifier.str.strip_chars()
    claimed = _says(kind, _KIND_DOI) | _says(plain, _CLAIMS_DOI)
    return pl.when(claimed).then(_doi(plain))


def funder_doi(identifier: pl.Expr, kind: pl.Expr) -> pl.Expr:
    """Return the DOI of a Crossref Funder ID, which is often written without its prefix 10.13039."""
    plain = identifier.str.strip_chars()
    crossref = _says(kind, "(?i)crossref")
    number = pl.when(crossref).then(plain.str.extract(r"^([0-9]{6,12})$"))
    claimed = crossref | _says(kind, _KIND_DOI) | _says(plain, rf"{_CLAIMS_DOI}|^10\.13039/")
    return pl.when(claimed).then(pl.coalesce(_doi(plain), pl.concat_str(pl.lit("10.13039/"), number)))


def doi_prefix(name: pl.Expr) -> pl.Expr:
    """Return the part of a DOI before the first slash."""
    return name.str.extract(r"^([^/]+)/")


def doi_suffix(name: pl.Expr) -> pl.Expr:
    """Return the part of a DOI after the first slash."""
    return name.str.extract(r"(?s)^[^/]+/(.*)$")


def orcid(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    """Return the ORCID iD as https://orcid.org/0000-0000-0000-000X; its check digit may be wrong."""
    digits = _orcid_digits(identifier, scheme)
    return digits.str.replace(r"^(.{4})(.{4})(.{4})(.{4})$", "https://orcid.org/${1}-${2}-${3}-${4}")


def orcid_valid(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    """Return whether a stated ORCID iD is valid by ISO 7064 MOD 11-2; null if none is stated."""
    valid = read_distinct(_checked, _orcid_digits(identifier, scheme), dtype=pl.Boolean)
    return pl.when(_claims_orcid(identifier, scheme)).then(valid.fill_null(value=False))


def ror(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    """Return the ROR id as https://ror.org/0xxxxxxxx; its checksum may be wrong."""
    return read_distinct(_canonical_ror, identifier, scheme, dtype=pl.String)


def ror_valid(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    """Return whether a stated ROR id has a valid checksum (ISO 7064 MOD 97-10); null if none is stated."""
    return read_distinct(_checked_ror, identifier, scheme, dtype=pl.Boolean)


def _canonical_ror(claims: pl.DataFrame) -> pl.DataFrame:
    name = _ror_name(pl.col("0"), pl.col("1"))
    return claims.with_columns(result=pl.concat_str(pl.lit("https://ror.org/"), name))


def _checked_ror(claims: pl.DataFrame) -> pl.DataFrame:
    named = claims.with_columns(name=_ror_name(pl.col("0"), pl.col("1")))
    standard = pl.col("name").str.slice(1, 6).str.replace_many(list(_CROCKFORD), list(_BASE32))
    number = standard.str.to_integer(base=32, dtype=pl.Int64, strict=False)
    check = pl.col("name").str.slice(7, 2).cast(pl.Int64, strict=False)
    right = ((98 - number * 100 % 97) == check).fill_null(value=False)
    return named.with_columns(result=pl.when(_claims_ror(pl.col("0"), pl.col("1"))).then(right))


def _doi(plain: pl.Expr) -> pl.Expr:
    return plain.str.replace(r"(?i)%2f", "/").str.extract(_DOI).str.to_lowercase()


def _checked(digits: pl.DataFrame) -> pl.DataFrame:
    """Check sixteen digits, the last perhaps an X for ten: their sum by powers of two is 1 modulo 11."""
    parts = digits.with_columns(
        number=pl.col("0").str.slice(0, 15).cast(pl.Int64, strict=False),
        check=pl.col("0").str.slice(15, 1).replace("X", "10").cast(pl.Int64, strict=False),
    )
    weighed = [pl.col("number") // 10**place % 10 * (2 ** (place + 1) % 11) for place in range(15)]
    return parts.with_columns(result=(pl.sum_horizontal(weighed, ignore_nulls=False) + pl.col("check")) % 11 == 1)


def _orcid_digits(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    number = identifier.str.strip_chars().str.extract(_ORCID)
    claimed = pl.when(_claims_orcid(identifier, scheme)).then(number)
    return claimed.str.replace_all("-", "", literal=True).str.to_uppercase()


def _ror_name(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    name = identifier.str.strip_chars().str.extract(_ROR)
    return pl.when(_claims_ror(identifier, scheme)).then(name.str.to_lowercase())


def _claims_orcid(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    """Return where an ORCID iD is stated: sixteen digits alone may be an ISNI."""
    return identifier.is_not_null() & (_says(scheme, "(?i)orcid") | _says(identifier, r"(?i)orcid\.org/|^\s*orcid:"))


def _claims_ror(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    named = _says(scheme, r"(?i)^\s*ror\s*$|ror\.org") | _says(identifier, r"(?i)\bror\.org/|^\s*ror:")
    return identifier.is_not_null() & named


def _says(text: pl.Expr, pattern: str) -> pl.Expr:
    return text.str.contains(pattern).fill_null(value=False)
