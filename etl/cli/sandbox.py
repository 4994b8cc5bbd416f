"""`datacite-etl sandbox`: a local DataCite API."""

from typing import Annotated, Literal

from cyclopts import Parameter

from etl.options.display import DISPLAY


def sandbox(
    *,
    port: int = 0,
    records: int = 5000,
    seed: int = 1,
    fault: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    churn: float = 0.0,
    generation: Literal["1.0", "1.1"] = "1.1",
    agents_as_data: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="", group=DISPLAY)] = False,
) -> int:
    """Serve a local DataCite API until Ctrl-C, with the real one's quirks, any size, and faults on demand.

    The first line printed is its base URL.

    **Examples**

    - `datacite-etl sandbox --records 20000`
    - `datacite-etl sandbox --port 8080 --fault latency=250 --fault error=503:0.01`
    - `datacite-etl sandbox --churn 0.5 --fault lag=60`
    - `datacite-etl sandbox --json`

    Parameters
    ----------
    port
        Port to listen on; 0 chooses a free one.
    records
        Number of DOIs; 5,000 by default.
    seed
        Seed of the records: the same seed gives the same records.
    fault
        NAME=VALUE: a fault to simulate; may be repeated.
    churn
        Records per second that are created, changed, withdrawn or restored; 0.5 is one every two seconds.
    generation
        Generation of API v1 under `/v1`; 1.0 mixes linked records into the lists.
    agents_as_data
        Serve `/v1/agents` as data, as an archived mirror may; DataCite's own server had a web page there.
    json
        Print the base URL as a JSON object on stdout, `{"base_url": "http://127.0.0.1:8080"}`, and nothing else.
    """
    from etl.sandbox.__main__ import serve
    from etl.sandbox.options import read_options

    arguments = ["--port", str(port), "--records", str(records), "--seed", str(seed)]
    arguments += ["--churn", str(churn)]
    for text in fault:
        arguments += ["--fault", text]
    arguments += ["--generation", generation]
    arguments += [flag for flag, wanted in (("--agents-as-data", agents_as_data), ("--json", json)) if wanted]
    serve(read_options(arguments))
    return 0
