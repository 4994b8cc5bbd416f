"""Publication by renaming, on disks where folders of an image layer cannot be renamed."""

import shutil
from pathlib import Path

import pytest

from etl.dataset import switch
from etl.dataset.store import hold, readable_manifest
from etl.dataset.verify import verify
from etl.errors import StoreError
from etl.storage import paths
from etl.storage.files import CrossDeviceError, LocalFiles
from tests.support.faulty import FaultyFiles, PowerLoss
from tests.support.small import claim, data, layout, local, owner, publish, work

OLD = [work("a", 2018, title="old", tags=[{"tag": "x"}]), work("b", 2019)]
NEW = [work("a", 2018, title="new"), work("c", None)]
FEW = layout(tables=("work_tags",))


class LayeredFiles(FaultyFiles):
    """A folder whose present folders are of an image layer. State: `below`, their numbers."""

    def __init__(self, root: Path, changes: int = 10**9, *, after: bool = False) -> None:
        super().__init__(root, changes, after=after)
        self._below = {path.stat().st_ino for path in root.rglob("*") if path.is_dir()}

    def move(self, source: str, target: str) -> None:
        path = Path(self.name, source)
        if path.is_dir() and path.stat().st_ino in self._below:
            raise CrossDeviceError(f"{path} cannot be renamed")
        super().move(source, target)


@pytest.fixture
def old(tmp_path: Path) -> LocalFiles:
    files = local(tmp_path / "old")
    publish(files, OLD, FEW)
    return files


def test_a_dataset_in_an_image_layer_is_replaced(old: LocalFiles, tmp_path: Path) -> None:
    """Its files are moved one by one, and nothing of the old dataset is left."""
    publish(local(tmp_path / "new"), NEW, FEW)
    publish(LayeredFiles(Path(old.name)), NEW, FEW)
    assert data(old) == data(local(tmp_path / "new"))
    assert verify(old).ok
    assert old.listing(paths.OWN) == [paths.MANIFEST, f"{paths.OWN}/report.json"]


def test_unfinished_work_in_an_image_layer_is_thrown_away(old: LocalFiles) -> None:
    """Also where its folder cannot be put out of sight in one step."""
    with hold(old, claim(), owner()) as held:
        held.begin(claim(), 1)
        old.write(paths.staged("works/x.parquet"), b"1")
    switch.retire(LayeredFiles(Path(old.name)))
    assert not old.exists(paths.WORK)
    assert verify(old).ok


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_in_an_image_layer_is_rolled_forward(old: LocalFiles, tmp_path: Path, after: bool) -> None:
    """Readers have one of the two datasets or are refused; the next run ends with the new one."""
    new = local(tmp_path / "new")
    publish(new, NEW, FEW)
    for step in range(1, 400):
        root = tmp_path / "trial"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(old.name, root)
        files = local(root)
        try:
            publish(LayeredFiles(root, step, after=after), NEW, FEW)
        except PowerLoss:
            if switch.is_under_way(files):
                with pytest.raises(StoreError, match="is unfinished"):
                    readable_manifest(files)
            else:
                assert data(files) in (data(old), data(new))
        else:
            break
        files.remove(paths.LOCK)
        publish(LayeredFiles(root), NEW, FEW)
        assert data(files) == data(new)
        assert files.listing(paths.WORK) == files.listing(paths.SPENT) == []
    assert step > 30
