"""A local DataCite API: a generated or given corpus, with the real server's paging, search, errors and quirks.

Independent of the pipeline: it reads none of its declarations, so that a wrong one can fail against it.
"""

from __future__ import annotations

from etl.sandbox.corpus import Corpus
from etl.sandbox.faults import Fault
from etl.sandbox.server import Sandbox, running

__all__ = ["Corpus", "Fault", "Sandbox", "running"]
