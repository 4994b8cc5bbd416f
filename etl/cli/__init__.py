"""The command line: one module a command, parsing and printing only.

What stands here is common to all of them: the list of commands, configuration by environment and file, and the one
place where an error becomes a line on stderr and an exit code (SPEC section 3).
"""

import asyncio
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Env, Toml

from etl import __version__, memory
from etl.cli.show import Failure, fail
from etl.errors import EtlError

COMMANDS = (
    "export",
    "ingest",
    "sync",
    "plan",
    "load",
    "get",
    "verify",
    "audit",
    "diff",
    "run",
    "resources",
    "doctor",
    "sandbox",
)
_MODULES = {"run": "many"}  # a module `run` would hide this package's own function of that name
_EPILOGUE = (
    "Exit codes: 0 complete, 1 failed, 2 usage, 3 incomplete (nothing published), "
    "4 audit threshold missed, 130 interrupted."
)


def application() -> App:
    """Build the parser with every command; their modules import what is heavy only when they run."""
    app = App(
        name="datacite-etl",
        help="Export DataCite's metadata whole, typed and proved complete.",
        help_epilogue=_EPILOGUE,
        help_format="markdown",
        version=__version__,
        default_parameter=Parameter(show_default=False),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    app.meta.suppress_keyboard_interrupt = False
    app.register_install_completion_command()
    for name in COMMANDS:
        app.command(getattr(importlib.import_module(f"etl.cli.{_MODULES.get(name, name)}"), name), name=name)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    app = application()

    @app.meta.default
    def launch(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        config: Annotated[Path | None, Parameter(env_var="DATACITE_ETL_CONFIG")] = None,
    ) -> int:
        """Run a command with its options completed from the environment and a file.

        Parameters
        ----------
        config
            TOML file with options, a table a command: `[export]`, `mailto = "data@example.org"`.
        """
        files = () if config is None else (Toml(config, must_exist=True, source=str(config)),)
        app.config = (Env("DATACITE_ETL_", command=False), *files)
        return int(app(tokens, exit_on_error=False, print_error=False) or 0)

    try:
        return int(app.meta(list(arguments), exit_on_error=False, print_error=False) or 0)
    except CycloptsError as error:
        return fail(
            Failure(_sentence(error), "see 'datacite-etl --help' and 'datacite-etl COMMAND --help'", 2), arguments
        )
    except EtlError as error:
        return fail(Failure(error.message, error.fix, error.exit_code), arguments)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return fail(Failure("interrupted", "run the same command again to resume", 130), arguments)
    except BrokenPipeError:
        return 1
    except OSError as error:
        return fail(Failure(str(error), "check the path, the free space and the permissions", 1), arguments)


def main() -> None:
    """Run the command line of this process."""
    memory.before_arrow()
    sys.exit(run(sys.argv[1:]))


def _sentence(error: CycloptsError) -> str:
    return " ".join(str(error).split())
