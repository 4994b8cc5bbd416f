"""Query parameters as the server understands them (api-notes 1.3): names normalised, unknown ones kept unread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

_NESTED = re.compile(r"^([^\[\]]+)\[([^\[\]]*)\]$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Top-level parameters by underscored name, and the two nested ones."""

    plain: Mapping[str, str] = field(default_factory=dict)
    page: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """Return the value, or None when the parameter is absent or blank."""
        return self.plain.get(name) or None

    def on(self, name: str) -> bool:
        """Return whether a flag is set: only "true" counts (api-notes 1.3)."""
        return self.plain.get(name) == "true"

    def listed(self, name: str) -> tuple[str, ...]:
        """Return the parts of a comma-separated value, except blank ones."""
        return tuple(part for part in self.plain.get(name, "").split(",") if part)

    def ids(self) -> frozenset[str]:
        """Return the ids of `id` or, without it, `ids`, in lower case (api-notes 4.3)."""
        return frozenset(name.lower() for name in self.listed("id") or self.listed("ids"))

    def fieldset(self, kind: str) -> frozenset[str] | None:
        """Return the sparse fieldset of a JSON:API type, or None when all fields are wanted."""
        value = self.fields.get(kind)
        return None if value is None else frozenset(value.split(","))

    def having(self, **values: str) -> Params:
        """Return the same parameters with some set, as for nested paths such as `/clients/x/dois`."""
        return Params(plain={**self.plain, **values}, page=self.page, fields=self.fields)


def parse(query: str) -> Params:
    """Read a raw query string; a repeated name keeps its last value, `page=3` counts as no paging at all."""
    plain: dict[str, str] = {}
    nested: dict[str, dict[str, str]] = {"page": {}, "fields": {}}
    for name, value in parse_qsl(query, keep_blank_values=True):
        match = _NESTED.match(name)
        if match and match[1] in nested:
            nested[match[1]][match[2]] = value
        elif name not in nested:
            plain[name.replace("-", "_")] = value
    return Params(plain=plain, page=nested["page"], fields=nested["fields"])
