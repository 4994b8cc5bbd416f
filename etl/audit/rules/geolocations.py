"""Coordinates: numeric, within range, and in the right order."""

import polars as pl

from etl.audit.words import Rule, Severity, is_filled

_LAT, _LON = pl.col("latitude"), pl.col("longitude")
_POINT = pl.concat_str("point_latitude", "point_longitude", separator=", ", ignore_nulls=True)
_BOX = pl.concat_str(
    "west_bound_longitude", "south_bound_latitude", "east_bound_longitude", "north_bound_latitude",
    separator=", ", ignore_nulls=True,
)  # fmt: skip
_TEXTS = {
    "point_latitude": "latitude",
    "point_longitude": "longitude",
    "west_bound_longitude": "west",
    "east_bound_longitude": "east",
    "south_bound_latitude": "south",
    "north_bound_latitude": "north",
}
_SWAPPED = (_LAT.abs() > 90) & (_LAT.abs() <= 180) & (_LON.abs() <= 90)

RULES = (
    Rule(
        id="coordinates-swapped",
        title="Latitude and longitude probably swapped",
        severity=Severity.ERROR,
        advice="Latitude, the north-south value, ranges from -90 to 90; swap the two numbers.",
        table="doi_geo_locations",
        bad=_SWAPPED,
        value=_POINT,
    ),
    Rule(
        id="coordinates-range",
        title="Point out of range",
        severity=Severity.ERROR,
        advice="Latitudes range from -90 to 90, longitudes from -180 to 180; projected coordinates do not fit.",
        table="doi_geo_locations",
        bad=((_LAT.abs() > 90) | (_LON.abs() > 180)) & ~_SWAPPED.fill_null(value=False),
        value=_POINT,
    ),
    Rule(
        id="box-range",
        title="Box out of range",
        severity=Severity.ERROR,
        advice="Latitudes range from -90 to 90, longitudes from -180 to 180 degrees.",
        table="doi_geo_locations",
        bad=pl.max_horizontal(pl.col("south").abs(), pl.col("north").abs()).gt(90)
        | pl.max_horizontal(pl.col("west").abs(), pl.col("east").abs()).gt(180),
        value=_BOX,
    ),
    Rule(
        id="box-upside-down",
        title="Box with south and north swapped",
        severity=Severity.ERROR,
        advice="Swap the two latitudes of the box.",
        table="doi_geo_locations",
        bad=pl.col("south") > pl.col("north"),
        value=_BOX,
    ),
    Rule(
        id="coordinates-unreadable",
        title="Invalid coordinate",
        severity=Severity.WARNING,
        advice="Write degrees as a decimal number such as 52.5163.",
        table="doi_geo_locations",
        bad=pl.any_horizontal([is_filled(pl.col(text)) & pl.col(number).is_null() for text, number in _TEXTS.items()]),
        value=pl.concat_str(_POINT, _BOX, separator=" "),
    ),
    Rule(
        id="coordinates-zero",
        title="Point at 0, 0",
        severity=Severity.NOTE,
        advice="This point is in the Gulf of Guinea; usually the place was unknown. Correct or remove it.",
        table="doi_geo_locations",
        bad=(_LAT == 0) & (_LON == 0),
        value=_POINT,
    ),
)
