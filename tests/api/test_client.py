"""The client: walks that bring every record once, whatever the server does on the way, and say when they cannot."""

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from etl import resources
from etl.api.client import Client
from etl.api.limits.rate_limit import RateLimit
from etl.api.pagination.cursors import make_cursor, read_cursor
from etl.api.query import Query
from etl.api.requester import address
from etl.api.transport import Transport
from etl.api.window import Window, year_start
from etl.errors import LimitedError, ProtocolError, RefusedError, TransientError
from etl.events import Retried
from etl.sandbox.corpus import Corpus
from etl.sandbox.server import Sandbox
from etl.schema.declarations import Paging
from etl.settings import Settings
from tests.support.loopback import Loopback, Request, http
from tests.support.virtual import Time

DOIS = resources.load("dois")
QUERY = Query(resource=DOIS)
LIST = Query(resource=replace(DOIS, paging=Paging.NUMBER, page_size=10))
SECOND = year_start(2019)
GATEWAY = http(b"<html><head><title>504 Gateway Time-out</title></head></html>", status=504)
LIMITED = http(b"Your request has been rate limited.", status=429)


@dataclass
class Setup:
    """A client of a server, its time, and its events."""

    client: Client
    server: Loopback | Sandbox
    time: Time
    events: list[Retried]


@asynccontextmanager
async def against(server: Loopback | Sandbox, **options: object) -> AsyncIterator[Setup]:
    """Connect a client to a server that already listens."""
    url = server.url if isinstance(server, Loopback) else server.base_url
    settings, time, events = Settings(base_url=url, **options), Time(), []
    budget = RateLimit(10**6, clock=time.clock, sleep=time.sleep)
    async with Transport(settings) as transport:
        tools = {"rng": random.Random(1), "clock": time.clock, "sleep": time.sleep}
        yield Setup(Client(transport, budget, settings, events.append, **tools), server, time, events)


@asynccontextmanager
async def scripted(answer: Callable[[Request], bytes], **options: object) -> AsyncIterator[Setup]:
    """Connect a client to a server with scripted answers."""
    async with Loopback(answer) as server, against(server, **options) as setup:
        yield setup


def body(records: list[dict], total: int, onward: str | None = None, **meta: object) -> bytes:
    links = {} if onward is None else {"next": onward}
    return gzip.compress(json.dumps({"data": records, "meta": {"total": total, **meta}, "links": links}).encode(), 1)


def record(row: int) -> dict:
    return {"id": f"10.1/{row:04d}", "type": "dois", "attributes": {"created": "2019-01-01T00:00:00Z"}}


def listing(total: int, trouble: Callable[[Request, int], bytes | None] = lambda request, row: None):
    """Answer as a sound list of records would, but for the trouble; all were created in one second."""

    def answer(request: Request) -> bytes:
        size = int(request.params["page[size]"])
        token = request.params.get("page[cursor]", "1")
        if "page[number]" in request.params:
            row = (int(request.params["page[number]"]) - 1) * size
        else:
            row = 0 if token == "1" else int(read_cursor(token)[1].removeprefix("10.1/")) + 1
        if (instead := trouble(request, row)) is not None:
            return instead
        records = [record(one) for one in range(row, min(row + size, total))]
        last = make_cursor(SECOND * 1000, records[-1]["id"]) if records else ""
        onward = f"http://elsewhere.example/dois?page%5Bcursor%5D={last}" if len(records) == size else None
        return http(body(records, total, onward), content_encoding="gzip")

    return answer


def once(*answers: bytes) -> Callable[[Request, int], bytes | None]:
    """Give the answers one after the other to requests from row 20 on, then none."""
    left = list(answers)
    return lambda request, row: left.pop(0) if row >= 20 and left else None


async def walk(setup: Setup, query: Query = QUERY, **options: object) -> list[str]:
    """Walk a list in pages of ten and return the ids."""
    options = {"size": 10, **options}
    return [
        json.loads(one)["id"] async for page in setup.client.pages(query, **options) for one in page.document.records
    ]


