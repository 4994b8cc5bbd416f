"""The conductor of a load: a published dataset into a warehouse, as it is; nothing in it is judged here again.

What differs is found in `inventory`, how a warehouse takes it over is a file in `warehouses`.
"""

from etl import warehouses
from etl.completeness.verdict import State
from etl.dataset.inventory import open_dataset
from etl.events import Noted, Observe
from etl.schema.declarations import Json
from etl.storage.files import Files
from etl.warehouses import Loaded


def load(files: Files, url: str, *, stamp: str, observe: Observe, schema: str = "", replace: bool = False) -> Loaded:
    """Load the dataset of a destination into the warehouse at a URL; `stamp` is now, as ISO text.

    A second load of one run changes nothing, a later run's brings only what differs. Raises StoreError for a dataset
    or a warehouse that cannot be read or written, UsageError for a URL or for another request's dataset there.
    """
    inventory = open_dataset(files)
    if inventory.manifest.verdict is State.INCOMPLETE:
        observe(Noted(text="note: this dataset was published although it is incomplete"))
    with warehouses.opened(url, schema=schema) as warehouse:
        loaded = warehouse.load(inventory, stamp=stamp, replace=replace)
        observe(Noted(text=f"{warehouse.name} holds run {inventory.manifest.run_id} of {inventory.resource}"))
    if loaded.altered:
        observe(Noted(text=f"note: {loaded.altered} values had characters that cannot be held there; they are U+FFFD"))
    return loaded


def summary(loaded: Loaded) -> dict[str, Json]:
    """Return what `--json` prints."""
    counts = {"added": loaded.added, "changed": loaded.changed, "withdrawn": loaded.withdrawn}
    return {"state": loaded.state, **counts, "altered": loaded.altered, "tables": dict(loaded.tables)}
