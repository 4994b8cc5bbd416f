"""What the audit is declared with: Property, Rule, Need, Profile."""

import importlib
import pkgutil
import runpy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import polars as pl

from etl.errors import UsageError

Tables = Mapping[str, pl.LazyFrame]
"""The tables of a dataset, or of one place in it, by name."""


class Level(StrEnum):
    """The obligation of a property in DataCite Schema 4.6; a `detail` makes a property more useful."""

    MANDATORY = "mandatory"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"
    DETAIL = "detail"


class Severity(StrEnum):
    """The severity of a finding: certainly wrong, probably wrong, or worth checking."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property of metadata: rows of `table` for which `has` is true.

    Without `unit`, the share counts records with at least one such row. With it, the share counts the table's rows, and
    `unit` is their name: creators, affiliations, rights. `group` joins properties of one kind, such as relations by
    type.
    """

    id: str
    title: str
    level: Level
    table: str
    has: pl.Expr
    number: str = ""
    unit: str = ""
    among: pl.Expr | None = None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of error in metadata: rows of `table`, restricted by `among`, for which `bad` is true.

    `value` is the column or text that a finding shows. An expression may use the table's columns, columns of `dois`
    that the table does not have, and `as_of`, the day of the dataset. A rule about several records has `find` instead,
    which returns `doi` and `value` from all tables.
    """

    id: str
    title: str
    severity: Severity
    advice: str
    table: str = "dois"
    among: pl.Expr | None = None
    bad: pl.Expr | None = None
    value: str | pl.Expr = ""
    find: Callable[[Tables], pl.LazyFrame] | None = None
    reads: Mapping[str, tuple[str, ...]] | None = None

    def needs(self) -> Mapping[str, tuple[str, ...]]:
        """Return the columns that the rule reads, by table; columns of `dois` may be listed under another table."""
        if self.reads is not None:
            return self.reads
        assert self.bad is not None
        used = [self.bad, self.shown(), *([] if self.among is None else [self.among])]
        return {self.table: tuple(dict.fromkeys(name for expression in used for name in expression.meta.root_names()))}

    def shown(self) -> pl.Expr:
        """Return what a finding shows."""
        return pl.col(self.value) if isinstance(self.value, str) else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One property that a profile requires; `value` is shown, `met` (by default: not empty) decides."""

    number: str
    title: str
    group: str
    table: str
    value: pl.Expr
    met: pl.Expr | None = None
    star: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The requirements of a community: needs in groups; all needs of `essential` groups must be met."""

    name: str
    title: str
    description: str
    groups: Mapping[str, str]
    essential: tuple[str, ...]
    needs: tuple[Need, ...]
    star: str = ""


def rules() -> tuple[Rule, ...]:
    """Return every declared rule, by id."""
    declared = (rule for module in _modules("rules") for rule in _declared(f"rules.{module}", "RULES"))
    return tuple(sorted(declared, key=lambda rule: rule.id))


def profiles() -> list[str]:
    """Name the declared profiles."""
    return _modules("profiles")


def profile(name: str) -> Profile:
    """Return a declared profile, or that of a Python file; UsageError if the file has none."""
    declared = _of_file(Path(name)) if name.endswith(".py") else _declared(f"profiles.{name}", "PROFILE")
    if not isinstance(declared, Profile):
        raise UsageError(f"{name} declares no profile", fix="end the file in PROFILE = Profile(…)")
    return declared


def is_filled(text: pl.Expr) -> pl.Expr:
    """Return whether a text is neither null nor blank."""
    return text.str.strip_chars().str.len_bytes().fill_null(0) > 0


def _of_file(path: Path) -> Any:
    """Run a user's own declaration, which is trusted like the program itself."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}", fix="give the path of a Python file with a PROFILE")
    return runpy.run_path(str(path)).get("PROFILE")


def _modules(folder: str) -> list[str]:
    return sorted(_public(folder))


def _public(folder: str) -> Iterator[str]:
    for module in pkgutil.iter_modules([str(Path(__file__).parent / folder)]):
        if not module.name.startswith("_"):
            yield module.name


def _declared(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"{__package__}.{module}"), name)