def ids(total: int) -> list[str]:
    return [f"10.1/{row:04d}" for row in range(total)]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.generate(records=600, seed=3)


class TestSandbox:
    @pytest.mark.parametrize("size", [7, 100, 600, 1000])
    async def test_a_walk_brings_every_record_once(self, corpus: Corpus, size: int) -> None:
        """Whatever the page size, the walk is the list."""
        async with Sandbox(corpus) as server, against(server) as setup:
            walked = await walk(setup, size=size)
        assert sorted(walked) == sorted(corpus.ids())
        assert len(walked) == len(set(walked))

    async def test_counts_of_halves_are_the_count_of_the_whole(self, corpus: Corpus) -> None:
        """A count is the total of the query in the window, without any records."""
        async with Sandbox(corpus) as server, against(server) as setup:
            count = setup.client.count
            whole = await count(QUERY)
            halves = [await count(QUERY, window) for window in Window().cut([year_start(2020)])]
            assert all("page[size]=0" in target for target in server.targets)
        assert whole == sum(halves) == len(corpus.ids())
        assert all(halves)

    @pytest.mark.parametrize("rank", [0, 1, 57])
    async def test_the_record_of_a_rank_tells_its_second(self, corpus: Corpus, rank: int) -> None:
        """Ranks go by creation, within the window."""
        window = Window(year_start(2018), None)
        created = corpus.now.frame.filter("findable")["created"].sort() // 1000
        async with Sandbox(corpus) as server, against(server) as setup:
            second = await setup.client.moment(QUERY, window, rank)
        assert second == created.filter(created >= window.start)[rank]

    @pytest.mark.parametrize("resource", ["prefixes", "reference-repositories"])
    async def test_a_list_that_knows_no_order_of_creation_is_not_asked(self, corpus: Corpus, resource: str) -> None:
        """The cutting goes by counts there."""
        async with Sandbox(corpus) as server, against(server) as setup:
            assert await setup.client.moment(Query(resource=resources.load(resource)), Window(), 3) is None
            assert not server.targets

    async def test_a_rank_that_is_not_there_tells_nothing(self, corpus: Corpus) -> None:
        """A server with fewer records than it counted, or one that goes back to an earlier page, is not believed."""
        async with Sandbox(corpus) as server, against(server) as setup:
            assert await setup.client.moment(QUERY, Window(), 9_999) is None

    async def test_a_server_that_refuses_to_tell_a_moment_is_counted_on(self) -> None:
        """What is only a hint ends no run."""
        refusal = http(b'{"errors":[{"status":"400","title":"no such sort"}]}', status=400)
        async with scripted(lambda request: refusal) as setup:
            assert await setup.client.moment(QUERY, Window(), 3) is None

    async def test_a_window_narrows_the_walk(self, corpus: Corpus) -> None:
        """A slice's walk brings what its count promised."""
        window = Window(year_start(2018), year_start(2021))
        async with Sandbox(corpus) as server, against(server) as setup:
            assert len(await walk(setup, window=window)) == await setup.client.count(QUERY, window)

    async def test_faults_leave_no_trace_in_the_records(self, corpus: Corpus) -> None:
        """Errors, limits, half answers and web pages in place of JSON cost time only."""
        faults = ["error=500:0.1", "429=0.05", "truncate=0.1", "html200=0.05"]
        async with Sandbox(corpus, faults=faults, seed=5) as server, against(server) as setup:
            walked = await walk(setup, size=50)
            assert setup.client.requests == len(server.targets)
            assert setup.client.retries == len(setup.events) > 0
        assert walked == sorted(set(walked), key=walked.index)
        assert len(walked) == len(corpus.ids())

    async def test_facets_are_asked_for_by_name(self, corpus: Corpus) -> None:
        """Facets are off unless asked for."""
        async with Sandbox(corpus) as server, against(server) as setup:
            meta = await setup.client.facets(QUERY)
            assert "disable-facets=false" in server.targets[0]
        assert meta["total"] == len(corpus.ids())

    async def test_a_single_record_is_a_list_of_one(self, corpus: Corpus) -> None:
        """A DOI can be fetched alone, in any case of letters."""
        doi = corpus.ids()[0]
        async with Sandbox(corpus) as server, against(server) as setup:
            found = await setup.client.get(f"/dois/{doi.upper()}")
        assert [json.loads(one)["id"] for one in found.records] == [doi]

    async def test_what_is_not_there_is_refused_at_once(self, corpus: Corpus) -> None:
        """A 404 is not asked again, and carries its URL and status."""
        async with Sandbox(corpus) as server, against(server) as setup:
            with pytest.raises(RefusedError) as caught:
                await setup.client.get("/dois/10.0/none")
            assert len(server.targets) == 1
        assert caught.value.status == 404
        assert caught.value.url.endswith("/dois/10.0/none")


