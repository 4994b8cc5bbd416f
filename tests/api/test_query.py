"""Queries: checked against the declaration, spelled as parameters, and recognised by their fingerprint."""

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import resources
from etl.api.query import Query, check, encode, joined_by_or, requested_ids, wanted_fields
from etl.api.window import Window, year_start
from etl.errors import UsageError
from etl.schema.declarations import Column, Filter, Form, Include, Resource, Table, Type


def column(name: str, path: str, *, is_key: bool = False) -> Column:
    return Column(name=name, type=Type.STRING, description=f"The {name}.", path=path, key=is_key)


RESOURCE = Resource(
    name="dois",
    dialect="v2",
    type="dois",
    path="/dois",
    description="DOIs.",
    tables=(
        Table(
            name="dois",
            description="One row per DOI.",
            columns=(column("doi", "attributes.doi", is_key=True), column("publisher", "attributes.publisher.name")),
        ),
        Table(
            name="creators",
            path="attributes.creators",
            description="One row per creator.",
            columns=(column("name", "name"),),
        ),
        Table(
            name="affiliations",
            path="attributes.creators[].affiliation",
            description="One row per affiliation.",
            columns=(column("name", "name"),),
        ),
        Table(name="links", description="Links.", columns=(), relations={"client": "relationships.client"}),
        Table(
            name="people",
            description="People.",
            columns=(),
            build=lambda frames: frames["creators"],
            inputs={"creators": ("name",)},
        ),
    ),
    parent="doi",
    windows={"created": "created", "updated": "updated"},
    slice_on="created",
    filters=(
        Filter(name="client-id", description="Client.", any_of=True, joined_by_or=True),
        Filter(name="provider-id", description="Provider.", any_of=True, joined_by_or=True),
        Filter(name="published", description="Years.", form=Form(r"\d{4}(,\d{4})?", "a year or two")),
    ),
    includes=(Include(name="client", resource="clients", path="relationships.client"),),
    params={"affiliation": "true", "disable-facets": "true"},
    detail={"detail": "true"},
)
YEAR_2019 = Window(year_start(2019), year_start(2020))
CLAUSE_2019 = "created:[2019-01-01T00:00:00Z TO 2020-01-01T00:00:00Z}"


def query(**given: object) -> Query:
    return Query(resource=RESOURCE, **given)


class TestParams:
    def test_a_plain_query_asks_with_the_resources_own_parameters(self) -> None:
        """What the resource always says is said, and nothing else."""
        assert query().params() == {"affiliation": "true", "disable-facets": "true"}

    def test_everything_asked_is_spelled(self) -> None:
        """Filters, includes and the heavy view become parameters."""
        asked = query(filters=(("client-id", "tib.x"),), include=("client",), detail=True).params()
        assert asked.items() >= {"client-id": "tib.x", "include": "client", "detail": "true"}.items()

    def test_text_alone_is_sent_as_it_is(self) -> None:
        """Without windows the user's text is not touched."""
        assert query(text="a OR b").params()["query"] == "a OR b"

    def test_text_and_windows_are_joined_by_and(self) -> None:
        """An OR in the user's text must not swallow the window."""
        asked = query(text="a OR b", window=YEAR_2019, by="updated").params(YEAR_2019)
        assert asked["query"] == f"(a OR b) AND {CLAUSE_2019.replace('created', 'updated')} AND {CLAUSE_2019}"

    def test_a_slice_narrows_by_the_time_that_never_changes(self) -> None:
        """The slice's window is one on the creation time."""
        assert query().params(YEAR_2019)["query"] == CLAUSE_2019

    def test_the_parent_stands_before_the_list(self) -> None:
        """The DOIs of a client hang under that client."""
        assert query(of="clients/tib.x").path == "/clients/tib.x/dois"
        assert query().path == "/dois"

    def test_only_the_fields_that_tables_need_are_asked_for(self) -> None:
        """With some tables wanted, the server is spared the rest."""
        asked = query(tables=("affiliations",)).params()
        assert asked["fields[dois]"] == "created,creators,doi,publisher,updated"

    @given(st.dictionaries(st.text(min_size=1), st.text()))
    def test_encoding_loses_nothing(self, params: dict[str, str]) -> None:
        """What is encoded is read back by any server as it was."""
        params = {
            name.encode(errors="ignore").decode(): value.encode(errors="ignore").decode()
            for name, value in params.items()
        }
        assert dict(parse_qsl(encode(params), keep_blank_values=True)) == params

    def test_brackets_of_names_stay_readable(self) -> None:
        """Parameters look as they do in DataCite's own links."""
        assert encode({"page[size]": "5", "query": "a b&c"}) == "page[size]=5&query=a%20b%26c"


