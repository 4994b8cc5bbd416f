"""`datacite-etl sandbox`: an API in a box on loopback."""

from typing import Annotated, Literal

from cyclopts import Parameter

from etl.options.asking import SHOWING


def sandbox(
    *,
    port: int = 0,
    records: int = 5000,
    seed: int = 1,
    fault: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    generation: Literal["1.0", "1.1"] = "1.1",
    agents_as_data: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="", group=SHOWING)] = False,
) -> int:
    """Serve a DataCite API in a box on loopback until Ctrl-C; the first line printed is its base URL.

    **Examples**

    - `datacite-etl sandbox --records 20000`
    - `datacite-etl sandbox --port 8080 --fault latency=250 --fault error=503:0.01`
    - `datacite-etl sandbox --json`

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
    generation
        Which API v1 to serve below `/v1`: 1.0 mixes what is linked into the lists.
    agents_as_data
        Serve `/v1/agents` as an archived mirror may: DataCite's own server had a web page there.
    json
        Print the base URL as a JSON object, `{"base_url": "http://127.0.0.1:8080"}`, and nothing else on stdout.
    """
    from etl.sandbox.__main__ import serve
    from etl.sandbox.options import read

    arguments = ["--port", str(port), "--records", str(records), "--seed", str(seed)]
    for text in fault:
        arguments += ["--fault", text]
    arguments += ["--generation", generation]
    arguments += [flag for flag, wanted in (("--agents-as-data", agents_as_data), ("--json", json)) if wanted]
    serve(read(arguments))
    return 0
