"""Load a published dataset into a warehouse, as it is.

`dataset.inventory` finds what differs; each kind of warehouse is a module of this package.
"""

from etl import warehouses
from etl.completeness.verdict import State
from etl.dataset.inventory import open_dataset
from etl.events import Noted, Observe, counted
from etl.schema.declarations import Json
from etl.storage.files import Files
from etl.warehouses import Loaded
from etl.warehouses.guards import Permission


def load(files: Files, url: str, *, stamp: str, observe: Observe, schema: str = "", permission: Permission) -> Loaded:
    """Load the dataset of a destination into the warehouse at a URL; `stamp` is now, as ISO text.

    A second load of one run changes nothing; that of a later run applies the differences. StoreError for a dataset or a
    warehouse that cannot be read or written, UsageError for an invalid URL; IncompleteError or UsageError for what is
    not permitted.
    """
    inventory = open_dataset(files)
    if inventory.manifest.verdict is State.INCOMPLETE:
        observe(Noted(text="note: this dataset was published incomplete"))
    with warehouses.open_warehouse(url, schema=schema) as warehouse:
        loaded = warehouse.load(inventory, stamp=stamp, permission=permission)
        observe(Noted(text=f"{warehouse.name} holds run {inventory.manifest.run_id} of {inventory.resource}"))
    if loaded.altered:
        values = counted(loaded.altered, "value")
        observe(Noted(text=f"note: {values} had characters that cannot be stored, replaced by U+FFFD"))
    return loaded


def summary(loaded: Loaded) -> dict[str, Json]:
    """Return what `--json` prints."""
    counts = {"added": loaded.added, "changed": loaded.changed, "withdrawn": loaded.withdrawn}
    return {"state": loaded.state, **counts, "altered": loaded.altered, "tables": dict(loaded.tables)}