class TestWantedFields:
    @pytest.mark.parametrize(
        ("table", "expected"),
        [
            ("creators", {"creators"}),
            ("links", {"client"}),
            ("people", {"creators"}),
            ("dois", set()),
        ],
    )
    def test_fields_follow_from_paths(self, table: str, expected: set[str]) -> None:
        """Lists, relationships and what a built table is made of are all found; key and times are always included."""
        assert set(wanted_fields(RESOURCE, [table])) == {"created", "updated", "doi", "publisher"} | expected


class TestCheck:
    def test_underscores_are_hyphens(self) -> None:
        """The API takes both spellings, so do we, and mean one."""
        assert check(query(filters=(("client_id", "x"),))).filters == (("client-id", "x"),)

    def test_the_order_of_filters_does_not_matter(self) -> None:
        """Checked queries that ask the same are equal."""
        one = (("client-id", "x"), ("provider-id", "y"))
        assert check(query(filters=one)) == check(query(filters=one[::-1]))

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (
                {"filters": (("clientid", "x"),)},
                r"no filter 'clientid'; did you mean client-id\? valid are: client-id, id, ids, pro",
            ),
            ({"filters": (("zzz", "x"),)}, "no filter 'zzz'; valid are"),
            ({"include": ("clients",)}, r"no include 'clients'; did you mean client\?"),
            ({"tables": ("creator",)}, r"no table 'creator'; did you mean creators\?"),
            ({"window": YEAR_2019, "by": "registered"}, "no window 'registered'; it has: created, updated"),
            ({"filters": (("published", "2020-2022"),)}, "published does not take '2020-2022'; it takes a year or two"),
            ({"filters": (("client-id", ""),)}, "client-id has no value; give it one, or leave the filter out"),
            ({"filters": (("client-id", " , "),)}, "client-id has no value"),
            ({"window": Window(year_start(2025), year_start(2025))}, "is empty; give --since a moment before --until"),
            ({"window": Window(year_start(2025), year_start(2019))}, "is empty"),
        ],
    )
    def test_what_the_resource_does_not_have_is_refused(self, given: dict, words: str) -> None:
        """The API would silently ignore it and answer with everything."""
        with pytest.raises(UsageError, match=words):
            check(query(**given))

    def test_a_search_is_refused_where_the_list_takes_none(self) -> None:
        """The API would answer with the whole list."""
        with pytest.raises(UsageError, match="ignores a search in dois; leave --query out"):
            check(replace(query(text="a"), resource=replace(RESOURCE, searched=False)))
        assert check(query(text="a")).text == "a"

    def test_records_asked_for_by_name_are_known(self) -> None:
        """The declaration says which values are ids; they come in lower case, each once."""
        dois = resources.load("dois")
        asked = check(Query(resource=dois, filters=(("ids", "10.1/B, 10.1/a"), ("ids", "10.1/b"), ("prefix", "10.1"))))
        assert requested_ids(asked) == ("10.1/b", "10.1/a")
        assert requested_ids(query(filters=(("client-id", "x"),))) == ()

    def test_filters_that_the_server_joins_by_or_are_named(self) -> None:
        """Two of them widen the query where a user expects it to narrow."""
        both = (("client-id", "x"), ("provider-id", "y"))
        assert joined_by_or(query(filters=both)) == ["client-id", "provider-id"]
        assert joined_by_or(query(filters=(*both[:1], ("published", "2019")))) == []


class TestParents:
    NESTED = replace(RESOURCE, parents={"doi": "dois", "client": "clients"})

    @pytest.mark.parametrize("of", ["doi/10.5438/0012", "dois/10.5438/0012"])
    def test_a_parent_is_named_by_its_kind(self, of: str) -> None:
        """Both the user's word and the path's lead to the list of one record."""
        query = check(Query(resource=self.NESTED, of=of))
        assert query.path == "/dois/10.5438/0012/dois"
        assert check(query) == query

    @pytest.mark.parametrize("of", ["doi", "doi/", "event/1", "10.5438/0012"])
    def test_another_parent_is_refused(self, of: str) -> None:
        """The message names those there are."""
        with pytest.raises(UsageError, match=r"doi/ID, client/ID"):
            check(Query(resource=self.NESTED, of=of))

    def test_most_lists_have_no_parents(self) -> None:
        """A parent is refused where the path would not exist."""
        with pytest.raises(UsageError, match="nothing"):
            check(Query(resource=RESOURCE, of="doi/10.5438/0012"))

    def test_records_without_a_list_of_their_own_are_refused(self) -> None:
        """Records that are only included with others cannot be requested; those listed under a parent need one."""
        with pytest.raises(UsageError, match="--include"):
            check(Query(resource=replace(RESOURCE, listed=False)))
        with pytest.raises(UsageError, match="--of doi/ID"):
            check(Query(resource=replace(self.NESTED, listed=False)))


