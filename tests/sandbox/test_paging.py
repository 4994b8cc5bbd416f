"""Paging of `/dois`: api-notes 2."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.sandbox.corpus import Corpus
from etl.sandbox.paging import decode_cursor, encode_cursor

from .conftest import answer, asker, cursor_of, walk, walked_ids


def test_the_page_size_is_25_unless_asked_for(ask):
    """A list without paging parameters has 25 records and is page 1."""
    page = ask("/dois")
    assert (len(page["data"]), page["meta"]["page"]) == (25, 1)


@pytest.mark.parametrize(("size", "served"), [("5000", 1000), ("7", 7), ("", 25), ("12abc", 12), ("abc", 0), ("0", 0)])
def test_page_sizes_are_clamped_not_refused(ask, size, served):
    """A size beyond 1000 becomes 1000, a blank one the default, a word zero."""
    assert len(ask(f"/dois?page[size]={size}")["data"]) == served


def test_a_size_of_nought_asks_for_the_meta_only(ask):
    """`page[size]=0` gives no data, no pages, page 1 and no next link, but the exact total."""
    page = ask("/dois?page[size]=0")
    assert page["data"] == []
    assert page["meta"] == {"total": 2000, "totalPages": 0, "page": 1}
    assert "next" not in page["links"]


def test_a_negative_size_is_refused_by_the_search_engine(corpus, ask):
    """`page[size]=-1` is a 400 whose `errors` is an object without a status."""
    assert answer(corpus, "/dois?page[size]=-1").status == 400
    assert isinstance(ask("/dois?page[size]=-1")["errors"]["title"], str)


def test_paging_that_is_no_hash_counts_as_none(ask):
    """`page=3` is ignored."""
    assert ask("/dois?page=3")["meta"]["page"] == 1


@pytest.mark.parametrize("number", ["0", "-4", "abc"])
def test_page_numbers_below_one_mean_the_first_page(ask, number):
    """Page 0 is page 1."""
    assert ask(f"/dois?page[number]={number}&page[size]=3")["meta"]["page"] == 1


def test_a_page_beyond_the_last_is_blank(ask):
    """Inside the window a page that does not exist is empty, echoes its number and has no next link."""
    page = ask("/dois?page[number]=9&page[size]=1000")
    assert (page["data"], page["meta"]["page"], "next" in page["links"]) == ([], 9, False)


@pytest.fixture(scope="module")
def large():
    return asker(Corpus.generate(records=10_500, seed=3))


def test_pages_beyond_the_window_serve_the_last_reachable_one_again(large):
    """Page 11 of 1000 is page 10 once more, with `meta.page` clamped."""
    tenth, eleventh = (large(f"/dois?page[number]={number}&page[size]=1000") for number in (10, 11))
    assert eleventh["data"] == tenth["data"]
    assert eleventh["meta"]["page"] == 10


def test_total_pages_are_capped_in_page_mode_only(large):
    """Page mode counts the pages of 10,000 rows, cursor mode those of all."""
    assert large("/dois?page[size]=1000")["meta"]["totalPages"] == 10
    assert large("/dois?page[size]=1000&page[cursor]=1")["meta"]["totalPages"] == 11


def test_sizes_that_do_not_divide_the_window_loop_forever(large):
    """With 300 a page there is a page 34 to go to that is served as page 33, whose next link says 34 again."""
    page = large("/dois?page[number]=34&page[size]=300&fields[dois]=doi")
    assert (page["meta"]["totalPages"], page["meta"]["page"]) == (34, 33)
    assert "page%5Bnumber%5D=34" in page["links"]["next"]


def test_the_cursor_key_alone_switches_to_cursor_mode(ask):
    """An empty cursor starts a walk, and `meta.page` is absent."""
    page = ask("/dois?page[cursor]=")
    assert "page" not in page["meta"]
    assert page["data"] == ask("/dois?page[cursor]=1")["data"]


def test_a_walk_by_cursor_meets_every_record_once_in_order(corpus, ask):
    """The order is by created, then by lower-case DOI."""
    frame = corpus.now.frame
    assert walked_ids(ask, size=700) == frame["uid"].to_list()
    pairs = list(zip(frame["created"], frame["uid"], strict=True))
    assert pairs == sorted(pairs)


@settings(max_examples=15, deadline=None)
@given(size=st.integers(37, 1000), year=st.integers(2011, 2026))
def test_any_page_size_walks_the_same_records(corpus, size, year):
    """Whatever the page size, a walk yields each matching record once, in (created, uid) order."""
    walked = walked_ids(asker(corpus), f"&created={year}&fields[dois]=doi", size=size)
    assert walked == corpus.ids({"created": str(year)})


def test_the_burst_is_walked_by_uid_within_one_second(corpus, ask):
    """A third of all records share one `created` second; ties are broken by lower-case DOI."""
    walked = walked_ids(ask, '&query=created:"2019-08-02T07:14:31Z"', size=100)
    assert 0.28 * 2000 < len(walked) < 0.38 * 2000
    assert walked == sorted(walked)


def test_an_exact_multiple_of_the_size_ends_with_an_empty_page(ask):
    """The full last page still has a next link; the page after it is empty and has none."""
    pages = list(walk(ask, "&fields[dois]=doi", size=1000))
    assert [len(page["data"]) for page in pages] == [1000, 1000, 0]


def test_a_single_full_page_has_no_next_link(ask):
    """When there is only one page the link is absent even though the page is full."""
    total = ask("/dois?page[size]=0&created=2013")["meta"]["total"]
    assert "next" not in ask(f"/dois?page[size]={total}&created=2013&page[cursor]=1")["links"]


@pytest.mark.parametrize("token", ["notavalidtoken", "%%%", "MTMxNDc4N", "Zm9v", "1"])
def test_an_undecodable_cursor_restarts_in_silence(ask, token):
    """A broken token answers with the first page."""
    assert ask(f"/dois?page[size]=3&page[cursor]={token}")["data"] == ask("/dois?page[size]=3&page[cursor]=1")["data"]


def test_cursors_are_readable_and_can_be_made(corpus, ask):
    """A token is base64 of the last row's epoch milliseconds and uid, and an invented one starts after any moment."""
    link = ask("/dois?page[size]=3&page[cursor]=1")["links"]["next"]
    moment, uid = base64.urlsafe_b64decode(cursor_of(link) + "==").decode().split(",", 1)
    third = corpus.now.frame.row(2, named=True)
    assert (int(moment), uid) == (third["created"], third["uid"])
    made = encode_cursor(third["created"] + 1, "")
    assert ask(f"/dois?page[size]=1&page[cursor]={made}")["data"][0] == corpus.record(3)


