"""Languages as BCP 47 tags."""

import polars as pl

from etl.audit.checks import language_known, language_long
from etl.audit.words import Rule, Severity, is_filled

_LANGUAGE = pl.col("language")

RULES = (
    Rule(
        id="language-unknown",
        title="Invalid language tag",
        severity=Severity.WARNING,
        advice="Use a BCP 47 tag such as en, de or pt-BR, not the language's name.",
        among=is_filled(_LANGUAGE),
        bad=~language_known(_LANGUAGE),
        value="language",
    ),
    Rule(
        id="language-three-letters",
        title="Three-letter language code instead of the two-letter one",
        severity=Severity.NOTE,
        advice="BCP 47 requires the shorter code: en instead of eng.",
        among=is_filled(_LANGUAGE),
        bad=language_long(_LANGUAGE) & language_known(_LANGUAGE),
        value="language",
    ),
    Rule(
        id="title-language",
        title="Invalid language tag (title)",
        severity=Severity.NOTE,
        advice="Use a BCP 47 tag such as en, de or pt-BR.",
        table="doi_titles",
        among=is_filled(pl.col("lang")),
        bad=~language_known(pl.col("lang")),
        value="lang",
    ),
)
