"""Registration agencies: who registers DOIs and other persistent identifiers, as API v1 knew."""

from etl.resources.columns import extra, key
from etl.resources.v1._columns import successor, title, updated
from etl.schema.declarations import Paging, Resource, Table

MAIN = Table(
    name="v1_registration_agencies",
    description="One row per registration agency.",
    columns=(
        key("id", "id", "Id of the agency, such as datacite."),
        title("registration agency"),
        updated("registration agency"),
        extra("registration agency"),
    ),
)

RESOURCE = Resource(
    name="v1/registration-agencies",
    dialect="v1",
    type="registration-agencies",
    path="/registration-agencies",
    description="Registration agencies of DOIs and other identifiers.",
    parent="registration_agency_id",
    tables=(MAIN,),
    searched=False,
    paging=Paging.WHOLE,
    unmapped={"type": "always registration-agencies"},
    successor=successor(""),
)
