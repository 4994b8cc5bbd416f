"""The texts of the repository: what is tracked, or would be."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def texts(*suffixes: str) -> dict[str, str]:
    """Return the text of each file with one of the suffixes, by its path from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = [name for name in listed.stdout.split("\0") if Path(name).suffix in suffixes]
    return {name: (ROOT / name).read_text() for name in sorted(names) if (ROOT / name).exists()}
