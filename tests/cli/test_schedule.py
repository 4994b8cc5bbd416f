"""`datacite-etl schedule`: what it prints is what systemd and cron run."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Command

NASTY = "a b\"c$d%e\\f;g'ö"
OPTIONS = ("--at", "01:30", "--overlap", "2d", "--mailto", "data@example.org", "--metrics-file", "50% $x.prom")


def printed(command: Command, to: Path, *options: str) -> dict[str, str]:
    """Return the printed units by name."""
    ran = command("schedule", to, *options)
    assert ran.code == 0, ran.err
    parts = re.split(r"^# /etc/systemd/system/(\S+)\n", ran.out, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def words(service: str) -> list[str]:
    """Return the words of a unit's command as systemd reads them."""
    start = re.search("^ExecStart=(.*)$", service, re.MULTILINE)
    assert start
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(start[1])]


def as_cron_runs_it(line: str) -> str:
    """Return the command of a crontab line after cron has read it: a bare % would be a line break."""
    return re.sub(r"(?<!\\)%", "\n", line.split(maxsplit=5)[5]).replace(r"\%", "%")


def test_the_service_runs_sync_with_absolute_paths_and_all_options(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Program, dataset and file are absolute, whatever characters their names have."""
    monkeypatch.chdir(tmp_path)
    units = printed(command, Path(NASTY), *OPTIONS)
    service, timer = sorted(units)
    assert (Path(service).suffix, Path(timer).suffix, Path(service).stem) == (".service", ".timer", Path(timer).stem)
    program, *rest = words(units[service])
    assert os.access(program, os.X_OK)
    assert rest == [
        *("sync", str(tmp_path / NASTY), "--overlap", "2d", "--mailto", "data@example.org"),
        *("--metrics-file", str(tmp_path / "50% $x.prom")),
    ]
    assert "OnCalendar=*-*-* 01:30:00" in units[timer]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["out", NASTY])
def test_systemd_accepts_the_units(command: Command, tmp_path: Path, name: str) -> None:
    """`systemd-analyze verify` reports nothing about them."""
    units = printed(command, tmp_path / name, *OPTIONS)
    for unit, content in units.items():
        (tmp_path / unit).write_text(content)
    verify = ["systemd-analyze", "verify", *(str(tmp_path / unit) for unit in units)]
    ran = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (ran.returncode, [line for line in ran.stderr.splitlines() if "datacite-etl" in line]) == (0, [])


def test_cron_runs_the_line(command: Command, tmp_path: Path) -> None:
    """Run by a shell as cron would, it syncs the dataset and prints no result, which would be mailed."""
    to = tmp_path / NASTY
    export = ("export", "client-prefixes", "--sandbox", "--sandbox-options=--records 50", "--to", to, "--quiet")
    assert command(*export).code == 0
    options = ("--sandbox", "--sandbox-options=--records 50", "--metrics-file", tmp_path / "50%.prom")
    ran = command("schedule", to, "--cron", "--at", "4:05", *options)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("5 4 * * *  /")
    assert ran.out.count("\n") == 1
    night = subprocess.run(["/bin/sh", "-c", as_cron_runs_it(ran.out)], capture_output=True, text=True, check=False)
    assert (night.returncode, night.stdout) == (0, ""), night.stderr
    assert (tmp_path / "50%.prom").exists()


def test_json_has_the_units_and_the_line(command: Command, tmp_path: Path) -> None:
    """A script can install them."""
    ran = command("schedule", tmp_path / "o", "--json")
    shown = {name: text.partition("# as root")[0].strip() for name, text in printed(command, tmp_path / "o").items()}
    assert {name: text.strip() for name, text in ran.json["units"].items()} == shown
    assert ran.json["crontab"].startswith("0 3 * * *  /")


def test_datasets_have_units_of_their_own(command: Command, tmp_path: Path) -> None:
    """Names that differ only in characters that a unit's name cannot have stay different."""
    names = [tmp_path / name for name in ("a", "a b", "a%b", "ä", "ö", "x" * 150)] + ["s3://bucket/dois"]
    units = [unit for name in names for unit in printed(command, name)]  # type: ignore[arg-type]
    assert len(set(units)) == 2 * len(names)
    assert all(re.fullmatch(r"[\w.-]{1,200}", unit, re.ASCII) for unit in units)


def test_a_dataset_on_an_object_store_keeps_its_url(command: Command) -> None:
    """It has no folder to be mounted."""
    service = next(iter(printed(command, "s3://bucket/dois").values()))  # type: ignore[arg-type]
    assert words(service)[2] == "s3://bucket/dois"
    assert "RequiresMountsFor" not in service


@pytest.mark.parametrize(
    ("options", "fix"),
    [
        (("--at", "25:00"), "write it as HH:MM"),
        (("--overlap", "soon"), "is not a duration"),
        (("--rate", "0"), "must be at least 1"),
        (("--nonsense", "1"), "Unknown option"),
        (("--mailto", "a\nb"), "control characters"),
    ],
)
def test_options_that_would_fail_every_night_are_refused_now(
    command: Command, tmp_path: Path, options: tuple[str, str], fix: str
) -> None:
    """With exit code 2, in one line."""
    ran = command("schedule", tmp_path / "o", *options)
    assert (ran.code, ran.out, fix in ran.err, ran.err.count("\n")) == (2, "", True, 2 if "note" in ran.err else 1)


def test_a_folder_without_a_dataset_is_noticed(command: Command, tmp_path: Path) -> None:
    """It may be exported later."""
    ran = command("schedule", tmp_path / "o", "--cron")
    assert (ran.code, ran.err) == (0, f"note: {tmp_path}/o holds no dataset yet; export one there first\n")
