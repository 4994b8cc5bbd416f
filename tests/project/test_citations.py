"""Comments and pages refer only to what the repository holds."""

import re
from pathlib import PurePosixPath

from tests.support.texts import texts

TEXTS = texts(".py", ".md", ".toml", ".yaml")
SECTION = r"\d+(?:\.\d+)?\b"
CITATION = re.compile(rf"api-notes ({SECTION}(?:(?:, | and ){SECTION})*)")


def sections_cited(text: str) -> list[str]:
    """Return the section numbers that a text cites, in its order."""
    return [number for cited in CITATION.findall(text) for number in re.findall(SECTION, cited)]


def test_a_citation_may_name_several_sections() -> None:
    """They are separated by commas or by the word and."""
    assert sections_cited("(api-notes 2.1, 7) and api-notes 6.7 and 6.8: 4 records") == ["2.1", "7", "6.7", "6.8"]


def test_every_cited_section_of_the_api_notes_exists() -> None:
    """`api-notes 4.2` names a heading of docs/api-notes.md."""
    headings = set(re.findall(rf"^##+ ({SECTION}) ", TEXTS["docs/api-notes.md"], re.MULTILINE))
    dangling = {
        name: lost for name, text in TEXTS.items() if (lost := [n for n in sections_cited(text) if n not in headings])
    }
    assert dangling == {}


def test_documents_named_in_capitals_are_in_the_repository() -> None:
    """A page such as ARCHITECTURE.md that a text refers to can be read."""
    missing = {
        name: lost
        for name, text in TEXTS.items()
        if (lost := set(re.findall(r"(?<![\w/.-])[A-Z]{3,}\.md\b", text)) - TEXTS.keys())
    }
    assert missing == {}


def test_every_room_that_meets_the_api_cites_its_facts() -> None:
    """Facts about the API carry their section, in each package that relies on them."""
    citing = {PurePosixPath(name).parts[1] for name, text in TEXTS.items() if CITATION.search(text)}
    assert {"api", "completeness", "records", "resources", "runs", "sandbox"} <= citing