@given(moment=st.integers(0, 2**45), uid=st.text(st.characters(exclude_categories=["Cs"])))
def test_cursor_tokens_read_back(moment, uid):
    """Whatever the DOI, a token decodes to its own values."""
    assert decode_cursor(encode_cursor(moment, uid)) == (moment, uid)


def test_a_cursor_goes_on_under_other_filters(corpus, ask):
    """A token is only a position: with another filter it continues in the other result."""
    token = cursor_of(ask("/dois?page[size]=500&page[cursor]=1")["links"]["next"])
    mixed = walked_ids(ask, "&client-id=cern.zenodo", cursor=token)
    head = set(corpus.now.frame["uid"].head(500))
    assert mixed == [one for one in corpus.ids({"client-id": "cern.zenodo"}) if one not in head]


def test_sort_is_ignored_in_cursor_mode(ask):
    """A walk is in the order of created, whatever the requested order."""
    assert ask("/dois?page[cursor]=1&sort=-created")["data"] == ask("/dois?page[cursor]=1")["data"]


def test_random_and_cursor_exclude_each_other(corpus, ask):
    """A request for both is a 400 in the usual form."""
    assert answer(corpus, "/dois?page[cursor]=1&random=true").status == 400
    assert ask("/dois?page[cursor]=1&random=true")["errors"][0]["title"].startswith("Cursor-based pagination")


