"""Thresholds as people give them, and the audit as a command."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from etl.audit.thresholds import names, thresholds
from etl.audit.words import profile, profiles
from etl.errors import UsageError
from etl.sandbox import Sandbox
from tests.conftest import Command

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of one client, in three formats."""
    from etl import cli

    to = tmp_path_factory.mktemp("gates") / "o"
    formats = [part for name in ("parquet", "csv", "ndjson") for part in ("--format", name)]
    asked = ["export", "dois", "--base-url", box.base_url, "--filter", "client-id=nihnci.tcia", "--to", str(to), "-q"]
    assert cli.run([*asked, *formats]) == 0
    return to


@pytest.mark.parametrize(
    ("text", "hint"), [("orcd=0.6", "orcid"), ("creator-orcids=1", "creator-orcid"), ("tcai=1", "tcia")]
)
def test_an_unknown_name_is_answered_with_the_nearest(text: str, hint: str) -> None:
    """A mistyped property, rule or profile is a usage error that names what was meant."""
    with pytest.raises(UsageError) as caught:
        thresholds([text])
    assert f"did you mean {hint}?" in caught.value.fix


@pytest.mark.parametrize("text", ["orcid", "orcid=", "orcid=high", "orcid=1.5", "orcid=-0.1", "=0.5", "orcid=nan"])
def test_a_threshold_is_a_name_and_a_share(text: str) -> None:
    """Shares go from 0 to 1."""
    with pytest.raises(UsageError):
        thresholds([text])


def test_properties_rules_and_profiles_do_not_share_a_name() -> None:
    """A threshold is never ambiguous."""
    assert len(set(names())) == len(names())


def test_a_missed_threshold_ends_in_one_line_and_exit_code_4(exported: Path, command: Command) -> None:
    """The line has the share in per cent and its threshold; the page and the tables are there all the same."""
    ran = command("audit", exported, "--fail-under", "title=0.5", "--fail-under", "related-item=1", "--json")
    assert ran.code == 4
    assert len(ran.err.strip().splitlines()) == 1
    assert re.search(r"related-item is \d+(\.\d+)? %, below the threshold of 100 %", ran.err)
    assert "title is" not in ran.err
    assert (exported / "_etl/audit/audit.html").is_file()


def test_a_reached_threshold_succeeds_and_the_json_has_the_rest(exported: Path, command: Command) -> None:
    """A share equal to its threshold is enough; `--json` is one object with shares, findings and paths."""
    ran = command("audit", exported, "--fail-under", "identifier=1", "--profile", "fair", "--json")
    assert ran.code == 0
    assert ran.json["coverage"]["identifier"] == 1
    assert ran.json["tables"]["audit_profile"] == ran.json["records"] * len(profile("fair").needs)
    assert ran.json["findings"] == sum(ran.json["rules"].values())
    assert Path(ran.json["page"]).is_file()


def test_people_read_the_worst_rules_first(exported: Path, command: Command, tmp_path: Path) -> None:
    """Without --json the command prints records, findings, rules and where the page is."""
    ran = command("audit", exported, "--to", tmp_path / "a", "--profile", "tcia")
    assert ran.code == 0
    assert "profile   tcia" in ran.out
    assert f"page      {tmp_path / 'a'}/audit.html" in ran.out