class TestPages:
    async def test_pages_tell_where_they_stand(self) -> None:
        """Pages are numbered from 0, know what came so far, and the last has nothing after it."""
        async with scripted(listing(25)) as setup:
            pages = [page async for page in setup.client.pages(QUERY, size=10)]
        assert [(page.number, page.received, page.total, page.size) for page in pages] == [
            (0, 10, 25, 10),
            (1, 20, 25, 10),
            (2, 25, 25, 10),
        ]
        assert [page.next is None for page in pages] == [False, False, True]
        assert not any(page.short for page in pages)
        assert setup.client.wire_bytes == sum(page.wire_bytes for page in pages)

    async def test_links_are_never_followed(self) -> None:
        """Only the cursor is taken from the link: parameters that the link has lost are asked for on every page."""
        async with scripted(listing(25)) as setup:
            await walk(setup, Query(resource=DOIS, filters=(("state", "findable"),), include=("client",)))
            assert len(setup.server.requests) == 3
            for request in setup.server.requests:
                assert request.path == "/dois"
                assert request.params.items() >= {"state": "findable", "include": "client"}.items()

    async def test_a_walk_goes_on_where_it_was_left(self) -> None:
        """A page's `next` is all that another run needs to resume."""
        async with scripted(listing(35)) as setup:
            first = await anext(setup.client.pages(QUERY, size=10))
            rest = [page async for page in setup.client.pages(QUERY, size=10, start=first.next)]
        assert [page.number for page in rest] == [1, 2, 3]
        assert rest[-1].received == 35

    async def test_one_page_is_fetched_ahead_and_no_more(self) -> None:
        """While the consumer works on a page the next is on its way, but memory holds no third."""
        arrived = asyncio.Event()

        def note(request: Request, row: int) -> None:
            if row == 20:
                arrived.set()

        async with scripted(listing(100, note)) as setup:
            pages = setup.client.pages(QUERY, size=10)
            await anext(pages)
            await anext(pages)
            await asyncio.wait_for(arrived.wait(), 10)
            for _ in range(50):
                await asyncio.sleep(0)
            assert len(setup.server.requests) == 3
            await pages.aclose()

    async def test_a_limit_stops_the_walk_without_a_page_too_many(self) -> None:
        """A sample asks for no page that it does not need."""
        async with scripted(listing(1000)) as setup:
            assert await walk(setup, limit=20) == ids(20)
            assert len(setup.server.requests) == 2

    async def test_number_pages_are_walked_too(self) -> None:
        """Lists without cursors are walked by number."""
        async with scripted(listing(35)) as setup:
            assert await walk(setup, LIST) == ids(35)

    async def test_number_pages_end_at_the_reach(self) -> None:
        """A list that is longer than its pages reach is refused before the server sends the same page again."""
        async with scripted(listing(10_001)) as setup:
            with pytest.raises(RefusedError, match=r"10,000.*narrow"):
                await walk(setup, LIST, size=5000)
            assert len(setup.server.requests) == 2

    async def test_at_most_so_many_requests_are_under_way(self) -> None:
        """Walks and counts side by side share the slots."""
        under_way, most = 0, 0
        release = asyncio.Event()

        async def answer(request: Request) -> bytes:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            if under_way == 3:
                release.set()
            await release.wait()
            await asyncio.sleep(0)
            under_way -= 1
            return listing(25)(request)

        async with scripted(answer, concurrency=3) as setup:
            await asyncio.gather(*(setup.client.count(QUERY) for _ in range(12)))
        assert most == 3


