"""Turn a command line into an exit code.

This is what all commands share: the parser, configuration from environment and file, and the one place where an error
becomes a line on stderr and an exit code.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import UNSET, App, ArgumentCollection, CycloptsError, Parameter
from cyclopts.config import Dict, Env

from etl import __version__
from etl.cli import COMMANDS
from etl.cli.configuration import PREFIX, read_configuration, wants_json
from etl.cli.show import INTERRUPTED, Failure, fail
from etl.errors import EtlError, StoreError, UsageError
from etl.schema.declarations import Json

_MODULES = {"run": "batch"}  # a module `run` would hide the package's function of that name
_EPILOGUE = (
    "Exit codes: 0 complete, 1 failed, 2 usage, 3 incomplete (nothing published), "
    "4 audit threshold missed, 130 interrupted."
)


def application() -> App:
    """Build the parser with every command; commands import heavy modules only when they run."""
    app = App(
        name="datacite-etl",
        help="Export DataCite's metadata completely, as typed tables, with proof.",
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


def launch(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    app = application()
    tables: dict[str, Json] = {}

    @app.meta.default
    def configured(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        config: Annotated[Path | None, Parameter(env_var=f"{PREFIX}CONFIG")] = None,
    ) -> int:
        """Run a command, with options also from the environment and a file.

        Parameters
        ----------
        config
            TOML file of options, with one table per command: `[export]`, `mailto = "data@example.org"`.
        """
        tables.update(read_configuration(config) if config else {})
        app.config = (_refuse_empty, Env(PREFIX, command=False), Dict(tables, source=str(config)))
        return int(app(tokens, exit_on_error=False, print_error=False) or 0)

    try:
        code = int(app.meta(list(arguments), exit_on_error=False, print_error=False) or 0)
        sys.stdout.flush()
    except (CycloptsError, EtlError, OSError, KeyboardInterrupt, asyncio.CancelledError) as error:
        return fail(_failure(error), json=wants_json(arguments, os.environ, tables))
    return code


def _refuse_empty(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Raise UsageError for empty options: without a value they would mean everything, or another place."""
    del app, commands
    for argument in arguments:
        for token in argument.tokens:
            if token.source == "cli" and not token.value.strip() and token.implicit_value is UNSET:
                fix = "give it a value, or leave it out; is a shell variable unset?"
                raise UsageError(f"{argument.name} is empty", fix=fix)


def _failure(error: BaseException) -> Failure:
    """Describe the end of a failed command in one line."""
    match error:
        case EtlError():
            return Failure(error.message, error.fix, error.exit_code)
        case CycloptsError():
            sentence = " ".join(str(error).split()).removesuffix(".")
            return Failure(sentence, "see 'datacite-etl --help' and 'datacite-etl COMMAND --help'", 2)
        case OSError():
            return Failure(str(error), StoreError.usual_fix, 1)
    return INTERRUPTED
