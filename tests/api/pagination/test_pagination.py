"""Strategies of paging: what is asked for next, and which pages are refused."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.api.document import Document
from etl.api.pagination.by_cursor import Cursor, Keyset
from etl.api.pagination.by_row import REACH, Number, Offset, Whole
from etl.api.pagination.cursors import cursor_of, make_cursor, read_cursor
from etl.api.pagination.page_info import PageInfo
from etl.api.pagination.page_info import read_page_info as facts
from etl.api.pagination.position import Position, Progress
from etl.api.pagination.strategies import strategy
from etl.api.query import Query
from etl.errors import ProtocolError, RefusedError
from etl.schema.declarations import Column, Paging, Resource, Table, Type

MAIN = Table(
    name="things",
    description="Things.",
    columns=(Column(name="id", type=Type.STRING, description="Id.", path="id", key=True),),
)
RESOURCE = Resource(
    name="things", dialect="v2", type="things", path="/things", description="", tables=(MAIN,), parent="id"
)
SECOND = 1_546_300_800  # 2019-01-01


def link(cursor: str) -> str:
    return f"https://api.datacite.org/dois?page%5Bcursor%5D={quote(cursor)}&page%5Bsize%5D=2"


def document(*records: dict, onward: str | None = None, **meta: object) -> Document:
    links = {} if onward is None else {"next": onward}
    return Document(records=[json.dumps(record).encode() for record in records], meta=meta, links=links)


def record(name: str, created: str = "2019-01-01T00:00:00Z", kind: str = "things") -> dict:
    return {"id": name, "type": kind, "attributes": {"created": created, "titles": [{"title": "A"}]}}


class TestCursors:
    @given(st.integers(0, 10**14), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
    def test_what_is_made_can_be_read(self, milliseconds: int, uid: str) -> None:
        """A made cursor is read back as it was made, commas and all."""
        assert read_cursor(make_cursor(milliseconds, uid)) == (milliseconds, uid)

    def test_a_recorded_cursor_is_made_and_read(self) -> None:
        """The format is the one that DataCite's server was seen to write (api-notes 2.4)."""
        token = "MTMxNDc4NTc3OTAwMCwxMC4xNTk0L3dkY2MvbWJfaHNnXzIwMDdfMjAxMA"
        assert read_cursor(token) == (1314785779000, "10.1594/wdcc/mb_hsg_2007_2010")
        assert make_cursor(1314785779000, "10.1594/wdcc/mb_hsg_2007_2010") == token

    @pytest.mark.parametrize("token", ["1", "???", "bm8gbnVtYmVy", "_w"])
    def test_a_damaged_cursor_is_refused(self, token: str) -> None:
        """A cursor that the server would not understand would begin from the start, in silence."""
        with pytest.raises(ProtocolError, match="damaged"):
            read_cursor(token)

    @pytest.mark.parametrize(
        "url",
        [
            "https://a.org/dois?page%5Bcursor%5D=MTI&page%5Bsize%5D=2",
            "https://a.org/dois?page[cursor]=MTI&query=a%26page[size]=1",
            "/dois?query=page%5Bcursor%5D%3Dno&page%5Bcursor%5D=MTI",
        ],
    )
    def test_it_is_taken_out_of_any_spelling_of_the_link(self, url: str) -> None:
        """Encoded or raw, absolute or not: the parameter is found, and nothing that only looks like it."""
        assert cursor_of(url) == "MTI"

    @pytest.mark.parametrize("url", ["https://a.org/dois?page[number]=2", "", "https://a.org/dois?page[cursor]="])
    def test_a_link_without_one_is_refused(self, url: str) -> None:
        """A next page without a cursor cannot be asked for."""
        with pytest.raises(ProtocolError, match="no cursor"):
            cursor_of(url)