class TestTrouble:
    @pytest.mark.parametrize(
        "trouble",
        [
            GATEWAY,
            LIMITED,
            http(b'{"status":400,"title":"[503] no server"}', status=500),
            b"",
            http(body([], 100)[:-4], content_encoding="gzip"),
            http(b"<html>maintenance</html>"),
            http(b'{"data":[],"meta":{"total":null}}'),
            http(body([record(0)], 45, "/dois?page[cursor]=MTAwMCxh"), content_encoding="gzip"),
            http(body([record(20)], 45, "/dois?page[number]=3"), content_encoding="gzip"),
            http(body([], 45, "/dois?page[cursor]=MTAwMCxh"), content_encoding="gzip"),
            http(body([record(20)], 45), content_encoding="gzip"),
        ],
        ids=[
            "gateway",
            "limited",
            "500-says-400",
            "hang-up",
            "half-gzip",
            "html",
            "no-total",
            "restarted",
            "no-cursor",
            "nothing-new",
            "short",
        ],
    )
    async def test_a_page_that_fails_once_is_had_the_second_time(self, trouble: bytes) -> None:
        """Each kind of trouble with one page is reported, waited out, and leaves the list whole."""
        async with scripted(listing(45, once(trouble))) as setup:
            assert await walk(setup) == ids(45)
            assert [event.attempt for event in setup.events] == [1]
            assert setup.events[0].delay in setup.time.slept

    async def test_a_page_that_always_fails_ends_the_walk_after_what_was_good(self) -> None:
        """The last error comes out once attempts are used up, with the pages before it delivered."""
        async with scripted(listing(45, lambda request, row: http(b"<p>", 200) if row >= 20 else None)) as setup:
            pages = setup.client.pages(QUERY, size=10)
            assert [(await anext(pages)).number, (await anext(pages)).number] == [0, 1]
            with pytest.raises(ProtocolError, match="HTML") as caught:
                await anext(pages)
            assert len(setup.server.requests) == 2 + Settings().attempts
        assert "page[cursor]" in caught.value.url

    async def test_being_limited_ends_with_patience(self) -> None:
        """A firewall that never opens again ends the run after the patience, not after a few attempts."""
        async with scripted(lambda request: LIMITED) as setup:
            with pytest.raises(LimitedError):
                await setup.client.count(QUERY)
            assert setup.client.requests > Settings().attempts
            assert 600 < setup.time.now <= Settings().patience * 1.5

    async def test_a_count_without_a_total_is_asked_for_again(self) -> None:
        """v1.1 answers 200 with a null total while a service behind it is down."""
        left = [http(b'{"data":[],"meta":{"total":null}}')]
        async with scripted(lambda request: left.pop() if left else listing(7)(request)) as setup:
            assert await setup.client.count(QUERY) == 7

    async def test_retry_after_is_obeyed(self) -> None:
        """Nobody asks again before the time the server names."""
        busy = http(b"", status=503, retry_after="42")
        async with scripted(listing(45, once(busy))) as setup:
            await walk(setup)
            assert setup.events[0].delay >= 42

    async def test_after_a_429_everyone_waits(self) -> None:
        """The budget that all share is closed for as long as the server asks."""
        left, time = [http(b"", status=429, retry_after="42")], Time()
        async with Loopback(lambda request: left.pop() if left else listing(7)(request)) as server:
            settings, budget = Settings(base_url=server.url), RateLimit(10**6, clock=time.clock, sleep=time.sleep)
            async with Transport(settings) as transport:
                client = Client(transport, budget, settings, rng=random.Random(1), sleep=lambda _: asyncio.sleep(0))
                assert await client.count(QUERY) == 7
        assert sum(time.slept) >= 42

    async def test_a_wait_that_nobody_has_patience_for_holds_up_no_other_request(self) -> None:
        """What is given up because of its Retry-After does not close the rate limit for that long."""
        time, left = Time(), [http(b"", status=503, retry_after="9" * 300)]
        async with Loopback(lambda request: left.pop() if left else listing(7)(request)) as server:
            settings, limit = Settings(base_url=server.url), RateLimit(10**6, clock=time.clock, sleep=time.sleep)
            async with Transport(settings) as transport:
                tools = {"rng": random.Random(1), "clock": time.clock, "sleep": time.sleep}
                client = Client(transport, limit, settings, **tools)
                with pytest.raises(TransientError, match="503"):
                    await client.count(QUERY)
                assert await client.count(QUERY) == 7
        assert sum(time.slept) < 900

    async def test_a_refusal_in_the_middle_is_final(self) -> None:
        """A 400 is not asked again; the server's own words come out."""
        refusal = http(b'{"errors":{"title":"token_mgr_error"}}', status=400)
        async with scripted(listing(45, lambda request, row: refusal if row else None)) as setup:
            with pytest.raises(RefusedError, match="token_mgr_error"):
                await walk(setup)
            assert len(setup.server.requests) == 2

    async def test_a_server_that_never_answers_is_given_up_soon(self) -> None:
        """A mistyped address costs three attempts."""
        async with scripted(lambda request: b"") as setup:
            with pytest.raises(TransientError, match="closed the connection"):
                await setup.client.count(QUERY)
            assert setup.client.requests == 3

    async def test_a_list_that_stays_short_is_believed_and_marked(self) -> None:
        """A list that ends early three times over is delivered as short: what that means is decided elsewhere."""
        early = http(body([record(20)], 45), content_encoding="gzip")
        async with scripted(listing(45, lambda request, row: early if row >= 20 else None)) as setup:
            pages = [page async for page in setup.client.pages(QUERY, size=10)]
        assert [page.short for page in pages] == [False, False, True]
        assert (pages[-1].received, pages[-1].total, pages[-1].attempts) == (21, 45, 3)

    async def test_a_short_list_is_delivered_without_attempts_too(self) -> None:
        """Who allows one attempt only gets the short list, not an error."""
        async with scripted(lambda request: http(body([record(0)], 45), content_encoding="gzip"), attempts=1) as setup:
            assert [page.short async for page in setup.client.pages(QUERY)] == [True]

    async def test_a_clamped_page_is_never_taken(self) -> None:
        """A server that sends a lower page than asked for does not get its records counted twice."""
        clamped = http(body([record(row) for row in range(10)], 45, page=1), content_encoding="gzip")
        async with scripted(listing(45, lambda request, row: clamped if row >= 20 else None), attempts=2) as setup:
            with pytest.raises(ProtocolError, match="page 1 when page 3"):
                await walk(setup, LIST)

    async def test_a_broken_off_walk_leaves_no_request_behind(self) -> None:
        """A consumer that stops cancels the page that was on its way."""
        forever = asyncio.Event()

        async def answer(request: Request) -> bytes:
            if len(setup.server.requests) > 1:
                await forever.wait()
            return listing(45)(request)

        async with scripted(answer) as setup:
            pages = setup.client.pages(QUERY, size=10)
            await anext(pages)
            before = asyncio.all_tasks()
            await pages.aclose()
            assert all("_step" not in repr(task) or task.done() for task in before)
            forever.set()


