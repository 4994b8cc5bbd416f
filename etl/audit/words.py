"""The words that the audit is declared in: Property, Rule, Profile. No file, no frame of data lives here."""

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
    """How much DataCite Schema 4.6 wants a property; `detail` is what makes a property useful."""

    MANDATORY = "mandatory"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"
    DETAIL = "detail"


class Severity(StrEnum):
    """How bad a finding is: wrong for sure, probably wrong, or worth a look."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One thing that metadata may have, and where it stands: rows of `table` for which `has` is true.

    Without `each`, the share is of records: those with one such row or more. With it, the share is of the table's
    rows, which are called by that word: creators, affiliations, rights. `group` is for properties of one kind, such as
    relations by type.
    """

    id: str
    title: str
    level: Level
    table: str
    has: pl.Expr
    number: str = ""
    each: str = ""
    among: pl.Expr | None = None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way for metadata to be wrong: rows of `table`, `among` some of them, for which `bad` is true.

    `value` is the column or the text that a finding shows.
    An expression may use the table's columns, columns of `dois` that the table lacks, and `as_of`, the day of the
    dataset. A rule about several records has `find` instead, which returns `doi` and `value` out of all tables.
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
        """Return the columns that the rule reads, by table; columns of `dois` may stand under another table."""
        if self.reads is not None:
            return self.reads
        assert self.bad is not None
        used = [self.bad, self.shown(), *([] if self.among is None else [self.among])]
        return {self.table: tuple(dict.fromkeys(name for each in used for name in each.meta.root_names()))}

    def shown(self) -> pl.Expr:
        """Return what a finding shows."""
        return pl.col(self.value) if isinstance(self.value, str) else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a profile asks of a record; `value` is shown, `met` (by default: not empty) says if it is there."""

    number: str
    title: str
    group: str
    table: str
    value: pl.Expr
    met: pl.Expr | None = None
    star: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a community asks of its records: needs in groups, of which `essential` ones must all be met."""

    name: str
    title: str
    description: str
    groups: Mapping[str, str]
    essential: tuple[str, ...]
    needs: tuple[Need, ...]
    star: str = ""


def rules() -> tuple[Rule, ...]:
    """Return every declared rule, by id."""
    found = (rule for module in _modules("rules") for rule in _declared(f"rules.{module}", "RULES"))
    return tuple(sorted(found, key=lambda rule: rule.id))


def profiles() -> list[str]:
    """Name the declared profiles."""
    return _modules("profiles")


def profile(name: str) -> Profile:
    """Return a declared profile, or that of a Python file given by its path; UsageError if the file has none."""
    found = _of_file(Path(name)) if name.endswith(".py") else _declared(f"profiles.{name}", "PROFILE")
    if not isinstance(found, Profile):
        raise UsageError(f"{name} declares no profile", fix="end the file in PROFILE = Profile(…)")
    return found


def filled(text: pl.Expr) -> pl.Expr:
    """Tell whether a text says anything."""
    return text.str.strip_chars().str.len_bytes().fill_null(0) > 0


def _of_file(path: Path) -> Any:
    """Run a user's own declaration, as trusted as the program itself."""
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
