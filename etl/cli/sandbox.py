"""`datacite-etl sandbox`: an API in a box on loopback."""

from typing import Annotated

from cyclopts import Parameter


def sandbox(
    *,
    port: int = 0,
    records: int = 5000,
    seed: int = 1,
    fault: Annotated[tuple[str, ...], Parameter(negative="")] = (),
) -> int:
    """Serve a DataCite API in a box on loopback until Ctrl-C; the first line printed is its base URL.

    **Examples**

    - `datacite-etl sandbox --records 20000`
    - `datacite-etl sandbox --port 8080 --fault latency=250 --fault error=503:0.01`

    Parameters
    ----------
    port
        Port to listen on; 0 takes a free one.
    records
        How many DOIs it holds.
    seed
        The same seed gives the same records.
    fault
        A fault to show, NAME=VALUE; may be repeated.
    """
    from etl.sandbox.__main__ import main

    arguments = ["--port", str(port), "--records", str(records), "--seed", str(seed)]
    for text in fault:
        arguments += ["--fault", text]
    return main(arguments) or 0
