"""The options of a load that allow what it would refuse."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from etl.options.withdrawals import withdrawable

if TYPE_CHECKING:
    from etl.warehouses.guards import Permission

LOAD = Group("Load", sort_key=2)


@Parameter(name="*", group=LOAD)
@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """What may happen to the tables of an earlier load."""

    replace: Annotated[bool, Parameter(negative="")] = False
    """Replace all tables, even if the dataset is a sample, or of another request or server."""

    allow_incomplete: Annotated[bool, Parameter(negative="")] = False
    """Load an incomplete dataset over a complete one."""

    max_withdrawn: str = ""
    """Load nothing if more records than this would be withdrawn: 500, 5%; by default 10% of those in the warehouse,
    and at least 20 records."""

    def permission(self) -> "Permission":
        """Return what is allowed; UsageError for a limit that is neither a number nor a share."""
        from etl.warehouses.guards import Permission

        return Permission(
            replace=self.replace,
            allow_incomplete=self.allow_incomplete,
            max_withdrawn=withdrawable(self.max_withdrawn),
        )