@pytest.mark.parametrize("suffix", ["csv"])
def test_the_format_of_the_dataset_makes_no_difference(
    exported: Path, command: Command, tmp_path: Path, suffix: str
) -> None:
    """An audit of CSV files finds what an audit of Parquet files finds."""
    other = tmp_path / "other"
    proof = json.loads((exported / "_etl/manifest.json").read_text())
    for facts in proof["tables"].values():
        facts["files"] = [file for file in facts["files"] if file["path"].endswith(suffix)]
        for file in facts["files"]:
            target = other / file["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(exported / file["path"])
    (other / "_etl").mkdir(parents=True)
    (other / "_etl/manifest.json").write_text(json.dumps(proof))
    assert command("audit", exported, "--to", tmp_path / "a").code == 0
    assert command("audit", other, "--to", tmp_path / "b").code == 0
    for name in ("audit_coverage", "audit_findings", "audit_rules"):
        one, two = (pl.read_parquet(tmp_path / place / f"{name}.parquet") for place in "ab")
        assert one.equals(two), name


def test_the_partition_of_the_dataset_makes_no_difference(
    box: Sandbox, exported: Path, command: Command, tmp_path: Path
) -> None:
    """Values that are only in the names of folders, such as the client, are counted all the same."""
    asked = ["--base-url", box.base_url, "--filter", "client-id=nihnci.tcia", "--partition-by", "client_id", "-q"]
    assert command("export", "dois", *asked, "--to", tmp_path / "o").code == 0
    found = []
    for data in (exported, tmp_path / "o"):
        assert command("audit", data, "--to", tmp_path / "a").code == 0
        found.append(pl.read_parquet(tmp_path / "a/audit_coverage.parquet"))
    assert found[0].equals(found[1])
    assert "nihnci.tcia" in found[0]["value"].to_list()


def test_tables_left_out_of_the_export_are_named_and_not_counted(
    box: Sandbox, command: Command, tmp_path: Path
) -> None:
    """A subset of tables is audited as far as it goes; a threshold on what is not there is missed."""
    to = tmp_path / "o"
    few = ["--tables", "dois,doi_titles", "--filter", "client-id=nihnci.tcia", "-q"]
    assert command("export", "dois", "--base-url", box.base_url, "--to", to, *few).code == 0
    ran = command("audit", to, "--json")
    assert ran.code == 0
    assert "creator-orcid" in ran.json["skipped"]
    assert "orcid" not in ran.json["coverage"]
    assert "title" in ran.json["coverage"]
    assert "orcid is unknown" in command("audit", to, "--fail-under", "orcid=0.1").err


def test_places_without_an_audit_or_a_dataset_are_refused(exported: Path, command: Command, tmp_path: Path) -> None:
    """Nothing to audit is a failure, nothing to compare with and an unknown profile are usage errors."""
    assert command("audit", tmp_path / "nothing").code == 1
    assert command("audit", exported, "--against", tmp_path).code == 2
    ran = command("audit", exported, "--profile", "fare")
    assert ran.code == 2
    assert "did you mean fair?" in ran.err
    assert command("audit", exported, "--format", "xls").code == 2


def test_an_audit_against_itself_shows_no_change(exported: Path, command: Command, tmp_path: Path) -> None:
    """The trend of two equal audits is zero, from Parquet and from CSV."""
    for name in ("parquet", "csv"):
        assert command("audit", exported, "--to", tmp_path / name, "--format", name).code == 0
        ran = command("audit", exported, "--to", tmp_path / "now", "--against", tmp_path / name)
        assert ran.code == 0
        trend = pl.read_parquet(tmp_path / "now/audit_trend.parquet")
        assert set(trend["change"].drop_nulls().to_list()) == {0.0}
    assert "Nothing has changed" in (tmp_path / "now/audit.html").read_text()


def test_a_repository_brings_its_own_profile_in_a_file(exported: Path, command: Command, tmp_path: Path) -> None:
    """A Python file that declares a profile is given by its path, and thresholds know its name."""
    own = tmp_path / "ours.py"
    own.write_text(
        "import polars as pl\n"
        "from etl.audit.words import Need, Profile\n"
        "need = Need(number='3', title='Title', group='all', table='doi_titles', value=pl.col('title'))\n"
        "PROFILE = Profile(name='ours', title='Ours', description='D.', groups={'all': 'All'},"
        " essential=('all',), needs=(need,))\n"
    )
    ran = command("audit", exported, "--profile", own, "--fail-under", "ours=0.01", "--to", tmp_path / "a", "--json")
    assert ran.code == 0
    assert list(ran.json["profile"]) == ["ours"]
    own.write_text("PROFILE = 7\n")
    assert command("audit", exported, "--profile", own).code == 2
    assert command("audit", exported, "--profile", tmp_path / "none.py").code == 2


@pytest.mark.parametrize("name", profiles())
def test_a_profile_is_a_declaration_that_holds_together(name: str) -> None:
    """Groups are named, essential ones exist, needs have titles of their own."""
    own = profile(name)
    assert own.name == name
    assert {need.group for need in own.needs} == set(own.groups)
    assert set(own.essential) <= set(own.groups)
    assert len({need.title for need in own.needs}) == len(own.needs)
