"""What `deploy/` says is so: what it names exists, what it installs is pinned, nobody is root."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PRODUCTION = (ROOT / "docs/production.md").read_text()
UNITS = sorted(DEPLOY.glob("*.service"))
PINNED = re.compile(r"[\w-]+:\d+\.\d+(\.\d+)?(-\w+)+")


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile, continued lines joined."""
    plain = re.sub(r"\\\n\s*", "", CONTAINERFILE)
    lines = [line for line in plain.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def commands() -> list[list[str]]:
    """Return every command line of the image, the services and the units, without a shell around it."""
    shells = [one["command"] for one in SERVICES.values() if "command" in one]
    plain = [part.split() for one in shells for part in (one[2].split(" && ") if one[0] == "sh" else [" ".join(one)])]
    units = [re.search(r"^ExecStart=\S*/bin/(.*)$", unit.read_text(), re.MULTILINE) for unit in UNITS]
    pages = re.findall(r"^\$ ((?:prefect|python -m|datacite-etl) .*?)(?: +#.*)?$", PRODUCTION, re.MULTILINE)
    return [*plain, *(found[1].split() for found in units if found), *map(shlex.split, pages)]


def test_the_base_images_are_pinned_to_an_exact_version() -> None:
    """No image is called latest, and none by a version that moves."""
    bases = [rest for name, rest in instructions() if name == "FROM"]
    images = [one["image"] for one in SERVICES.values() if "build" not in one]
    assert bases
    assert images
    assert all(PINNED.fullmatch(image) for image in [*bases, *images])


def test_the_image_installs_what_was_tested_with_extras_that_there_are() -> None:
    """The install is constrained, and its extras are declared."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    install = next(rest for name, rest in instructions() if name == "RUN" and "pip install" in rest)
    assert "-c constraints.txt" in install
    wanted = re.search(r"'\.\[([\w,]+)\]'", install)
    assert wanted
    assert set(wanted[1].split(",")) <= set(extras)


def test_what_the_image_copies_is_there_and_enough_to_be_installed() -> None:
    """Every source exists; what the package's metadata and its build name is among them."""
    copied = [name for kind, rest in instructions() if kind == "COPY" for name in rest.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {project["project"]["readme"], *project["project"]["license-files"]}
    needed |= {*project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"], "pyproject.toml", "prefect.yaml"}
    assert needed <= set(copied)


def test_nobody_is_root_and_nobody_gains_rights() -> None:
    """The image ends as a plain user, the services drop what they can, the units name a user."""
    users = [rest for name, rest in instructions() if name == "USER"]
    assert users
    assert users[-1] not in ("root", "0")
    for one in SERVICES.values():
        if "build" in one:
            assert one["cap_drop"] == ["ALL"]
            assert one["security_opt"] == ["no-new-privileges:true"]
    assert all(re.search(r"^User=(?!root)\w", unit.read_text(), re.MULTILINE) for unit in UNITS)


def test_services_wait_for_services_and_use_volumes_that_there_are() -> None:
    """Every dependency and volume exists, and a service that others wait for has a health check."""
    for one in SERVICES.values():
        waits = one.get("depends_on", {})
        assert set(waits) <= set(SERVICES)
        for name, how in waits.items() if isinstance(waits, dict) else ():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]
        assert {volume.partition(":")[0] for volume in one.get("volumes", ())} <= set(COMPOSE["volumes"])
        if "build" in one:
            context = DEPLOY / one["build"]["context"]
            assert (context / one["build"]["dockerfile"]).samefile(DEPLOY / "Containerfile")


def test_no_secret_stands_in_a_file_and_prefects_settings_are_spelled_right() -> None:
    """Whatever is called password, key or token comes from outside; each PREFECT_ variable is one that Prefect has."""
    from prefect.settings.legacy import _get_settings_fields
    from prefect.settings.models.root import Settings

    known = set(_get_settings_fields(Settings))
    variables = {name: value for one in SERVICES.values() for name, value in one.get("environment", {}).items()}
    for name, value in variables.items():
        if re.search("PASSWORD|TOKEN|KEY|SECRET", name):
            assert value is None or value.startswith("${"), name
    named = {name for name in variables if name.startswith("PREFECT_")}
    named |= set(re.findall(r"\bPREFECT_[A-Z_]+\b", CONTAINERFILE + PRODUCTION))
    assert named <= known


@pytest.mark.prefect  # its help takes seconds
@pytest.mark.parametrize("line", commands(), ids=" ".join)
def test_each_command_exists_with_its_options(line: list[str]) -> None:
    """The program is installed with the package, and its help knows every option that is used."""
    words = [word for word in line if not word.startswith(("-", "tcp:", "$"))]
    start = [str(BIN / line[0]), *line[1:3]] if line[0] == "python" else [str(BIN / line[0])]
    verbs = [] if line[0] == "python" else words[1 : 1 + DEPTH[line[0]]]
    help_text = subprocess.run([*start, *verbs, "--help"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    options = [word for word in line[1:] if word.startswith("--") and word != "--no-prompt"]
    assert all(option in help_text for option in options)


def test_the_trigger_in_the_documentation_is_one_that_prefect_takes() -> None:
    """The example of a load that follows a sync waits for events that flows emit, of a destination's own spelling."""
    from prefect.events import DeploymentEventTrigger

    from flows.steps import EVENT, slug

    block = re.search(r"```yaml\n(  - name: load-after-sync.*?)```", PRODUCTION, re.DOTALL)
    assert block
    plain = yaml.safe_load("pool: &pool {}\nonce: &once {}\ndeployments:\n" + block[1])["deployments"][0]
    trigger = DeploymentEventTrigger.model_validate(plain["triggers"][0])
    assert trigger.expect == {f"{EVENT}.complete", f"{EVENT}.drifted"}
    resource = f"{EVENT}.dataset.{slug(plain['parameters']['dataset'])}"
    assert plain["triggers"][0]["match"] == {"prefect.resource.id": resource}


DEPTH = {"prefect": 2, "dask": 1, "datacite-etl": 1}
"""How many words after a program's name choose what it does."""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_has_nothing_to_say_about_a_unit(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` is content, once the program and the user are those of this machine."""
    plain = unit.read_text().replace("/srv/datacite-etl/.venv/bin", str(BIN))
    copy = tmp_path / unit.name
    copy.write_text(re.sub("^User=.*$", "User=daemon", plain, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, ours) == (0, [])


def typed(heading: str) -> list[str]:
    """Return the lines of a section's console blocks, without prompts."""
    section = PRODUCTION.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```console\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def test_the_user_and_the_checkout_are_made_as_documented() -> None:
    """The lines of the section are typed as root, in a namespace whose /etc and /srv are thrown away."""
    if os.getuid() != 0 or subprocess.run([*ELSEWHERE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root can add a user, and needs a mount namespace")
    lines = [line for line in typed("One machine, SQLite") if line.startswith(("# useradd", "# install"))]
    clone = next(line for line in typed("One machine, SQLite") if "git clone" in line).removeprefix("$ ")
    clone = clone.replace("<this repository>", str(ROOT))
    script = "\n".join(
        [
            "set -eu",
            "mount -t tmpfs tmpfs /mnt && cp -a /etc/. /mnt && mount --bind /mnt /etc",
            "git config --system safe.directory '*'",  # the clone's source may be another user's
            "mount -t tmpfs tmpfs /srv",
            *(line.removeprefix("# ") for line in lines),
            f"runuser -u datacite-etl -- sh -c {shlex.quote(clone)}",
            "stat -c '%U %n' /srv/datacite-etl/pyproject.toml /srv/datacite-etl/exports",
            "stat -c '%U %a' /etc/datacite-etl/secrets.env",
        ]
    )
    ran = subprocess.run([*ELSEWHERE, "sh", "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "datacite-etl /srv/datacite-etl/pyproject.toml",
        "datacite-etl /srv/datacite-etl/exports",
        "datacite-etl 600",
    ]


ELSEWHERE = ("unshare", "--mount", "--propagation", "private")
"""Runs a command with mounts of its own."""
