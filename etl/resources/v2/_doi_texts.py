"""The tables that describe the work itself: titles, subjects, dates, rights, places and so on."""

from etl import normalise
from etl.resources.columns import derived, json, text
from etl.schema.declarations import Column, Table, Type

LANG = text("lang", "lang", "Language of the text as a BCP 47 tag.")


def _number(name: str, column: str, description: str) -> Column:
    return derived(name, Type.FLOAT, normalise.coordinate, column, description=description)


TITLES = Table(
    name="doi_titles",
    description="Titles (DataCite property 3): one row per title, the main title usually first and without a type.",
    path="attributes.titles",
    columns=(
        text("title", "title", "The title."),
        text("title_type", "titleType", "AlternativeTitle, Subtitle, TranslatedTitle or Other; null for a main title."),
        LANG,
    ),
)

SUBJECTS = Table(
    name="doi_subjects",
    description="Subjects and keywords (property 6): one row per subject.",
    path="attributes.subjects",
    columns=(
        text("subject", "subject", "Subject, keyword or classification as text."),
        text(
            "subject_scheme", "subjectScheme", "Name of the vocabulary, such as Fields of Science and Technology (FOS)."
        ),
        text("scheme_uri", "schemeUri", "URL of the vocabulary."),
        text("value_uri", "valueUri", "URL of the term in the vocabulary."),
        text("classification_code", "classificationCode", "Code of the term in the vocabulary."),
        LANG,
    ),
)

DATES = Table(
    name="doi_dates",
    description="Dates (property 8): one row per date: the free text as stated, and the days it means.",
    path="attributes.dates",
    columns=(
        text("date", "date", "The date as stated: a year, month, day, time, range or free text."),
        text("date_type", "dateType", "What happened then: Issued, Created, Collected, Available and so on."),
        text("date_information", "dateInformation", "Free text about the date."),
        derived(
            "date_start",
            Type.DATE,
            normalise.date_start,
            "date",
            description="First day of the stated date; null for an open start, an invalid date and a reversed range.",
        ),
        derived(
            "date_end",
            Type.DATE,
            normalise.date_end,
            "date",
            description="Last day that the text means, inclusive; null for an open end, for no date and for a reversed "
            "range.",
        ),
    ),
)

DESCRIPTIONS = Table(
    name="doi_descriptions",
    description="Abstracts and other descriptions (property 17): one row per description; the text may contain HTML.",
    path="attributes.descriptions",
    columns=(
        text("description", "description", "The text."),
        text("description_type", "descriptionType", "Abstract, Methods, SeriesInformation, TableOfContents and so on."),
        LANG,
    ),
)

RIGHTS = Table(
    name="doi_rights",
    description="Licences and other rights statements (property 16): one row per statement.",
    path="attributes.rightsList",
    columns=(
        text("rights", "rights", "Name of the licence, or the rights statement."),
        text("rights_uri", "rightsUri", "URL of the licence."),
        text("rights_identifier", "rightsIdentifier", "Short identifier of the licence, such as cc-by-4.0."),
        text("rights_identifier_scheme", "rightsIdentifierScheme", "Scheme of the identifier, usually SPDX."),
        text("scheme_uri", "schemeUri", "URL of the scheme."),
        LANG,
        derived(
            "spdx",
            Type.STRING,
            normalise.spdx,
            "rights_identifier",
            "rights_identifier_scheme",
            "rights_uri",
            "rights",
            description="SPDX id of the licence: of the identifier (without a scheme, too, if listed), else of a "
            "well-known address, or without one of that of Creative Commons in the statement; null if none is known.",
        ),
        derived(
            "spdx_valid",
            Type.BOOL,
            normalise.spdx_valid,
            "rights_identifier",
            "rights_identifier_scheme",
            description="Whether the stated SPDX id is on the SPDX list; null if none is stated.",
        ),
    ),
)

GEO_LOCATIONS = Table(
    name="doi_geo_locations",
    description="Places (property 18): one row per place, with its name, point, box or polygon.",
    path="attributes.geoLocations",
    columns=(
        text("geo_location_place", "geoLocationPlace", "Name of the place."),
        text("point_latitude", "geoLocationPoint.pointLatitude", "Latitude of a point as stated."),
        text("point_longitude", "geoLocationPoint.pointLongitude", "Longitude of a point as stated."),
        text("west_bound_longitude", "geoLocationBox.westBoundLongitude", "Western edge of a box as stated."),
        text("east_bound_longitude", "geoLocationBox.eastBoundLongitude", "Eastern edge of a box as stated."),
        text("south_bound_latitude", "geoLocationBox.southBoundLatitude", "Southern edge of a box as stated."),
        text("north_bound_latitude", "geoLocationBox.northBoundLatitude", "Northern edge of a box as stated."),
        json("geo_location_polygon", "geoLocationPolygon", "Points of a polygon, or a list of polygons, as JSON."),
        _number("latitude", "point_latitude", "Latitude of a point in degrees; null if not a number."),
        _number("longitude", "point_longitude", "Longitude of a point in degrees; null if not a number."),
        _number("west", "west_bound_longitude", "Western edge of a box in degrees; null if not a number."),
        _number("east", "east_bound_longitude", "Eastern edge of a box in degrees; null if not a number."),
        _number("south", "south_bound_latitude", "Southern edge of a box in degrees; null if not a number."),
        _number("north", "north_bound_latitude", "Northern edge of a box in degrees; null if not a number."),
    ),
)

ALTERNATE_IDENTIFIERS = Table(
    name="doi_alternate_identifiers",
    description="Other identifiers of the work (property 11): one row per identifier.",
    path="attributes.identifiers",
    columns=(
        text("alternate_identifier", "identifier", "Local or other identifier; before 2020 also the DOI itself."),
        text("alternate_identifier_type", "identifierType", "Kind of the identifier, as its owner calls it."),
    ),
)

# Today's server copies `identifiers` (api-notes 5.1); bodies recorded before 2020 have entries here that it lacks.
DETAIL_ALTERNATE_IDENTIFIERS = Table(
    name="doi_detail_alternate_identifiers",
    description="The detail view's own list of alternate identifiers: the same as doi_alternate_identifiers, but "
    "longer in some records from older servers.",
    path="attributes.alternateIdentifiers",
    columns=(
        text("alternate_identifier", "alternateIdentifier", "Local or other identifier of the work."),
        text("alternate_identifier_type", "alternateIdentifierType", "Kind of the identifier, as its owner calls it."),
    ),
    detail_only=True,
)

SIZES = Table(
    name="doi_sizes",
    description="Sizes (property 13): one row per size.",
    path="attributes.sizes",
    columns=(text("size", "", "Size as free text, such as `15 pages` or `6 MB`."),),
)

FORMATS = Table(
    name="doi_formats",
    description="Technical formats (property 14): one row per format.",
    path="attributes.formats",
    columns=(text("format", "", "Format as free text, often a media type."),),
)

CONTENT_URLS = Table(
    name="doi_content_urls",
    description="URLs of the content itself, in addition to the landing page: one row per URL.",
    path="attributes.contentUrl",
    columns=(text("content_url", "", "URL of a file or other content."),),
)

TABLES = (
    TITLES,
    SUBJECTS,
    DATES,
    DESCRIPTIONS,
    RIGHTS,
    GEO_LOCATIONS,
    ALTERNATE_IDENTIFIERS,
    DETAIL_ALTERNATE_IDENTIFIERS,
    SIZES,
    FORMATS,
    CONTENT_URLS,
)
