import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import charts, lake

pytestmark = pytest.mark.slow


def test_the_benchmark_runs_and_its_curves_can_be_drawn(tmp_path, capsys):
    """Every part of the benchmark gives figures, on a size that proves nothing about speed."""
    figures = tmp_path / "figures.json"
    sizes = "--records 300 --rounds 1 --sizes 100,200 --latencies 0,10 --slow 300 --wide 100"
    benchmarks.main([*sizes.split(), "--json", str(figures)])
    output = capsys.readouterr().out
    assert all(
        title in output for title in ("download and discard", "export --keep-raw", "sandbox, serving", "x ideal")
    )
    charts.main(figures, tmp_path / "drawn")
    drawn = {path.name: path.read_text() for path in (tmp_path / "drawn").iterdir()}
    assert set(drawn) == {"cpu.svg", "rss_mb.svg", "requests.svg", "latency.svg"}
    assert all(text.startswith("<svg") and text.count("<circle") == 2 for text in drawn.values())


def test_the_benchmark_of_the_lake_runs(capsys):
    """Ingest, load and sync give figures, on a size that proves nothing about speed."""
    lake.main(["--records", "150"])
    output = capsys.readouterr().out
    assert all(text in output for text in ("ingest, 2 threads", "rows a second", "unchanged", "sync of 150 records"))