def test_the_default_order_of_page_mode_is_newest_update_first(ask):
    """Page mode sorts by `-updated` unless it gets a known order."""
    updated = [one["attributes"]["updated"][:19] for one in ask("/dois?page[size]=200")["data"]]
    assert updated == sorted(updated, reverse=True)
    assert ask("/dois?sort=nonsense")["data"] == ask("/dois")["data"]


@pytest.mark.parametrize("sort", ["name", "created", "updated", "view-count", "published", "title"])
def test_page_mode_sorts_both_ways(ask, sort):
    """Each sort has its opposite, and both give a full page."""
    up, down = (ask(f"/dois?sort={sign}{sort}&page[size]=1000&fields[dois]=doi")["data"] for sign in ("", "-"))
    assert up != down
    assert len(up) == len(down) == 1000


def test_ties_of_page_mode_duplicate_and_lose_records(ask):
    """Without a tie-breaker the pages of the burst do not add up to its records."""
    query = '/dois?query=created:"2019-08-02T07:14:31Z"&sort=created&page[size]=250&fields[dois]=doi'
    seen = [one["id"] for number in range(1, 5) for one in ask(f"{query}&page[number]={number}")["data"]]
    assert len(set(seen)) < len(seen)


def test_random_gives_other_records(ask):
    """A random page is a page of the same matching records in no order."""
    page = ask("/dois?random=true&page[size]=50&created=2020")
    assert len(page["data"]) == 50
    assert {one["attributes"]["created"][:4] for one in page["data"]} == {"2020"}


def test_samples_give_some_of_each_group_at_once(ask):
    """`sample=2` of each client comes in one page, whatever its size."""
    page = ask("/dois?sample-group=client&sample=2&page[size]=1")
    clients = [one["relationships"]["client"]["data"]["id"] for one in page["data"]]
    assert page["meta"]["totalPages"] == 1
    assert max(map(clients.count, clients)) == 2


def test_the_next_link_drops_parameters_without_a_word(ask):
    """The next link keeps the whitelist and loses sort, include, state, subject and the like."""
    query = "sort=name&include=client&state=findable&mailto=a@b.org&client-id=cern.zenodo&affiliation=true&query=*"
    assert ask(f"/dois?{query}&page[size]=2&fields[dois]=doi")["links"]["next"] == (
        "http://api.test/dois?affiliation=true&client-id=cern.zenodo&fields%5Bdois%5D=doi"
        "&page%5Bnumber%5D=2&page%5Bsize%5D=2&query=*"
    )


def test_nested_lists_go_on_at_the_top(ask):
    """The next link of a client's DOIs is one of `/dois` with the client as a filter."""
    link = ask("/clients/cern.zenodo/dois?page[size]=2")["links"]["next"]
    assert link.startswith("http://api.test/dois?client-id=cern.zenodo&")


def test_the_self_link_is_the_request_verbatim(ask):
    """`links.self` repeats the request, including escapes."""
    target = "/dois?query=glacier%20mass&page[size]=1&fields[dois]=doi,created"
    assert ask(target)["links"]["self"] == f"http://api.test{target}"


def test_a_scroll_reads_everything_once(corpus, ask):
    """A scroll has a scroll id in its meta, keeps its filters, and drops them from its link."""
    page = ask("/dois?page[scroll]=7m&page[size]=100&created=2021&page[cursor]=1")
    ids = [one["id"].lower() for one in page["data"]]
    assert set(page["meta"]) == {"total", "scroll-id"}
    while "next" in page["links"]:
        assert "created" not in page["links"]["next"]
        page = ask(page["links"]["next"].removeprefix("http://api.test"))
        ids += [one["id"].lower() for one in page["data"]]
    assert ids == corpus.ids("created=2021")


def test_an_unknown_scroll_is_not_found(corpus):
    """An expired scroll is a 404."""
    assert answer(corpus, "/dois?page[scroll]=7m&scroll-id=c2Nyb2xs").status == 404