def poisoned(rows: set[int], *, alone: bool = False, anonymous: bool = False):
    """Answer like a list in which no page brings some records; their ids come unless they are `anonymous`."""
    sound = listing(90, lambda request, row: GATEWAY if spoilt(request, row) else None)

    def spoilt(request: Request, row: int) -> bool:
        few = request.params.get("fields[dois]") == "created" and not anonymous
        return not few and bool(rows & set(range(row, row + int(request.params["page[size]"]))))

    def answer(request: Request) -> bytes:
        if request.path == "/dois":
            return sound(request)
        row = int(request.path.removeprefix("/dois/10.1/"))
        if row in rows and not alone:
            return GATEWAY
        return http(json.dumps({"data": record(row)}).encode())

    return answer


class TestUndelivered:
    @pytest.mark.parametrize("rows", [{0}, {25}, {89}, {30, 31}, {3, 44, 45, 46, 88}])
    async def test_the_walk_goes_on_behind_records_that_never_come(self, rows: set[int]) -> None:
        """Every other record comes once, and each that does not is named with its reason."""
        async with scripted(poisoned(rows), attempts=3) as setup:
            pages = [page async for page in setup.client.pages(QUERY, size=10)]
        came = [json.loads(one)["id"] for page in pages for one in page.document.records]
        missing = [one for page in pages for one in page.missing]
        assert came == [key for row, key in enumerate(ids(90)) if row not in rows]
        assert [one.id for one in missing] == [record(row)["id"] for row in sorted(rows)]
        assert all("504" in one.reason and json.loads(one.raw)["id"] == one.id for one in missing)

    @pytest.mark.parametrize("attempts", [1, 2, 8])
    async def test_however_few_attempts_are_allowed_the_record_is_named(self, attempts: int) -> None:
        """And however many: what fails in every size is not tried for minutes."""
        async with scripted(poisoned({25}), attempts=attempts) as setup:
            pages = [page async for page in setup.client.pages(QUERY, size=10)]
            assert len(setup.server.requests) < 40
        assert [one.id for page in pages for one in page.missing] == [record(25)["id"]]

    async def test_a_record_that_comes_alone_is_not_missing(self) -> None:
        """What no page delivers is asked for as a single resource."""
        async with scripted(poisoned({25}, alone=True), attempts=3) as setup:
            assert await walk(setup) == ids(90)

    async def test_behind_the_record_pages_are_large_again(self) -> None:
        """One record does not make the rest of the walk slow."""
        async with scripted(poisoned({25}), attempts=3) as setup:
            sizes = [page.size async for page in setup.client.pages(QUERY, size=10)]
        assert sizes[-6:] == [10] * 6

    async def test_many_in_a_row_are_no_odd_records(self) -> None:
        """A server that delivers ids and nothing else is not taken for a list of odd records."""
        async with scripted(poisoned(set(range(20, 90))), attempts=3) as setup:
            with pytest.raises(TransientError, match="504"):
                await walk(setup)

    async def test_a_record_that_nobody_names_ends_the_walk(self) -> None:
        """Nothing is left out without a name."""
        async with scripted(poisoned({25}, anonymous=True), attempts=3) as setup:
            with pytest.raises(TransientError, match="504"):
                await walk(setup)

    async def test_an_answer_beyond_the_limit_is_asked_for_in_smaller_pages(self) -> None:
        """The limit of bytes holds for an answer, not for a list."""
        async with scripted(listing(90), page_limit=600) as setup:
            assert await walk(setup) == ids(90)


