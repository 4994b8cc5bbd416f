"""Run an audit: read a dataset place by place, and write tables and a page.

The other modules declare and compute; this one has the order of steps and all access to files.
"""

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import polars as pl

from etl.audit import coverage, findings, page, profile_check, scan, tables
from etl.audit.scan import Scan
from etl.audit.tables import SCHEMAS, Audit
from etl.audit.words import Profile, Rule, Severity, rules
from etl.dataset import checksums, store
from etl.errors import UsageError
from etl.schema.declarations import Json
from etl.storage import paths
from etl.storage.files import Files
from etl.storage.spill import PIECE, Spill, open_spill, write

FOLDER = f"{paths.OWN}/audit"
PAGE = "audit.html"
EXAMPLES = 5
_AT_ONCE = 2
COLLECTIONS = 200
"""Records whose profile is shown in full: those that miss most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOutcome:
    """The result of an audit, and where its tables and its page are."""

    audit: Audit
    page: str
    tables: dict[str, int]

    def summary(self) -> dict[str, Json]:
        """Return what `--json` prints."""
        return {
            "records": self.audit.records,
            "findings": self.tables["audit_findings"],
            "affected": dict(self.audit.affected),
            "coverage": dict(self.audit.overall().select("property", "share").iter_rows()),
            "rules": dict(self.audit.rules.filter("checked").select("rule", "findings").iter_rows()),
            "profile": {self.audit.profile.name: self.audit.meeting} if self.audit.profile else {},
            "skipped": list(self.audit.skipped),
            "tables": self.tables,
            "page": self.page,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlaceResult:
    """The findings, profile rows and counts of one place."""

    broken: list[tuple[Rule, pl.DataFrame]]
    held: pl.DataFrame | None
    counts: dict[str, pl.DataFrame]


def audit(
    files: Files,
    target: Files,
    *,
    formats: Sequence[str] = ("parquet",),
    profile: Profile | None = None,
    against: Files | None = None,
) -> AuditOutcome:
    """Audit a dataset of DOIs, and write the `audit_*` tables and `audit.html` to `target`.

    StoreError if there is no dataset or a file cannot be read, UsageError if it does not hold DOIs; `against` is an
    older audit or its dataset.
    """
    manifest = store.readable_manifest(files)
    before = None if against is None else _older(against)
    known = scan.open_tables(files.name, manifest, files.options)
    with open_spill(target) as spill:
        with checksums.damage_explained(files, manifest.files):
            result = _Auditor(known, spill, profile).run(manifest.verdict, files.name)
        if before is not None:
            result = replace(result, trend=tables.trend(result, *before))
        return _write(result, spill, target, formats)


class _Auditor:
    """Audits one dataset. Its only state is what it spills."""

    def __init__(self, known: Scan, spill: Spill, profile: Profile | None) -> None:
        self._scan = known
        self._spill = spill
        self._profile = profile
        self._rules = findings.testable_rules(known, rules())
        self._properties = coverage.countable_properties(known)

    def run(self, verdict: str, name: str) -> Audit:
        """Audit place by place, then all tables together."""
        counts = coverage.add(
            [self._spilled(result) for result in _concurrently(self._place_result, self._scan.places())]
        )
        for rule, rows in findings.dataset_findings(self._scan.tables(), self._rules):
            self._spill.put(rule.id, rows)
        records = int(counts[coverage.ALL]["records"].sum())
        broken = self._broken(records)
        result = Audit(
            name=name,
            as_of=self._scan.as_of.isoformat(),
            verdict=verdict,
            records=records,
            affected=self._affected(),
            coverage=coverage.shares(counts, self._properties),
            rules=broken,
            examples=self._examples(),
            years=_years(counts),
            skipped=tuple(rule.id for rule in rules() if rule not in self._rules),
        )
        return self._profiled(result) if self._profile else result

    def _place_result(self, place: str) -> _PlaceResult:
        here = self._scan.tables(place)
        return _PlaceResult(
            broken=list(findings.place_findings(self._scan, here, self._rules)),
            held=profile_check.check(self._scan, here, self._profile) if self._profile else None,
            counts=coverage.count(here, self._properties),
        )

    def _spilled(self, result: _PlaceResult) -> dict[str, pl.DataFrame]:
        """Spill the rows of a place, and return its counts, which stay in memory."""
        for rule, rows in result.broken:
            self._spill.put(rule.id, rows)
        if self._profile and result.held is not None:
            self._spill.put("_profile", result.held)
            self._spill.put("_by_record", profile_check.by_record(result.held, self._profile.essential))
        return result.counts

    def _broken(self, records: int) -> pl.DataFrame:
        """Count findings and records by rule, the worst severity first, then the most records."""
        rows = [self._counted(rule, records) for rule in rules()]
        order = {severity.value: rank for rank, severity in enumerate(Severity)}
        table = pl.DataFrame(rows, schema=tables.RULES_SCHEMA, orient="row")
        ranked = table.with_columns(_order=pl.col("severity").replace_strict(order))
        return ranked.sort(["_order", "records", "rule"], descending=[False, True, False]).drop("_order")

    def _counted(self, rule: Rule, records: int) -> tuple[Json, ...]:
        checked, rows = rule in self._rules, self._spill.get(rule.id)
        n, of = (0, 0)
        if rows is not None:
            n, of = rows.unique().select(pl.len(), pl.col("doi").n_unique()).collect().row(0)
        share = of / records if records else 0.0
        return rule.id, rule.severity.value, rule.title, checked, n, of, share, rule.advice

    def _affected(self) -> dict[str, int]:
        """Count the records that have a finding of each severity, and of any."""
        by = {severity.value: [r.id for r in self._rules if r.severity is severity] for severity in Severity}
        rules_of = {**by, "any": [rule.id for rule in self._rules]}
        return {name: self._distinct(ids) for name, ids in rules_of.items()}

    def _distinct(self, ids: Iterable[str]) -> int:
        parts = [rows.select("doi") for name in ids if (rows := self._spill.get(name)) is not None]
        if not parts:
            return 0
        return int(pl.concat(parts).select(pl.col("doi").n_unique()).collect(engine="streaming").item())

    def _examples(self) -> pl.DataFrame:
        parts = [
            rows.unique().sort("doi", "value").head(EXAMPLES).with_columns(rule=pl.lit(rule.id)).collect()
            for rule in self._rules
            if (rows := self._spill.get(rule.id)) is not None
        ]
        return (
            pl.concat(parts)
            if parts
            else pl.DataFrame(schema={"doi": pl.String, "value": pl.String, "rule": pl.String})
        )

    def _profiled(self, result: Audit) -> Audit:
        assert self._profile is not None
        held, by_record = self._spill.get("_profile"), self._spill.get("_by_record")
        if held is None or by_record is None:
            held = pl.LazyFrame(schema=profile_check.SCHEMA)
            by_record = profile_check.by_record(held.collect(), self._profile.essential).lazy()
        worst = (
            by_record.bottom_k(COLLECTIONS, by=["all", "met", "doi"]).sort("all", "met", "doi").select("doi").collect()
        )
        shown = held.filter(pl.col("doi").is_in(worst["doi"].implode())).collect(engine="streaming")
        return replace(
            result,
            profile=self._profile,
            needs=profile_check.by_need(held, self._profile),
            collections=worst.join(shown, on="doi", how="left", maintain_order="left_right"),
            meeting=int(by_record.select(pl.col("all").sum()).collect().item()),
            skipped=(*result.skipped, *profile_check.missing_needs(self._scan, self._profile)),
        )


def _concurrently(ask: Callable[[str], _PlaceResult], names: Iterable[str]) -> Iterator[_PlaceResult]:
    """Yield the results of places in order, computing two at a time: polars alone leaves a core idle."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="audit") as threads:
        coming: deque[Future[_PlaceResult]] = deque()
        for name in names:
            coming.append(threads.submit(ask, name))
            if len(coming) == _AT_ONCE:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _years(counts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return records by year of publication and of registration, for the chart."""
    parts = [
        counts[name].select(pl.lit(name).alias("by"), year=pl.col("value").cast(pl.Int64), records="records")
        for name in ("publication_year", "registered_year")
        if name in counts
    ]
    return pl.concat(parts).drop_nulls("year").sort("by", "year")


def _write(result: Audit, spill: Spill, target: Files, formats: Sequence[str]) -> AuditOutcome:
    pieces_of: dict[str, Callable[[], Iterable[pl.DataFrame]]] = {
        "audit_coverage": lambda: [result.coverage],
        "audit_rules": lambda: [result.rules],
        "audit_findings": lambda: _findings(spill),
    }
    if result.profile:
        pieces_of["audit_profile"] = lambda: spill.pieces("_profile")
    if (trend := result.trend) is not None:
        pieces_of["audit_trend"] = lambda: [trend]
    rows = {name: write(target, name, pieces, formats, SCHEMAS[name]) for name, pieces in pieces_of.items()}
    target.write(PAGE, page.render(result))
    return AuditOutcome(audit=result, page=f"{target.name}/{PAGE}", tables=rows)


def _findings(spill: Spill) -> Iterator[pl.DataFrame]:
    for rule in rules():
        if (rows := spill.get(rule.id)) is not None:
            yield from findings.findings_table(rule, rows).iter_slices(PIECE)


def _older(files: Files) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the coverage and rules of an older audit, from its folder or that of its dataset."""
    for folder in ("", f"{FOLDER}/"):
        for suffix, read in ((".parquet", pl.read_parquet), (".csv", pl.read_csv)):
            names = ("audit_coverage", "audit_rules")
            keys = [f"{folder}{name}{suffix}" for name in names]
            if all(files.exists(key) for key in keys):
                first, second = (
                    _typed(read(io.BytesIO(files.read(key))), name) for key, name in zip(keys, names, strict=True)
                )
                return first, second
    raise UsageError(f"{files.name} has no audit to compare with", fix="run datacite-etl audit there first")


def _typed(table: pl.DataFrame, name: str) -> pl.DataFrame:
    return table.select(pl.col(column).cast(dtype) for column, dtype in SCHEMAS[name].items())
