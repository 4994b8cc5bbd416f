"""Prefect flows over the steps of the etl package."""

import os

from etl import memory
from etl.options import folders

memory.before_arrow()
if folders.home_folder() is None:  # Prefect keeps its state in the home, and cannot be imported where there is none
    os.environ.setdefault("PREFECT_HOME", str(folders.temporary_folder() / "prefect"))
    os.environ.setdefault("HOME", str(folders.temporary_folder()))
