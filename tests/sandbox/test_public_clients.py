"""Clients that others wrote for DataCite's API work against the sandbox, as they are on PyPI.

Each is installed into a temporary folder and runs in a process of its own, which sends what is meant for
api.datacite.org to the sandbox. Without a package registry the tests are skipped.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from etl.sandbox import Corpus, Sandbox, running

pytestmark = pytest.mark.slow

REDIRECT = """
import json, os, sys, types, urllib.request
BASE = os.environ["SANDBOX"]

def local(url):
    return url.replace("https://api.datacite.org", BASE, 1) if isinstance(url, str) else url

def bare(package):
    '''Import modules of a package without its own start, which needs a hundred other packages.'''
    module = types.ModuleType(package)
    module.__path__ = [os.path.join(os.environ["PYTHONPATH"], *package.split("."))]
    sys.modules[package] = module

try:
    import requests
    plain = requests.Session.request
    requests.Session.request = lambda self, method, url, *a, **k: plain(self, method, local(url), *a, **k)
except ImportError:
    pass
opened = urllib.request.urlopen

def urlopen(request, *arguments, **options):
    request.full_url = local(request.full_url)
    return opened(request, *arguments, **options)

urllib.request.urlopen = urlopen
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A sandbox in which all records of TCIA are as regular as in reality."""
    with running(Corpus.generate(records=3000, seed=7)) as sandbox:
        yield sandbox
    assert not sandbox.mishaps


def installed(to: Path, pinned: str, *beside: str) -> Path:
    """Install a package, without its dependencies if those that it needs here are named beside it."""
    install(to, [pinned, "--no-deps"] if beside else [pinned])
    if beside:
        install(to, beside)
    return to


def install(to: Path, requirements: Sequence[str]) -> None:
    uv = shutil.which("uv")
    program = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    done = subprocess.run(
        [*program, "--quiet", "--target", str(to), *requirements], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        pytest.skip(f"{requirements[0]} cannot be installed here: {last}")


def run(box: Sandbox, at: Path, script: str) -> Any:
    """Run a script with a package, and return what it assigns to `result`."""
    whole = f"{REDIRECT}\n{script}\nprint(json.dumps(result))"
    environment = {**os.environ, "SANDBOX": box.base_url, "PYTHONPATH": str(at), "HOME": str(at), "NO_PROXY": "*"}
    done = subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, env=environment, cwd=at, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_tcia_utils_lists_the_dois_of_tcia(box: Sandbox, tmp_path: Path) -> None:
    needed = ("pandas", "requests", "beautifulsoup4", "unidecode")
    got = run(
        box,
        installed(tmp_path, "tcia_utils==3.3.5", *needed),
        """
bare("tcia_utils")
from tcia_utils import datacite
table = datacite.getDoi()
relations, _, _ = datacite.analyze_doi_relations(table)
derived = datacite.getDerivedDois(list(table["DOI"][:1]), format="json")
result = {"dois": list(table["DOI"]), "relations": len(relations), "derived": derived}
""",
    )
    assert sorted(got["dois"]) == sorted(box.corpus.ids("client-id=nihnci.tcia"))
    assert got["relations"] > 0
    assert got["derived"] == []  # `/works` is gone from the server, as from the real one


def test_pytacite_counts_pages_and_fetches(box: Sandbox, tmp_path: Path) -> None:
    got = run(
        box,
        installed(tmp_path, "pytacite==0.5.1"),
        """
import pytacite
pytacite.config.api_url = BASE
lists = (pytacite.DOIs, pytacite.Clients, pytacite.Providers, pytacite.Prefixes, pytacite.Events,
    pytacite.ClientPrefixes, pytacite.ProviderPrefixes)
of_tcia = {"client-id": "nihnci.tcia"}
pages = pytacite.DOIs().filter(**of_tcia).paginate(per_page=50, n_max=None)
dois = [record["id"] for page in pages for record in page]
result = {
    "counts": {cls.__name__: cls().count() for cls in lists},
    "dois": dois,
    "total": pytacite.DOIs().filter(**of_tcia).count(),
    "clients": [c["id"] for page in pytacite.Clients().paginate("number", per_page=7, n_max=None) for c in page],
    "sorted": [d["attributes"]["created"] for d in pytacite.DOIs().sort("created", ascending=False).get(per_page=9)],
    "random": len(pytacite.DOIs().random().get()),
    "searched": [d["attributes"]["publicationYear"] for d in pytacite.DOIs().query(publicationYear=2020).get()],
    "single": pytacite.DOIs()[dois[0]]["attributes"]["doi"],
    "client": pytacite.Clients()["nihnci.tcia"]["id"],
}
""",
    )
    corpus = box.corpus
    assert sorted(got["dois"]) == sorted(corpus.ids("client-id=nihnci.tcia"))
    assert len(got["dois"]) == got["total"]
    assert got["counts"]["DOIs"] == len(corpus)
    assert sorted(got["clients"]) == sorted(corpus.now.roster.clients)
    assert len(got["clients"]) == got["counts"]["Clients"]
    assert all(got["counts"].values())
    assert got["sorted"] == sorted(got["sorted"], reverse=True)
    assert (got["random"], set(got["searched"])) == (25, {2020})
    assert (got["single"], got["client"]) == (got["dois"][0], "nihnci.tcia")


def test_dlt_follows_links_and_cursors(box: Sandbox, tmp_path: Path) -> None:
    got = run(
        box,
        installed(tmp_path, "dlt==1.31.0"),
        """