class TestHeavyPages:
    @staticmethod
    def heavy(limit: int, start: int = 20, stop: int = 30) -> Callable[[Request, int], bytes | None]:
        """Time out on pages larger than the limit between two rows."""

        def trouble(request: Request, row: int) -> bytes | None:
            return GATEWAY if start <= row < stop and int(request.params["page[size]"]) > limit else None

        return trouble

    async def test_a_third_of_the_connections_reset_costs_one_request_each(self) -> None:
        """A reset does not mean a heavy page: the same page is requested again."""
        chance, resets = random.Random(5), 0

        def reset(request: Request, row: int) -> bytes | None:
            nonlocal resets
            lost = request.params["page[size]"] != "0" and chance.random() < 1 / 3
            resets += lost
            return b"" if lost else None

        async with scripted(listing(2000, reset)) as setup:
            pages = [page async for page in setup.client.pages(QUERY, size=10)]
            asked = [request for request in setup.server.requests if request.params["page[size]"] != "0"]
        assert {page.size for page in pages} == {10}
        assert resets > 50
        assert len(asked) == len(pages) + resets

    async def test_where_all_records_are_heavy_few_pages_are_tried_in_vain(self) -> None:
        """Larger pages are tried more and more seldom."""
        async with scripted(listing(3000, self.heavy(10, 0, 3000))) as setup:
            pages = [page async for page in setup.client.pages(QUERY, size=80)]
            assert setup.client.retries < 15
        assert {page.size for page in pages} == {10}

    @pytest.mark.parametrize("query", [QUERY, LIST], ids=["cursor", "number"])
    @pytest.mark.parametrize("limit", [1, 3, 5])
    async def test_a_page_that_is_too_heavy_is_fetched_in_pieces(self, query: Query, limit: int) -> None:
        """The page shrinks until it passes, down to single records, and no record is lost or doubled."""
        async with scripted(listing(90, self.heavy(limit))) as setup:
            assert await walk(setup, query) == ids(90)

    async def test_the_size_grows_back(self) -> None:
        """Behind the heavy records the pages are large again."""
        async with scripted(listing(400, self.heavy(5))) as setup:
            sizes = [page.size async for page in setup.client.pages(QUERY, size=10)]
        assert sizes[:6] == [10, 10, 5, 5, 10, 10]

    async def test_a_record_that_never_comes_ends_the_walk_at_a_page_of_one(self) -> None:
        """The error is raised once even a single record fails, and not before."""
        async with scripted(listing(90, self.heavy(0)), attempts=3) as setup:
            with pytest.raises(TransientError, match="504"):
                await walk(setup)
            sizes = [int(request.params["page[size]"]) for request in setup.server.requests]
            assert [size for size in sizes if size][-1] == 1  # counts see meanwhile whether the server is up


