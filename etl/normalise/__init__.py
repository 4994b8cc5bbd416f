"""Normalise free text: polars expressions that read dates, identifiers, licences and coordinates.

Every function takes and returns expressions, works on whole columns, and never fails: invalid text is null. A `…_valid`
column is null if nothing of the kind is stated, and false if what is stated is invalid.
"""

from etl.normalise.dates import date_end, date_reversed, date_start, year
from etl.normalise.identifiers import doi, doi_prefix, doi_suffix, funder_doi, orcid, orcid_valid, ror, ror_valid
from etl.normalise.licences import spdx, spdx_valid
from etl.normalise.values import before_bar, coordinate, first_of, kebab, schema_version

__all__ = [
    "before_bar",
    "coordinate",
    "date_end",
    "date_reversed",
    "date_start",
    "doi",
    "doi_prefix",
    "doi_suffix",
    "first_of",
    "funder_doi",
    "kebab",
    "orcid",
    "orcid_valid",
    "ror",
    "ror_valid",
    "schema_version",
    "spdx",
    "spdx_valid",
    "year",
]