os.environ |= {"DLT_DATA_DIR": os.getcwd(), "RUNTIME__DLTHUB_TELEMETRY": "false"}
from dlt.sources.rest_api import rest_api_source

def of(name, **params):
    return {"name": name, "endpoint": {"path": name, "params": {"page[size]": 100, **params}, "data_selector": "data"}}

source = rest_api_source({
    "client": {"base_url": BASE, "paginator": {"type": "json_link", "next_url_path": "links.next"}},
    "resources": [
        of("dois", **{"client-id": "nihnci.tcia", "page[cursor]": "1", "page[size]": 25}),
        of("clients"), of("providers"), of("events", **{"page[cursor]": "1", "page[size]": 1000}),
    ],
})
result = {name: [record["id"] for record in resource] for name, resource in source.resources.items()}
""",
    )
    assert sorted(got["dois"]) == sorted(box.corpus.ids("client-id=nihnci.tcia"))
    assert sorted(got["clients"]) == sorted(box.corpus.now.roster.clients)
    assert sorted(got["providers"]) == sorted(box.corpus.now.roster.providers)
    assert len(got["events"]) == len(set(got["events"])) == len(box.corpus.now.events)


def test_commonmeta_reads_single_dois(box: Sandbox, tmp_path: Path) -> None:
    needed = str.split(
        "requests pillow base32-lib bibtexparser beautifulsoup4 python-dateutil edtf furl isbnlib lxml nameparser nh3 "
        "orjson pycountry xmltodict pyyaml idutils"
    )
    at = installed(tmp_path, "commonmeta-py==0.312", *needed)
    wanted = box.corpus.ids("client-id=nihnci.tcia")[:5]
    got = run(
        box,
        at,
        f"""
bare("commonmeta"); bare("commonmeta.readers")
from commonmeta.readers.datacite_reader import get_datacite, read_datacite
works = [read_datacite(get_datacite("https://doi.org/" + doi)) for doi in {wanted}]
result = [{{"id": work["id"], "title": work["title"], "via": get_datacite(work["id"])["via"]}} for work in works]
result.append(get_datacite("https://doi.org/10.1234/nosuch"))
""",
    )
    assert [work["id"] for work in got[:-1]] == [f"https://doi.org/{doi}" for doi in wanted]
    assert all(work["title"] and work["via"] == "datacite" for work in got[:-1])
    assert got[-1] == {"state": "not_found"}


def test_inveniosoftware_datacite_fetches_and_may_not_write(box: Sandbox, tmp_path: Path) -> None:
    doi = box.corpus.ids("client-id=nihnci.tcia")[0]
    got = run(
        box,
        installed(tmp_path, "datacite==1.4.1"),
        f"""
from datacite import DataCiteRESTClient, errors
client = DataCiteRESTClient(username="u", password="p", prefix="{doi.partition("/")[0]}", url=BASE)

def refusal(call, *arguments):
    try:
        return call(*arguments)
    except errors.DataCiteError as error:
        return type(error).__name__

result = {{
    "url": client.get_doi("{doi}"),
    "doi": client.get_metadata("{doi}")["doi"],
    "unknown": refusal(client.get_metadata, "10.1234/nosuch"),
    "write": refusal(client.public_doi, {{"titles": []}}, "https://example.org"),
}}
""",
    )
    assert got["url"] == f"https://data.example.org/doi/{doi}"
    assert (got["doi"], got["unknown"], got["write"]) == (doi, "DataCiteNotFoundError", "DataCiteUnauthorizedError")


def test_websnap_copies_pages_of_json_and_csv(box: Sandbox, tmp_path: Path) -> None:
    at = installed(tmp_path / "installed", "websnap==2.0.9")
    got = run(
        box,
        at,
        f"""
import pathlib
from websnap import websnap
to = pathlib.Path({str(tmp_path)!r})
section = "[{{name}}]\\nurl = {{url}}\\nfile_name = {{name}}\\ndirectory = {{to}}\\n"
targets = {{"dois.json": "/dois?page[size]=5", "dois.csv": "/dois/text/csv?page[size]=5"}}
lines = [section.format(name=name, url=BASE + target, to=to) for name, target in targets.items()]
(to / "config.ini").write_text("\\n".join(lines))
websnap(config=str(to / "config.ini"), early_exit=True)
result = {{name: (to / name).read_text() for name in targets}}
""",
    )
    dois = [record["id"].lower() for record in json.loads(got["dois.json"])["data"]]
    assert [line.partition(",")[0] for line in got["dois.csv"].splitlines()[1:]] == dois


def test_roagg_finds_what_an_organisation_published(box: Sandbox, tmp_path: Path) -> None:
    got = run(
        box,
        installed(tmp_path, "roagg==2026.0.4"),
        """
from roagg.providers.datacite import DataCiteAPI
api = DataCiteAPI(page_size=50, name=["University of Northhaven"], ror="https://ror.org/00pn15f52")
result = {"count": api.count(), "dois": [record["id"] for record in api.all()], "query": api.get_query_string()}
""",
    )
    assert len(got["dois"]) == len(set(got["dois"])) == got["count"] > 100
    assert sorted(doi.lower() for doi in got["dois"]) == sorted(box.corpus.ids({"query": got["query"]}))