class TestRedirects:
    async def test_within_the_origin_they_are_followed(self) -> None:
        """A server may move a path."""

        def answer(request: Request) -> bytes:
            moved = http(status=301, location=f"/moved?{request.target.partition('?')[2]}")
            return listing(5)(request) if request.path == "/moved" else moved

        async with scripted(answer) as setup:
            assert await setup.client.count(QUERY) == 5

    async def test_to_another_host_they_are_refused(self) -> None:
        """Nothing is sent to a host that the user did not name."""
        async with scripted(lambda request: http(status=302, location="https://evil.example.net/")) as setup:
            with pytest.raises(RefusedError, match="evil"):
                await setup.client.count(QUERY)
            assert setup.client.requests == 1

    async def test_circles_are_left(self) -> None:
        """After five redirects in a row it is enough."""
        async with scripted(lambda request: http(status=302, location=request.target)) as setup:
            with pytest.raises(RefusedError, match="redirects"):
                await setup.client.count(QUERY)
            assert setup.client.requests == 6


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("/dois", {"page[size]": "0"}, "/dois?page[size]=0"),
        ("/dois/10.1/a#b?c%d e", {}, "/dois/10.1/a%23b%3Fc%25d%20e"),
        ("/dois/10.1002/(sici)1096<1::aid>3.0.co;2-é", {}, "/dois/10.1002/(sici)1096%3C1::aid%3E3.0.co;2-%C3%A9"),
    ],
)
def test_addresses_take_any_doi(path: str, params: dict[str, str], expected: str) -> None:
    """DOIs may contain what URLs may not."""
    assert address(path, params) == expected


