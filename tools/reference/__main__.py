"""Reference pages rendered from the declarations: `python -m tools.reference` writes them, a test keeps them true."""

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
[Exit codes and configuration](configuration.md) are of all commands.

"""


def commands() -> str:
    """Render every command with its options, by the groups of its help, as Markdown."""
    told = application().generate_docs(output_format="markdown")
    own = told[told.index("## datacite-etl export") :]
    one_line = re.sub(r"\n +(?=[^ \n])", " ", own)
    # The parser names the module it was started from, if any.
    return _COMMANDS + re.sub(r"(datacite-etl \S+) -m \S+", r"\1", one_line).rstrip() + "\n"


def tables() -> str:
    """Render every resource with its filters, includes, facets, tables and columns as Markdown."""
    every = [describe(resources.load(name)) for name in resources.names()]
    lines = [
        "# Resources, tables and columns",
        "",
        "Rendered from the declarations by `python -m tools.reference`; do not edit.",
        "",
        "| resource | dialect | filters | includes | facets | tables |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(one) for one in every]
    for one in every:
        lines += ["", *_resource(one)]
    return "\n".join(lines) + "\n"


def _row(one: dict[str, Json]) -> str:
    names = [", ".join(f"`{entry['name']}`" for entry in one[kind]) or "–" for kind in ("filters", "tables")]
    plain = [", ".join(f"`{entry}`" for entry in one[kind]) or "–" for kind in ("includes", "facets")]
    anchor = one["name"].replace("/", "")
    return f"| [{one['name']}](#{anchor}) | {one['dialect']} | {names[0]} | {plain[0]} | {plain[1]} | {names[1]} |"


def _resource(one: dict[str, Json]) -> list[str]:
    lines = [f"## {one['name']}", "", f"{one['description']} `GET {one['path']}`, paged by {one['paging']}.", ""]
    if one["filters"]:
        lines += ["| filter | narrows to |", "|---|---|"]
        lines += [f"| `{entry['name']}` | {_cell(entry['description'])} |" for entry in one["filters"]]
        lines.append("")
    for table in one["tables"]:
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
