"""How runs ended, as a text file that Prometheus's node_exporter collects: OpenMetrics, a gauge a fact.

Pure: who writes the file, and when, is the shell's matter.
"""

from collections.abc import Mapping, Sequence

from etl.schema.declarations import Json

VERDICTS = ("complete", "drifted", "sample", "incomplete", "failed")
_FACTS = {
    "expected": ("records_expected", "Records that the API counted."),
    "unique": ("records", "Distinct records that came."),
    "rejects": ("rejects", "Values that fitted no column."),
    "requests": ("requests", "Requests sent."),
    "retries": ("retries", "Requests sent again."),
    "bytes_downloaded": ("downloaded_bytes", "Bytes that came over the network."),
    "seconds": ("duration_seconds", "How long the run took."),
    "added": ("records_added", "Records new since the last run."),
    "changed": ("records_changed", "Records changed since the last run."),
    "withdrawn": ("records_withdrawn", "Records withdrawn since the last run."),
}


def render(runs: Mapping[str, Mapping[str, Json]], finished: float) -> str:
    """Write the summaries of runs, by destination, as OpenMetrics; `finished` is the moment they ended, in seconds."""
    lines: list[str] = []
    for fact, (name, told) in _FACTS.items():
        rows = [(_labels(to, one), one[fact]) for to, one in runs.items() if one.get(fact) is not None]
        lines += _gauge(name, told, rows)
    published = [(_labels(to, one), int(bool(one.get("published")))) for to, one in runs.items()]
    lines += _gauge("published", "1 if the data was published, 0 if not.", published)
    verdicts = [
        (f'{_labels(to, one)},verdict="{verdict}"', int(one["verdict"] == verdict))
        for to, one in runs.items()
        for verdict in VERDICTS
    ]
    lines += _gauge("verdict", "1 for the verdict of the run, 0 for the others.", verdicts)
    ends = [(_labels(to, one), round(finished, 3)) for to, one in runs.items()]
    lines += _gauge("finished_timestamp_seconds", "When the run ended.", ends)
    return "\n".join([*lines, "# EOF", ""])


def _gauge(name: str, told: str, rows: Sequence[tuple[str, Json]]) -> list[str]:
    if not rows:
        return []
    full = f"datacite_etl_run_{name}"
    return [f"# HELP {full} {told}", f"# TYPE {full} gauge", *(f"{full}{{{labels}}} {value}" for labels, value in rows)]


def _labels(destination: str, one: Mapping[str, Json]) -> str:
    told = {"destination": destination, "resource": one.get("resource", "")}
    return ",".join(f'{name}="{_escaped(str(value))}"' for name, value in told.items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