RELATIONS = Query(resource=resources.load("v1/relations"))
FAILED = json.dumps({"data": [], "meta": {"total": None, "sources": None, "relation-types": None}}).encode()


def relation(row: int) -> dict:
    given = {"subj-id": f"http://doi.org/10.1/{row}", "obj-id": "http://doi.org/10.1/X", "source-id": "s"}
    return {"id": f"uuid-{row}", "type": "relations", "attributes": given}


class TestOldApi:
    """Lists of API v1, whose servers fail in ways of their own (api-notes 7.2)."""

    async def test_a_null_total_is_asked_again(self) -> None:
        """A failure behind the server is not an empty list, neither for a count nor for a page."""
        answers = [FAILED, json.dumps({"data": [relation(1)], "meta": {"total": 1}}).encode()]
        async with scripted(lambda request: http(answers.pop(0) if len(answers) > 1 else answers[0])) as it:
            assert await it.client.count(RELATIONS) == 1
            assert await walk(it, RELATIONS) == ["uuid-1"]
        async with scripted(lambda request: http(FAILED), attempts=3) as setup:
            with pytest.raises(ProtocolError, match="did not say how many"):
                await setup.client.count(RELATIONS)
            with pytest.raises(ProtocolError, match=r"meta\.total is null"):
                await walk(setup, RELATIONS)
        assert setup.client.retries == 4

    async def test_side_loads_are_no_records_of_the_list(self) -> None:
        """What v1.0 mixes in is neither counted nor taken for the list's own, and is included all the same."""
        mixed = [relation(1), {"id": "s", "type": "sources"}, relation(2), {"id": "t", "type": "relation-types"}]
        content = json.dumps({"data": mixed, "meta": {"total": 2, "sources": {"s": 2}}}).encode()
        async with scripted(lambda request: http(content)) as setup:
            pages = [page async for page in setup.client.pages(RELATIONS)]
        assert [page.received for page in pages] == [2]
        assert [json.loads(one)["id"] for one in pages[0].document.records] == ["uuid-1", "uuid-2"]
        assert [json.loads(one)["id"] for one in pages[0].document.included] == ["s", "t"]

    @pytest.mark.parametrize("found", [{"s": 2}, [{"id": "s", "title": "S", "count": 2}]])
    async def test_facets_come_as_the_server_has_them(self, found: object) -> None:
        """Both shapes reach the caller, with no parameter that only the current API knows."""
        content = json.dumps({"data": [relation(1)], "meta": {"total": 1, "sources": found}}).encode()
        async with scripted(lambda request: http(content)) as setup:
            assert (await setup.client.facets(RELATIONS, ("sources",)))["sources"] == found
        assert setup.server.requests[0].params == {"rows": "1"}

    async def test_agents_end_in_an_error_that_says_what_they_are(self) -> None:
        """The error names the server's sign-in page, and the reason why there is no data behind it."""
        page = b"<html><head><title>DataCite - Sign in</title></head></html>"
        async with scripted(lambda request: http(page), attempts=2) as setup:
            with pytest.raises(ProtocolError, match=r"HTML.*Sign in.*web pages for its staff"):
                await setup.client.count(Query(resource=resources.load("v1/agents")))

    async def test_a_server_without_the_list_is_not_asked_again(self) -> None:
        """A 404 where API v1 was switched off is final, and says what to use instead."""
        gone = http(
            b'{"errors":[{"status":"404","title":"The resource you are looking for doesn\'t exist."}]}', status=404
        )
        async with scripted(lambda request: gone) as setup:
            for asking in (setup.client.count(RELATIONS), setup.client.facets(RELATIONS), walk(setup, RELATIONS)):
                with pytest.raises(RefusedError, match="switched API v1 off; use events"):
                    await asking
        assert len(setup.server.requests) == 3
