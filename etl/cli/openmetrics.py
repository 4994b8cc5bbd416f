"""Summaries of runs as OpenMetrics, for Prometheus's node_exporter: one gauge per number.

Pure; `recording` writes the file.
"""

from collections.abc import Mapping, Sequence

from etl.schema.declarations import Json

VERDICTS = ("complete", "drifted", "sample", "incomplete", "failed")
_FACTS = {
    "expected": ("records_expected", "Records that the API counted."),
    "unique": ("records", "Distinct records received."),
    "rejects": ("rejects", "Values that fit no column."),
    "requests": ("requests", "Requests sent."),
    "retries": ("retries", "Retried requests."),
    "bytes_downloaded": ("downloaded_bytes", "Bytes received over the network."),
    "seconds": ("duration_seconds", "Duration of the run."),
    "added": ("records_added", "Records new since the last run."),
    "changed": ("records_changed", "Records changed since the last run."),
    "withdrawn": ("records_withdrawn", "Records withdrawn since the last run."),
}


def render_metrics(runs: Mapping[str, Mapping[str, Json]], finished: float) -> str:
    """Write the summaries of runs, by destination, as OpenMetrics; `finished` is their end, in seconds."""
    lines: list[str] = []
    for fact, (name, description) in _FACTS.items():
        rows = [(_labels(to, summary), summary[fact]) for to, summary in runs.items() if summary.get(fact) is not None]
        lines += _gauge(name, description, rows)
    published = [(_labels(to, summary), int(bool(summary.get("published")))) for to, summary in runs.items()]
    lines += _gauge("published", "1 if the data was published, 0 if not.", published)
    verdicts = [
        (f'{_labels(to, summary)},verdict="{verdict}"', int(summary["verdict"] == verdict))
        for to, summary in runs.items()
        for verdict in VERDICTS
    ]
    lines += _gauge("verdict", "1 for the verdict of the run, 0 for the others.", verdicts)
    ends = [(_labels(to, summary), round(finished, 3)) for to, summary in runs.items()]
    lines += _gauge("finished_timestamp_seconds", "When the run ended.", ends)
    return "\n".join([*lines, "# EOF", ""])


def _gauge(name: str, description: str, rows: Sequence[tuple[str, Json]]) -> list[str]:
    if not rows:
        return []
    full = f"datacite_etl_run_{name}"
    samples = (f"{full}{{{labels}}} {value}" for labels, value in rows)
    return [f"# HELP {full} {description}", f"# TYPE {full} gauge", *samples]


def _labels(destination: str, summary: Mapping[str, Json]) -> str:
    labels = {"destination": destination, "resource": summary.get("resource", "")}
    return ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