class TestCursorWalk:
    START = Cursor().first()
    MIDDLE = Position(make_cursor(SECOND * 1000, "10.1/m"), 3, 30)

    def follow(self, position: Position, **info: object) -> Position | None:
        return Cursor().follow(position, 10, PageInfo(**{"count": 10, "total": 100, **info})).next

    def test_it_begins_with_the_documented_start(self) -> None:
        """The first request says cursor 1."""
        assert Cursor().params(self.START, 500) == {"page[cursor]": "1", "page[size]": "500"}

    def test_it_goes_on_by_the_cursor_of_the_link(self) -> None:
        """The next position has the server's cursor, the next number, and the records so far."""
        token = make_cursor(SECOND * 1000, "10.1/n")
        assert self.follow(self.MIDDLE, next=link(token)) == Position(token, 4, 40, promised=100)
        assert Cursor().params(Position(token, 4, 40), 10)["page[cursor]"] == token

    def test_no_link_is_the_end(self) -> None:
        """The last page has no link; whether enough came is the caller's to see."""
        assert self.follow(self.MIDDLE) is None

    def test_an_empty_page_after_everything_is_the_end(self) -> None:
        """A list that is a multiple of the page size may end in an empty page."""
        assert self.follow(replace(self.MIDDLE, received=100), count=0, next=link(self.MIDDLE.token)) is None

    def test_an_empty_page_before_the_end_is_refused(self) -> None:
        """Nothing new, although more was promised."""
        with pytest.raises(ProtocolError, match="nothing new after 30 of 100"):
            self.follow(self.MIDDLE, count=0, next=link(make_cursor(SECOND * 1000, "10.1/z")))

    @pytest.mark.parametrize("uid", ["10.1/m", "10.1/a"])
    def test_a_cursor_that_does_not_move_on_is_refused(self, uid: str) -> None:
        """The same cursor again, or one before it, would walk in a circle."""
        with pytest.raises(ProtocolError, match="does not advance"):
            self.follow(self.MIDDLE, next=link(make_cursor(SECOND * 1000, uid)))

    def test_a_damaged_cursor_is_refused_before_it_is_used(self) -> None:
        """A cursor that cannot be read is not passed on."""
        with pytest.raises(ProtocolError, match="damaged"):
            self.follow(self.START, next=link("garbage!"))

    @pytest.mark.parametrize("key", [(SECOND - 1, "10.1/z"), (SECOND, "10.1/m"), (SECOND, "10.1/a")])
    def test_a_page_of_records_from_before_the_cursor_is_refused(self, key: tuple[int, str]) -> None:
        """A server that has lost the cursor begins at the start of the list; its link may look good."""
        keys = [(key[0] * 1000, key[1])] * 10
        with pytest.raises(ProtocolError, match="began again"):
            self.follow(self.MIDDLE, first=keys[0], keys=keys, next=link(make_cursor((SECOND + 9) * 1000, "x")))

    def test_a_page_that_repeats_some_records_is_progress(self) -> None:
        """What is new counts, what had come is counted as repeated."""
        keys = [(SECOND * 1000, f"10.1/{letter}") for letter in "klmnopqrst"]
        token = make_cursor(SECOND * 1000, "10.1/t")
        info = PageInfo(count=10, total=100, first=keys[0], keys=tuple(keys), next=link(token))
        assert Cursor().needs_ids(self.MIDDLE, info)
        progress = Cursor().follow(self.MIDDLE, 10, info)
        assert progress == Progress(Position(token, 4, 40, repeated=3, promised=100), repeated=3)

    @pytest.mark.parametrize("key", [(SECOND, "10.1/n"), (SECOND + 1, "10.1/a"), None])
    def test_a_page_from_behind_the_cursor_is_not_looked_through(self, key: tuple[int, str] | None) -> None:
        """Later seconds, later ids of the same second, and records without a time are let pass."""
        info = PageInfo(count=10, total=100, first=key and (key[0] * 1000, key[1]))
        assert not Cursor().needs_ids(self.MIDDLE, info)
        assert Cursor().follow(self.MIDDLE, 10, info).next is None

    def test_milliseconds_in_the_cursor_are_not_held_against_records(self) -> None:
        """Records show whole seconds where the index may know more."""
        position = Position(make_cursor(SECOND * 1000 + 500, "z"), 1, 10)
        assert not Cursor().needs_ids(position, PageInfo(count=10, total=100, first=(SECOND * 1000, "a")))

    def test_a_page_of_repeated_records_after_everything_is_the_end(self) -> None:
        """The last second comes again behind its own cursor, and nothing after it."""
        keys = [(SECOND * 1000, "10.1/k"), (SECOND * 1000, "10.1/l")]
        assert self.follow(replace(self.MIDDLE, received=100), count=2, first=keys[0], keys=keys) is None

    @given(
        st.lists(st.lists(st.integers(0, 999), min_size=1, max_size=4), max_size=12), st.integers(5, 9), st.randoms()
    )
    def test_no_record_is_lost_where_pages_overlap(self, seconds: list[list[int]], size: int, chance) -> None:
        """A server that sorts by milliseconds and writes seconds into its cursors repeats records, and loses none."""
        rows = sorted(
            ((SECOND + second) * 1000 + millisecond, f"r{chance.randrange(100)}.{number}")
            for second, milliseconds in enumerate(seconds)
            for number, millisecond in enumerate(milliseconds)
        )
        received: list[str] = []
        position, before = Cursor().first(), None
        while position is not None:
            after = (0, "") if position.token == "1" else read_cursor(position.token)
            page = [row for row in rows if row > after][:size]
            shown = tuple((moment // 1000 * 1000, name) for moment, name in page)
            onward = link(make_cursor(*shown[-1])) if len(page) == size else None
            tail = frozenset(name for moment, name in shown if moment == shown[-1][0])
            first = shown[0] if shown else None
            info = PageInfo(count=len(page), total=len(rows), next=onward, first=first, tail=tail)
            if Cursor().needs_ids(position, info):
                info = replace(info, keys=shown)
            received += [name for _, name in page]
            position, before = Cursor().follow(position, size, info, before).next, info
        assert set(received) == {name for _, name in rows}


class TestKeysetWalk:
    """Cursors made from the records, for lists whose links have none."""

    KEYS = tuple((SECOND * 1000 + step, f"r{step}") for step in range(9))

    def page(self, start: int, end: int, total: int = 9) -> PageInfo:
        return PageInfo(count=end - start, total=total, keys=self.KEYS[start:end])

    def test_it_goes_on_behind_the_last_record(self) -> None:
        """The cursor is made from the last record's time and id."""
        assert Keyset().params(Keyset().first(), 3) == {"page[cursor]": "1", "page[size]": "3"}
        progress = Keyset().follow(Keyset().first(), 3, self.page(0, 3))
        assert progress == Progress(Position(make_cursor(*self.KEYS[2]), 1, 3, promised=9))

    def test_it_ends_when_everything_came_or_nothing_does(self) -> None:
        """There is no link that could say so."""
        assert Keyset().follow(Position(make_cursor(*self.KEYS[5]), 2, 6), 3, self.page(6, 9)).next is None
        assert Keyset().follow(Position(make_cursor(*self.KEYS[5]), 2, 6), 3, self.page(9, 9)).next is None

    def test_a_list_that_begins_again_is_refused(self) -> None:
        """A server that does not know cursors here would send its first page for ever."""
        with pytest.raises(ProtocolError, match="began again"):
            Keyset().follow(Position(make_cursor(*self.KEYS[2]), 1, 3), 3, self.page(0, 3))

    @given(st.lists(st.sampled_from([-1, 0, 1]), max_size=30), st.integers(0, 4), st.integers(1, 3), st.integers(0, 30))
    def test_totals_that_flicker_and_pages_that_overlap_lose_no_record(
        self, flicker: list[int], overlap: int, fresh: int, count: int
    ) -> None:
        """Every record comes, whatever the replicas count and however far pages go back."""
        rows = [(SECOND * 1000 + number, f"r{number:02}") for number in range(count)]
        size, received, turns = overlap + fresh, list[tuple[int, str]](), iter(flicker)
        position: Position | None = Keyset().first()
        while position is not None:
            done = sum(row <= read_cursor(position.token) for row in rows) if position.page else 0
            keys = tuple(rows[max(0, done - overlap) : max(0, done - overlap) + size])
            total = max(0, count + next(turns, 0)) if position.page else count
            try:
                position = Keyset().follow(position, size, PageInfo(count=len(keys), total=total, keys=keys)).next
            except ProtocolError:  # nothing new where one more was promised: it is requested again
                continue
            received += keys
        assert sorted(set(received)) == rows

    def test_a_last_record_without_a_time_is_refused(self) -> None:
        """Nothing can be made of it, and the rest of the list would be lost."""
        with pytest.raises(ProtocolError, match="no time of creation"):
            Keyset().follow(Keyset().first(), 2, PageInfo(count=2, total=5, keys=(self.KEYS[0], None)))

    @given(st.lists(st.integers(1, 4), max_size=30), st.integers(5, 9), st.booleans())
    def test_records_of_one_key_come_once_wherever_pages_end(self, groups: list[int], size: int, ties: bool) -> None:
        """Pages that end among records of one key lose none of them, and none is taken twice."""
        sizes = groups if ties else [1] * len(groups)
        rows = [(SECOND * 1000 + key, f"r{key}") for key, count in enumerate(sizes) for _ in range(count)]
        walk, taken = Keyset(ties=ties), []
        position: Position | None = walk.first()
        while position is not None:
            after = (0, "") if position.token == "1" else read_cursor(position.token)
            keys = tuple(row for row in rows if row > after)[:size]
            progress = walk.follow(position, size, PageInfo(count=len(keys), total=len(rows), keys=keys))
            taken += keys[: len(keys) - progress.again]
            position = progress.next
        assert taken == rows


class TestNumberWalk:
    def test_it_asks_for_pages_by_number(self) -> None:
        """The row becomes the number of a page of that size, counted from 1."""
        assert Number().params(Position("2000", 2, 2000), 500) == {"page[number]": "5", "page[size]": "500"}

    @given(st.integers(0, 9_999), st.integers(1, 5_000))
    def test_sizes_divide_the_reach_and_the_row(self, row: int, wanted: int) -> None:
        """Other sizes loop at the end of the reach, or would skip records after a change of size."""
        size = Number().size(Position(str(row)), wanted)
        assert 1 <= size <= wanted
        assert REACH % size == 0
        assert row % size == 0

    @given(st.integers(0, 10_000), st.lists(st.integers(1, 1000), min_size=1))
    def test_pages_of_changing_sizes_cover_every_row_once(self, total: int, sizes: list[int]) -> None:
        """However the size changes on the way, no row is skipped and none is asked for twice."""
        position, rows, turn = Number().first(), [], 0
        while position is not None:
            size = Number().size(position, sizes[min(turn, len(sizes) - 1)])
            params = Number().params(position, size)
            start = (int(params["page[number]"]) - 1) * size
            page = range(start, min(start + size, total))
            rows += page
            info = PageInfo(count=len(page), total=total, number=start // size + 1, ids=tuple(map(str, page)))
            position, turn = Number().follow(position, size, info).next, turn + 1
            sizes = sizes if turn < 500 else [1000]
        assert rows == list(range(total))

    def test_nothing_beyond_the_reach_is_asked_for(self) -> None:
        """Beyond 10,000 rows the server would send the last page again; the message says what to do."""
        info = PageInfo(count=1000, total=20_000, number=10, ids=("a",))
        position = Number().follow(Position("9000", 9, 9000), 1000, info).next
        assert position is not None
        with pytest.raises(RefusedError, match=r"10,000.*narrow"):
            Number().params(position, 1000)

    def test_a_clamped_page_is_refused(self) -> None:
        """A page of a lower number than asked for is not the page asked for."""
        with pytest.raises(ProtocolError, match="page 9 when page 10"):
            Number().follow(Position("9000", 9, 9000), 1000, PageInfo(count=1000, total=20_000, number=9))

    def test_the_same_records_again_are_refused(self) -> None:
        """A page with only the records of the one before is not progress."""
        before = PageInfo(count=2, total=9, number=1, ids=("a", "b"))
        with pytest.raises(ProtocolError, match="nothing new"):
            Number().follow(Position("2", 1, 2), 2, PageInfo(count=2, total=9, number=2, ids=("b", "a")), before)

    def test_a_page_that_repeats_records_because_rows_moved_down_is_progress(self) -> None:
        """Records that were added before it push the page before into it."""
        before = PageInfo(count=2, total=9, ids=("a", "b"))
        moved = PageInfo(count=2, total=11, ids=("a", "b"))
        assert Number().follow(Position("2", 1, 2, promised=9), 2, moved, before).next == Position("4", 2, 4, 0, 11)

    def test_a_list_that_became_shorter_says_that_rows_have_moved(self) -> None:
        """A record that was withdrawn before the page has moved another one out of it, into the page that came."""
        page = PageInfo(count=2, total=8, ids=("d", "e"))
        progress = Number().follow(Position("2", 1, 2, promised=9), 2, page)
        assert progress.shifted
        assert progress.next == Position("4", 2, 4, promised=9)
        assert not Number().follow(Position("2", 1, 2, promised=8), 2, page).shifted

    def test_an_empty_page_where_the_list_became_shorter_is_the_end(self) -> None:
        """The rows that were promised are gone."""
        empty = PageInfo(count=0, total=8)
        assert Number().follow(Position("8", 4, 8, promised=9), 2, empty) == Progress(None, shifted=True)

    @given(st.lists(st.sampled_from([-1, 0, 1]), max_size=40), st.integers(1, 4), st.integers(1, 40))
    def test_totals_that_flicker_end_no_walk_early(self, flicker: list[int], size: int, count: int) -> None:
        """Replicas that count one record more or fewer cost no row; only what the first page says is trusted."""
        rows, turns, received = list(map(str, range(count))), iter(flicker), list[str]()
        position, before = Offset().first(), None
        while position is not None:
            page = rows[int(position.token) :][:size]
            total = count + next(turns, 0) if position.page else count
            info = PageInfo(count=len(page), total=total, ids=tuple(page))
            try:
                position, before = Offset().follow(position, size, info, before).next, info
            except ProtocolError:  # an empty page where one more was promised: it is requested again
                continue
            received += page
        assert received == rows

    def test_an_empty_page_in_the_middle_is_refused(self) -> None:
        """An empty page where more was promised is not the end."""
        with pytest.raises(ProtocolError, match="nothing new after 2 of 9"):
            Number().follow(Position("2", 1, 2), 2, PageInfo(count=0, total=9, number=2))

    def test_the_smallest_page_is_asked_for_where_none_is_refused(self) -> None:
        """Some servers divide by the page size."""
        assert Number().count() == {"page[size]": "0"}
        assert Number(1).count() == {"page[size]": "1"}


class TestOtherWalks:
    def test_offsets_go_by_rows(self) -> None:
        """v1.1 is asked by rows and offset."""
        info = PageInfo(count=100, total=150, ids=("a",))
        position = Offset().follow(Offset().first(), 100, info).next
        assert position is not None
        assert Offset().params(position, 100) == {"rows": "100", "offset": "100"}
        assert Offset().follow(position, 100, replace(info, count=50, ids=("b",))).next is None

    def test_a_fixed_size_cannot_be_changed(self) -> None:
        """Where the server computes pages of 25 whatever is asked, nothing else is asked (api-notes 7.3)."""
        assert Offset(25).size(Offset(25).first(), 1000) == 25

    def test_whole_lists_are_asked_for_once_and_plainly(self) -> None:
        """Lists without paging get no paging parameters, and nothing follows."""
        whole = Whole(1000)
        assert whole.params(whole.first(), 1000) == {}
        assert whole.follow(whole.first(), 1000, PageInfo(count=3, total=99)).next is None

    @pytest.mark.parametrize(
        ("paging", "filters", "expected"),
        [
            (Paging.CURSOR, {}, Cursor()),
            (Paging.NUMBER, {}, Number()),
            (Paging.KEYSET, {}, Keyset()),
            (Paging.KEYSET, {"ids": "a,b"}, Number()),
            (Paging.WHOLE, {}, Whole(1000)),
            (Paging.OFFSET, {}, Offset()),
            (Paging.OFFSET, {"publisher-id": "cdl.digsci"}, Offset()),
            (Paging.OFFSET, {"publisher-id": "340"}, Offset(25)),
            (Paging.OFFSET, {"source-id": "datacite_crossref"}, Offset(25)),
        ],
    )
    def test_the_strategy_follows_from_resource_and_filters(self, paging, filters, expected) -> None:
        """Each kind of list is paged in its way; some filters of v1.1 hand a list to the service with pages of 25."""
        query = Query(resource=replace(RESOURCE, paging=paging), filters=tuple(filters.items()))
        assert strategy(query) == expected

    def test_records_that_share_an_id_are_walked_with_care(self) -> None:
        """Where the server's ids are not unique, several records may have one place in the order."""
        assert strategy(Query(resource=replace(RESOURCE, paging=Paging.KEYSET, identity=("id",)))) == Keyset(ties=True)


class TestFacts:
    def test_a_page_tells_its_facts(self) -> None:
        """Total, number, link, first record, ids and keys are read from the document."""
        page = document(record("A"), record("b", "2019-01-01T00:00:00.25Z"), total=7, page=2, onward="/x")
        keys = ((SECOND * 1000, "a"), (SECOND * 1000 + 250, "b"))
        found = facts(page, "things", ids=True)
        assert found == PageInfo(
            count=2, total=7, number=2, next="/x", first=keys[0], ids=("A", "b"), keys=keys, tail=frozenset("ab")
        )

    def test_ids_are_left_alone_where_nobody_needs_them(self) -> None:
        """Without ids only the first record is looked into."""
        found = facts(document(record("a"), {"id": 3}, total=7), "things", ids=False)
        assert (found.count, found.ids) == (2, ())

    @pytest.mark.parametrize("meta", [{}, {"total": None}, {"total": "7"}, {"total": True}, {"total": -1}])
    def test_a_page_without_a_total_is_refused(self, meta: dict) -> None:
        """v1.1 answers 200 with a null total when a service behind it is down (api-notes 7.2)."""
        with pytest.raises(ProtocolError, match=r"meta\.total"):
            facts(document(record("a"), **meta), "things", ids=False)

    def test_records_of_other_types_do_not_count(self) -> None:
        """v1.0 mixed side-loaded records into the data."""
        mixed = document(record("a"), record("p", kind="publishers"), total=1)
        assert facts(mixed, "things", ids=True).count == 1

    def test_a_list_of_another_type_altogether_counts(self) -> None:
        """In 2017 data centers came under the type of publishers."""
        assert facts(document(record("a", kind="publishers"), total=1), "things", ids=True).count == 1

    @pytest.mark.parametrize(
        "odd", [b'{"id": "a"}', b'{"id": 5, "attributes": {"created": 7}}', b'{"attributes": []}', b'"\\ud800"', b"3"]
    )
    def test_odd_records_are_no_trouble_here(self, odd: bytes) -> None:
        """A record that is not as it should be leaves the guards without a hold, and nothing else."""
        found = facts(Document(records=[odd], meta={"total": 1}, links={}), "things", ids=True)
        assert (found.count, found.first) == (1, None)

    @pytest.mark.parametrize("name", ["created", "createdAt", "prov:generatedAtTime"])
    def test_the_time_of_creation_has_several_names(self, name: str) -> None:
        """DOIs, prefixes and activities write it differently."""
        one = {"id": "A", "type": "things", "attributes": {name: "2019-01-01T00:00:00.000Z"}}
        assert facts(document(one, total=1), "things", ids=False).first == (SECOND * 1000, "a")
