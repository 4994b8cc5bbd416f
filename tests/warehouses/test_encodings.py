"""Text arrives in PostgreSQL as it is, whatever the encoding of a database or a client."""

from collections.abc import Callable
from pathlib import Path

import pytest

from etl.sandbox import Corpus, running
from tests.conftest import Command
from tests.warehouses.places import Postgres

LATIN1 = "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"


def exported(command: Command, title: str, to: Path) -> Path:
    attributes = {"doi": "10.5072/a", "titles": [{"title": title}], "state": "findable", "isActive": True}
    times = dict.fromkeys(("created", "registered", "updated"), "2026-01-01T00:00:00Z")
    record = {"id": "10.5072/a", "type": "dois", "attributes": {**attributes, **times}, "relationships": {}}
    with running(Corpus.from_records([record])) as box:
        assert command("export", "dois", "--base-url", box.base_url, "--to", to, "--quiet").code == 0
    return to


@pytest.mark.parametrize("client", ["", "LATIN1", "WIN1252", "SJIS"])
@pytest.mark.parametrize("options", ["", LATIN1])
def test_letters_arrive_whatever_the_encodings(
    client: str, options: str, database: Callable[..., Postgres], command: Command, tmp_path: Path
) -> None:
    """The driver sends UTF-8 and says so."""
    place = database(options)
    to = exported(command, "Größe", tmp_path / "o")
    with pytest.MonkeyPatch.context() as patch:
        if client:
            patch.setenv("PGCLIENTENCODING", client)
        assert command("load", to, "--into", place.url, "--json").code == 0
    frame = place.query(
        "SELECT length(title) AS letters FROM doi_titles WHERE title = 'Gr' || chr(246) || chr(223) || 'e'"
    )
    assert frame["letters"].to_list() == [5]


def test_a_database_that_lacks_a_letter_is_refused_and_unchanged(
    database: Callable[..., Postgres], command: Command, tmp_path: Path
) -> None:
    """One line says what to do, and no table is made."""
    place = database(LATIN1)
    ran = command("load", exported(command, "水", tmp_path / "o"), "--into", place.url)
    assert ran.code == 1
    assert ran.err.endswith(
        "lacks characters of the data; nothing was changed; load into a database created with ENCODING 'UTF8'\n"
    )
    assert place.query("SELECT count(*) AS n FROM pg_tables WHERE tablename = 'dois'")["n"].to_list() == [0]