class TestFingerprint:
    @pytest.mark.parametrize(
        "change",
        [
            {"filters": (("client-id", "x"),)},
            {"text": "a"},
            {"window": YEAR_2019},
            {"include": ("client",)},
            {"of": "clients/x"},
            {"detail": True},
            {"tables": ("creators",)},
            {"resource": replace(RESOURCE, schema_version="2")},
        ],
    )
    def test_every_part_of_the_question_counts(self, change: dict) -> None:
        """Another question, or another reading of the answer, has another fingerprint."""
        assert replace(query(), **change).fingerprint != query().fingerprint

    def test_it_is_the_same_in_every_run(self) -> None:
        """A fingerprint depends on the question only, and is short."""
        assert query(text="é").fingerprint == query(text="é").fingerprint
        assert len(query().fingerprint) == 16


class TestOldApi:
    """What API v1 is asked in another way."""

    def test_a_filter_may_have_a_name_that_the_server_ignores(self) -> None:
        """The name in the documents becomes the name that works, and both together count as given twice."""
        works = resources.load("v1/works")
        asked = check(Query(resource=works, filters=(("resource-id", "dataset"),)))
        assert asked.filters == (("resource-type-id", "dataset"),)
        with pytest.raises(UsageError, match="given twice"):
            check(Query(resource=works, filters=(("resource-id", "dataset"), ("resource-type-id", "text"))))

    @pytest.mark.parametrize("value", ["2016", "2016-02", "2016-02-29"])
    def test_dates_may_be_years_months_and_days(self, value: str) -> None:
        """Each of the four dates takes each of the three forms, and nothing else."""
        works = resources.load("v1/works")
        for name in ("from-created-date", "until-created-date", "from-update-date", "until-update-date"):
            assert check(Query(resource=works, filters=((name, value),))).params()[name] == value
            with pytest.raises(UsageError):
                check(Query(resource=works, filters=((name, f"{value}T00"),)))

    def test_no_fields_are_chosen(self) -> None:
        """The old server knows no sparse fieldsets, so that a choice of tables changes nothing in the request."""
        works = resources.load("v1/works")
        assert Query(resource=works, tables=("v1_work_authors",)).params() == Query(resource=works).params()

    def test_works_are_walked_from_the_oldest_on(self) -> None:
        """New works come last, so that none of them shifts the pages that are still to come."""
        assert Query(resource=resources.load("v1/works")).params() == {"sort": "deposited", "order": "asc"}


@pytest.mark.parametrize("name", ["id", "ids"])
def test_the_id_of_a_doi_has_two_names(name: str) -> None:
    """The API knows both; the list is asked by one of them."""
    query = check(Query(resource=resources.load("dois"), filters=((name, "10.1/A"),)))
    assert query.filters == (("ids", "10.1/A"),)
    assert (query.single, requested_ids(query)) == ("", ("10.1/a",))


@pytest.mark.parametrize("name", ["id", "ids"])
def test_a_list_without_ids_gives_a_record_by_its_own_path(name: str) -> None:
    """The id is a part of the path, and not a parameter that the list would ignore."""
    query = check(Query(resource=resources.load("v1/members"), filters=((name, "cern"), ("year", "2010"))))
    assert (query.single, query.path) == ("cern", "/members/cern")
    assert query.params() == {"year": "2010"}
    assert requested_ids(query) == ("cern",)
    assert query.request()["filters"] == {"ids": "cern", "year": "2010"}


def test_records_without_a_lasting_id_cannot_be_named() -> None:
    """Relations of v1 get another id in every answer."""
    with pytest.raises(UsageError, match="no filter 'ids'"):
        check(Query(resource=resources.load("v1/relations"), filters=(("ids", "x"),)))
