"""Resources are found by existing, under the names that users type."""

import pytest

from etl import resources
from etl.errors import UsageError
from etl.schema.declarations import Resource


def test_a_resource_is_loaded_by_its_name() -> None:
    """Every listed name loads a resource that calls itself by that name."""
    for name in resources.names():
        found = resources.load(name)
        assert isinstance(found, Resource)
        assert found.name == name


def test_current_resources_have_plain_names() -> None:
    """Resources of the current API need no prefix, those of the old one begin with v1/."""
    names = resources.names()
    assert {"dois", "clients", "providers", "repositories", "media"} <= set(names)
    assert all(resources.load(name).dialect == ("v1" if name.startswith("v1/") else "v2") for name in names)


def test_parts_of_a_declaration_are_no_resources() -> None:
    """A module that begins with an underscore is not listed and cannot be loaded."""
    assert not [name for name in resources.names() if "_" in name or name.removeprefix("v1/").startswith("-")]
    with pytest.raises(UsageError):
        resources.load("_doi_links")


@pytest.mark.parametrize("name", ["doi", "Dois", "v2/dois", "", "../v2/dois", "__init__", "v1/"])
def test_an_unknown_name_is_a_usage_error_that_lists_the_valid_ones(name: str) -> None:
    """An unknown name ends in one line with every valid name."""
    with pytest.raises(UsageError, match=r"valid are: .*dois") as caught:
        resources.load(name)
    assert caught.value.exit_code == 2


def test_a_near_miss_is_corrected() -> None:
    """A misspelled name is answered with the nearest one."""
    with pytest.raises(UsageError, match=r"did you mean providers\?"):
        resources.load("provider")
