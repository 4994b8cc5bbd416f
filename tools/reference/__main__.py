"""Render the reference pages from the declarations: `python -m tools.reference`; a test keeps them up to date."""

import re
from pathlib import Path

from etl import resources
from etl.cli.launch import application
from etl.cli.resources import describe
from etl.schema.declarations import Json
from tools.reference import audit as auditdocs
from tools.reference import manifest as manifestdocs

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"
AUDIT_PAGE = PAGE.with_name("audit.md")
COMMANDS_PAGE = PAGE.with_name("commands.md")
_COMMANDS = """# Commands

Rendered from the parser by `python -m tools.reference`; do not edit. `datacite-etl COMMAND --help` says the same.
[Exit codes and configuration](configuration.md) are the same for all commands.

"""


def commands() -> str:
    """Render every command with its options, by the groups of its help, as Markdown."""
    rendered = application().generate_docs(output_format="markdown")
    own = rendered[rendered.index("## datacite-etl export") :]
    one_line = re.sub(r"\n +(?=[^ \n])", " ", own)
    # The parser names the module that it was started from, if any.
    return _COMMANDS + re.sub(r"(datacite-etl \S+) -m \S+", r"\1", one_line).rstrip() + "\n"


def tables() -> str:
    """Render every resource with its filters, includes, facets, tables and columns as Markdown."""
    declared = [describe(resources.load(name)) for name in resources.names()]
    lines = [
        "# Resources, tables and columns",
        "",
        "Rendered from the declarations by `python -m tools.reference`; do not edit.",
        "",
        "| resource | dialect | filters | includes | facets | tables |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(resource) for resource in declared]
    for resource in declared:
        lines += ["", *_resource(resource)]
    return "\n".join(lines) + "\n"


def _row(resource: dict[str, Json]) -> str:
    names = [", ".join(f"`{entry['name']}`" for entry in resource[kind]) or "–" for kind in ("filters", "tables")]
    plain = [", ".join(f"`{entry}`" for entry in resource[kind]) or "–" for kind in ("includes", "facets")]
    anchor = resource["name"].replace("/", "")
    cells = [f"[{resource['name']}](#{anchor})", resource["dialect"], names[0], *plain, names[1]]
    return f"| {' | '.join(cells)} |"


def _resource(resource: dict[str, Json]) -> list[str]:
    lines = [
        f"## {resource['name']}",
        "",
        f"{resource['description']} `GET {resource['path']}`, paged by {resource['paging']}.",
        "",
    ]
    if resource["filters"]:
        lines += ["| filter | narrows to |", "|---|---|"]
        lines += [f"| `{entry['name']}` | {_cell(entry['description'])} |" for entry in resource["filters"]]
        lines.append("")
    for table in resource["tables"]:
        lines += [f"### {table['name']}", "", table["description"], "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{c['name']}` | {c['type']} | {_cell(c['description'])} |" for c in table["columns"]]
        lines.append("")
    return lines[:-1]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(tables())
    AUDIT_PAGE.write_text(auditdocs.audit())
    COMMANDS_PAGE.write_text(commands())
    PAGE.with_name("manifest.md").write_text(manifestdocs.page())
    PAGE.with_name("manifest.schema.json").write_text(manifestdocs.text())
