"""Identifiers and addresses: their form, and their check digits where they have one."""

import polars as pl

from etl.audit.checks import ADDRESS, isbn_valid, issn_valid
from etl.audit.words import Rule, Severity, filled

_CROSSREF_OR_ROR = ["Crossref Funder ID", "ROR"]

RULES = (
    Rule(
        id="doi-form",
        title="DOI of an unusual form",
        severity=Severity.ERROR,
        advice="A DOI is 10., a number, a slash and a suffix without blanks; check how it was registered.",
        bad=~pl.col("doi").str.contains(r"^10\.[0-9]{4,9}(?:\.[0-9]+)*/\S+$"),
        value="doi",
    ),
    Rule(
        id="landing-page-form",
        title="Landing page that is no web address",
        severity=Severity.ERROR,
        advice="Register a full address that begins with https:// and has no blanks.",
        among=filled(pl.col("url")),
        bad=~pl.col("url").str.strip_chars().str.contains(ADDRESS),
        value="url",
    ),
    *(
        Rule(
            id=f"{who}-orcid",
            title=f"ORCID iD of a {who} that cannot be right",
            severity=Severity.ERROR,
            advice="Compare with orcid.org: a digit is wrong, or something else was put where the ORCID iD belongs.",
            table=f"doi_{who}_identifiers",
            bad=~pl.col("orcid_valid"),
            value="name_identifier",
        )
        for who in ("creator", "contributor")
    ),
    *(
        Rule(
            id=f"{who}-affiliation-ror",
            title=f"ROR id of a {who}'s affiliation that cannot be right",
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
        title="Funder identifier that is not what its type says",
        severity=Severity.WARNING,
        advice="A Crossref Funder ID is a DOI that begins with 10.13039/, a ROR id is an address at ror.org.",
        table="doi_funding_references",
        among=filled(pl.col("funder_identifier")) & pl.col("funder_identifier_type").is_in(_CROSSREF_OR_ROR),
        bad=pl.col("funder_doi").is_null() & ~pl.col("funder_ror_valid").fill_null(value=False),
        value="funder_identifier",
    ),
    Rule(
        id="issn",
        title="ISSN with a wrong form or check digit",
        severity=Severity.ERROR,
        advice="An ISSN has eight digits, 1234-567X; compare with portal.issn.org.",
        table="doi_related_identifiers",
        among=filled(pl.col("related_identifier"))
        & pl.col("related_identifier_type").is_in(["ISSN", "EISSN", "LISSN"]),
        bad=~issn_valid(pl.col("related_identifier")),
        value="related_identifier",
    ),
    Rule(
        id="isbn",
        title="ISBN with a wrong form or check digit",
        severity=Severity.ERROR,
        advice="An ISBN has 13 digits and begins with 978 or 979, or has 10; copy it from the imprint.",
        table="doi_related_identifiers",
        among=filled(pl.col("related_identifier")) & (pl.col("related_identifier_type") == "ISBN"),
        bad=~isbn_valid(pl.col("related_identifier")),
        value="related_identifier",
    ),
    Rule(
        id="related-doi",
        title="Related DOI that is none",
        severity=Severity.ERROR,
        advice="State the DOI as 10.1234/abc or https://doi.org/10.1234/abc, or give the identifier its true type.",
        table="doi_related_identifiers",
        among=filled(pl.col("related_identifier")) & (pl.col("related_identifier_type") == "DOI"),
        bad=pl.col("related_doi").is_null(),
        value="related_identifier",
    ),
    Rule(
        id="related-url",
        title="Related URL that is no web address",
        severity=Severity.WARNING,
        advice="State the full address with https://, or give the identifier its true type.",
        table="doi_related_identifiers",
        among=filled(pl.col("related_identifier")) & (pl.col("related_identifier_type") == "URL"),
        bad=~pl.col("related_identifier").str.strip_chars().str.contains(ADDRESS),
        value="related_identifier",
    ),
    Rule(
        id="related-empty",
        title="Relation without an identifier",
        severity=Severity.ERROR,
        advice="State what is related, or remove the relation.",
        table="doi_related_identifiers",
        bad=~filled(pl.col("related_identifier")),
        value=pl.concat_str(pl.col("relation_type").fill_null("?"), pl.lit(" without identifier")),
    ),
    Rule(
        id="licence-spdx",
        title="Licence identifier that SPDX does not list",
        severity=Severity.WARNING,
        advice="Use an id of spdx.org/licenses, such as CC-BY-4.0.",
        table="doi_rights",
        bad=~pl.col("spdx_valid"),
        value="rights_identifier",
    ),
    Rule(
        id="licence-address",
        title="Address of a licence that is none",
        severity=Severity.WARNING,
        advice="State the full address of the licence text with https://.",
        table="doi_rights",
        among=filled(pl.col("rights_uri")),
        bad=~pl.col("rights_uri").str.strip_chars().str.contains(ADDRESS),
        value="rights_uri",
    ),
)
