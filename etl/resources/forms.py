"""How values of filters are written: a pattern that checks a value, and its description."""

import re

from etl.schema.declarations import Form

YEAR = Form(r"\d{4}", "a year such as 2019")
YEARS = Form(r"\d{4}(,\d{4})*", "a year, or years separated by commas: 2015 or 2015,2019")
SPAN = Form(r"\d{4}(-\d{4})?", "a year, or the first and the last: 2018 or 2018-2020")
MONTH = Form(r"\d{4}-\d{2}", "a month such as 2019-08")
PERIOD = Form(r"\d{4}(-\d{2}){0,2}", "a year, a month or a day: 2019, 2019-08 or 2019-08-31")
COUNT = Form(r"[1-9]\d*", "a whole number from 1")
NUMBER = Form(r"\d+", "a whole number")
TRUE = Form("true", "only true; leave it out otherwise")


def one_of(*values: str) -> Form:
    """Allow only these values."""
    return Form("|".join(map(re.escape, values)), " or ".join(values))
