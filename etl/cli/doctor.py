"""`datacite-etl doctor`: check the environment and suggest fixes."""

import asyncio
import os
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from etl.cli.show import as_json, columns, line
from etl.errors import UsageError
from etl.options import folders
from etl.options.display import DisplayOptions
from etl.options.server import ServerOptions
from etl.storage import text_files

if TYPE_CHECKING:
    from etl.cli.checks import Check, Surroundings
    from etl.settings import Settings


def doctor(
    destination: Path = Path(),
    /,
    *,
    server: ServerOptions = ServerOptions(),
    display: DisplayOptions = DisplayOptions(),
) -> int:
    """Check the environment (proxy, network, rate limit, clock, disk, packages, Prefect) and suggest fixes.

    The exit code is 1 if something prevents runs from working; warnings do not count.

    **Examples**

    - `datacite-etl doctor`
    - `datacite-etl doctor /data/exports --mailto you@example.org`
    - `datacite-etl doctor --sandbox --json`

    Parameters
    ----------
    destination
        Folder for exports; the current one by default.
    """
    from etl.cli.checks import Check, State, Surroundings, machine
    from etl.errors import UsageError

    around = Surroundings(
        destination=destination,
        remembered=folders.state_folder(),
        prefect=prefect_url(),
    )
    try:
        with server.settings() as settings:
            checks = asyncio.run(_examined(around, replace(settings, connect_timeout=10, read_timeout=30)))
    except UsageError as error:
        checks = [Check(name="settings", state=State.FAIL, says=error.message, fix=error.fix), *machine(around)]
    failed = [check.name for check in checks if check.state is State.FAIL]
    if display.json:
        as_json({"ok": not failed, "checks": [asdict(check) for check in checks]})
    else:
        columns([(check.state.value, check.name, _sentence(check)) for check in checks])
        line(f"not ready: {', '.join(failed)}" if failed else "ready")
    return 1 if failed else 0


async def _examined(around: "Surroundings", settings: "Settings") -> "list[Check]":
    from etl.cli import checks

    server = await checks.server(settings, time.time())
    prefect = await checks.prefect(around.prefect, settings.network)
    return [*checks.route(settings), *server, *checks.machine(around), prefect]


def _sentence(check: "Check") -> str:
    return f"{check.says}; {check.fix}" if check.fix else check.says


def prefect_url() -> str:
    """Return the URL of Prefect's API from the environment or its active profile; empty if there is none."""
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    own = folders.home_folder()
    home = os.environ.get("PREFECT_HOME") or (own and own / ".prefect")
    path = Path(os.environ.get("PREFECT_PROFILES_PATH") or Path(home or "") / "profiles.toml")
    try:
        content = text_files.from_toml(text_files.read(path), str(path))
    except UsageError:
        return ""
    active = os.environ.get("PREFECT_PROFILE") or content.get("active")
    profiles = content.get("profiles")
    profile = profiles.get(str(active)) if isinstance(profiles, dict) else None
    return str(profile.get("PREFECT_API_URL", "")) if isinstance(profile, dict) else ""
