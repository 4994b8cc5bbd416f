"""Identifiers and URLs: their form, and their check digits."""

import polars as pl

from etl.audit.checks import ADDRESS, isbn_valid, issn_valid
from etl.audit.words import Rule, Severity, is_filled

_CROSSREF_OR_ROR = ["Crossref Funder ID", "ROR"]

RULES = (
    Rule(
        id="doi-form",
        title="Unusual DOI",
        severity=Severity.ERROR,
        advice="A DOI consists of 10., a number, a slash and a suffix without blanks; check how it was registered.",
        bad=~pl.col("doi").str.contains(r"^10\.[0-9]{4,9}(?:\.[0-9]+)*/\S+$"),
        value="doi",
    ),
    Rule(
        id="landing-page-form",
        title="Invalid landing page URL",
        severity=Severity.ERROR,
        advice="Register a full URL that begins with https:// and has no blanks.",
        among=is_filled(pl.col("url")),
        bad=~pl.col("url").str.strip_chars().str.contains(ADDRESS),
        value="url",
    ),
    *(
        Rule(
            id=f"{who}-orcid",
            title=f"Invalid ORCID iD ({who})",
            severity=Severity.ERROR,
            advice="Look the person up at orcid.org: a digit is wrong, or the field contains something else.",
            table=f"doi_{who}_identifiers",
            bad=~pl.col("orcid_valid"),
            value="name_identifier",
        )
        for who in ("creator", "contributor")
    ),
    *(
        Rule(
            id=f"{who}-affiliation-ror",
            title=f"Invalid ROR id (affiliation of a {who})",
            severity=Severity.ERROR,
            advice="Look the organisation up at ror.org and copy its id.",
            table=f"doi_{who}_affiliations",
            bad=~pl.col("ror_valid"),
            value="affiliation_identifier",
        )
        for who in ("creator", "contributor")
    ),
    Rule(
        id="funder-identifier",
        title="Funder identifier does not match its type",
        severity=Severity.WARNING,
        advice="A Crossref Funder ID is a DOI that begins with 10.13039/; a ROR id is a URL at ror.org.",
        table="doi_funding_references",
        among=is_filled(pl.col("funder_identifier")) & pl.col("funder_identifier_type").is_in(_CROSSREF_OR_ROR),
        bad=pl.col("funder_doi").is_null() & ~pl.col("funder_ror_valid").fill_null(value=False),
        value="funder_identifier",
    ),
    Rule(
        id="issn",
        title="Invalid ISSN",
        severity=Severity.ERROR,
        advice="An ISSN has eight digits, as in 1234-567X; look it up at portal.issn.org.",
        table="doi_related_identifiers",
        among=is_filled(pl.col("related_identifier"))
        & pl.col("related_identifier_type").is_in(["ISSN", "EISSN", "LISSN"]),
        bad=~issn_valid(pl.col("related_identifier")),
        value="related_identifier",
    ),
    Rule(
        id="isbn",
        title="Invalid ISBN",
        severity=Severity.ERROR,
        advice="An ISBN has 13 digits and begins with 978 or 979, or has 10 digits; copy it from the imprint.",
        table="doi_related_identifiers",
        among=is_filled(pl.col("related_identifier")) & (pl.col("related_identifier_type") == "ISBN"),
        bad=~isbn_valid(pl.col("related_identifier")),
        value="related_identifier",
    ),
    Rule(
        id="related-doi",
        title="Invalid related DOI",
        severity=Severity.ERROR,
        advice="Write the DOI as 10.1234/abc or https://doi.org/10.1234/abc, or correct the identifier type.",
        table="doi_related_identifiers",
        among=is_filled(pl.col("related_identifier")) & (pl.col("related_identifier_type") == "DOI"),
        bad=pl.col("related_doi").is_null(),
        value="related_identifier",
    ),
    Rule(
        id="related-url",
        title="Invalid related URL",
        severity=Severity.WARNING,
        advice="Write the full URL with https://, or correct the identifier type.",
        table="doi_related_identifiers",
        among=is_filled(pl.col("related_identifier")) & (pl.col("related_identifier_type") == "URL"),
        bad=~pl.col("related_identifier").str.strip_chars().str.contains(ADDRESS),
        value="related_identifier",
    ),
    Rule(
        id="related-empty",
        title="Empty related identifier",
        severity=Severity.ERROR,
        advice="Fill in the related identifier, or remove the relation.",
        table="doi_related_identifiers",
        bad=~is_filled(pl.col("related_identifier")),
        value=pl.concat_str(pl.col("relation_type").fill_null("?"), pl.lit(" without identifier")),
    ),
    Rule(
        id="licence-spdx",
        title="Unknown SPDX licence id",
        severity=Severity.WARNING,
        advice="Use an id of spdx.org/licenses, such as CC-BY-4.0.",
        table="doi_rights",
        bad=~pl.col("spdx_valid"),
        value="rights_identifier",
    ),
    Rule(
        id="licence-address",
        title="Invalid licence URL",
        severity=Severity.WARNING,
        advice="Write the full URL of the licence text with https://.",
        table="doi_rights",
        among=is_filled(pl.col("rights_uri")),
        bad=~pl.col("rights_uri").str.strip_chars().str.contains(ADDRESS),
        value="rights_uri",
    ),
)
