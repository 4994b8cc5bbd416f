"""Licences as SPDX ids: from stated identifiers, otherwise from well-known URLs of licence texts, also within text.

Only URLs that name a licence and its version count. GNU's URLs do not say "or later", so they mean the `-only` ids.
"""

from functools import cache

import polars as pl

from etl.normalise.distinct import read_distinct
from etl.normalise.spdx_ids import IDS

_CREATIVE_COMMONS = r"^creativecommons\.org/licen[cs]es?/([a-z-]+)/([0-9.]+[0-9])(?:/([a-z]{2,3}))?(?:/|$)"

_WITHIN = r"(?i)(creativecommons\.org/[a-z0-9./-]*[a-z0-9/])"

_ADDRESSES = (
    (r"^creativecommons\.org/publicdomain/zero/1\.0(?:/.*)?$", "cc0-1.0"),
    (r"^creativecommons\.org/publicdomain/mark/1\.0(?:/.*)?$", "cc-pdm-1.0"),
    (r"^(?:spdx|opensource)\.org/licen[cs]es?/([^/]+)$", "$1"),
    (r"^apache\.org/licenses/license-([0-9.]+[0-9])$", "apache-$1"),
    (r"^gnu\.org/(?:copyleft|licenses)/(?:old-licenses/)?([al]?gpl|fdl)-([0-9]\.[0-9])(?:[-.].*)?$", "$1-$2-only"),
    (r"^opendatacommons\.org/licenses/odbl(?:/.*)?$", "odbl-1.0"),
    (r"^opendatacommons\.org/licenses/by(?:/.*)?$", "odc-by-1.0"),
    (r"^opendatacommons\.org/licenses/pddl(?:/.*)?$", "pddl-1.0"),
    (r"^mozilla\.org/(?:en-us/)?mpl/([0-9.]+[0-9])(?:/.*)?$", "mpl-$1"),
    (r"^nationalarchives\.gov\.uk/doc/open-government-licence/version/([0-9])$", "ogl-uk-$1.0"),
)
"""URLs without scheme, `www.`, file ending and last slash, in lower case, with their ids."""

_OTHER_NAMES = {
    "apache2.0": "apache-2.0",
    "apachelicense-2.0": "apache-2.0",
    "bsd-license": "bsd-2-clause",
    "fdl-1.1-only": "gfdl-1.1-only",
    "fdl-1.2-only": "gfdl-1.2-only",
    "fdl-1.3-only": "gfdl-1.3-only",
    "gpl-2.0": "gpl-2.0-only",
    "gpl-3.0": "gpl-3.0-only",
    "agpl-3.0": "agpl-3.0-only",
    "lgpl-2.1": "lgpl-2.1-only",
    "lgpl-3.0": "lgpl-3.0-only",
    "mit-license": "mit",
}
"""Last parts of URLs that are not ids of the list, or deprecated ones."""


def spdx(identifier: pl.Expr, scheme: pl.Expr, uri: pl.Expr, text: pl.Expr) -> pl.Expr:
    """Return the SPDX id, in the list's spelling, of an identifier, otherwise of a well-known URL.

    An identifier without a scheme counts if it is listed. Without a URL, a Creative Commons URL in the text counts.
    """
    named = _is_spdx(scheme) | _is_blank(scheme)
    address = pl.when(_is_blank(uri)).then(text.str.extract(_WITHIN)).otherwise(uri)
    stated = pl.when(named).then(identifier.str.strip_chars().str.to_lowercase())
    return pl.coalesce(_listed(stated), read_distinct(_of_addresses, address, dtype=pl.String))


def spdx_valid(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    """Return whether a stated SPDX id is on the list; null if none is stated."""
    stated = _stated(identifier, scheme)
    return pl.when(stated.is_not_null()).then(_listed(stated).is_not_null())


def _stated(identifier: pl.Expr, scheme: pl.Expr) -> pl.Expr:
    return pl.when(_is_spdx(scheme)).then(identifier.str.strip_chars().str.to_lowercase())


def _is_spdx(scheme: pl.Expr) -> pl.Expr:
    return (scheme.str.strip_chars().str.to_lowercase() == "spdx").fill_null(value=False)


def _is_blank(text: pl.Expr) -> pl.Expr:
    return (text.str.strip_chars() == "").fill_null(value=True)


def _of_addresses(uris: pl.DataFrame) -> pl.DataFrame:
    address = pl.col("0").str.strip_chars().str.to_lowercase().str.replace(r"^https?://(?:www\.)?", "")
    known = uris.with_columns(address=address.str.replace(r"(?:\.(?:html?|txt|php|en))*/*$", ""))
    groups = known.with_columns(found=pl.col("address").str.extract_groups(_CREATIVE_COMMONS)).unnest("found")
    common = groups.with_columns(common=pl.concat_str(pl.lit("cc"), "1", "2", separator="-"))
    ported = pl.concat_str("common", "3", separator="-")
    other = pl.when(pl.col("address").str.contains("/")).then(_rewritten(pl.col("address")).replace(_OTHER_NAMES))
    return common.with_columns(result=pl.coalesce(_listed(ported), _listed(pl.col("common")), _listed(other)))


def _rewritten(address: pl.Expr) -> pl.Expr:
    for pattern, meaning in _ADDRESSES:
        address = address.str.replace(pattern, meaning)
    return address


def _listed(text: pl.Expr) -> pl.Expr:
    return text.replace_strict(_spellings(), default=None, return_dtype=pl.String)


@cache
def _spellings() -> dict[str, str]:
    return {name.lower(): name for name in IDS.split()}
