import shutil

import pytest

from etl.api.window import Window
from etl.completeness.verdict import Tally
from etl.dataset import store
from etl.dataset.store import Receipt, hold
from etl.errors import StoreError, UsageError
from etl.storage import lock, paths
from tests.support.faulty import FaultyFiles, PowerLoss
from tests.support.small import REQUEST, claim, data, layout, local, owner, publish, work

OLD = [work("a", 2018, title="old", tags=[{"tag": "x"}]), work("b", 2019)]
NEW = [work("a", 2019, title="new"), work("c", None)]
FEW = layout(tables=("work_tags",))


def test_a_receipt_is_there_until_its_slice_is_discarded(tmp_path):
    """A committed slice is done, also for the next run; a discarded one is not."""
    receipt = Receipt(
        tally=Tally(key="s/1", window=Window(1, None), expected_before=3, expected_after=None, received=2, unique=2),
        pages=1,
        missing=("x",),
    )
    with hold(local(tmp_path), claim(), owner()) as held:
        held.begin(claim(), {"slices": []})
        assert held.receipt("s/1") is None
        held.commit(receipt)
    with hold(local(tmp_path), claim(), owner()) as held:
        assert held.plan() == {"slices": []}
        assert held.receipt("s/1") == receipt
        held.discard("s/1")
        assert held.receipt("s/1") is None


def test_work_of_another_request_is_not_gone_on_with(tmp_path):
    """Who asks something else learns what differs and how to get rid of the old work."""
    with hold(local(tmp_path), claim(), owner()) as held:
        held.begin(claim(), 1)
    other = claim(fingerprint="f2", base_url="https://mirror.example.org")
    with (
        pytest.raises(UsageError, match=r"differs in fingerprint, base_url.*--fresh"),
        hold(local(tmp_path), other, owner()),
    ):
        pass
    with hold(local(tmp_path), other, owner(), fresh=True) as held:
        assert held.plan() is None


def test_work_that_was_never_planned_is_thrown_away(tmp_path):
    """Pages without a plan are of no use and do not stay."""
    local(tmp_path).write(f"{paths.WORK}/slices/s/page-000000.arrow", b"")
    with hold(local(tmp_path), claim(), owner()) as held:
        assert held.files.listing(paths.WORK) == []


def test_a_damaged_plan_names_the_way_out(tmp_path):
    """Half a plan is an error with a fix."""
    local(tmp_path).write(paths.PLAN, b"{")
    with pytest.raises(StoreError, match=r"plan\.json is damaged.*--fresh"), hold(local(tmp_path), claim(), owner()):
        pass


def test_a_folder_that_is_not_ours_is_refused(tmp_path):
    """A destination with foreign files and no dataset is left alone."""
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(UsageError, match="not a dataset; choose another"), hold(local(tmp_path), claim(), owner()):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_destination_that_cannot_be_written_is_told(tmp_path):
    """A file in the place of the destination ends in one line."""
    (tmp_path / "dest").write_text("x")
    with pytest.raises(StoreError), hold(local(tmp_path / "dest"), claim(), owner()):
        pass


def test_the_dataset_of_another_request_is_only_replaced_when_asked(tmp_path):
    """A published dataset is not overwritten by the answer to another question."""
    files = local(tmp_path)
    publish(files, OLD)
    other = claim(request={**REQUEST, "resource": "else"})
    with pytest.raises(UsageError, match="holds the dataset of another request"), hold(files, other, owner()):
        pass
    with hold(files, other, owner(), fresh=True) as held:
        assert held.manifest() is not None


def test_foreign_files_among_the_tables_stop_a_run_before_it_begins(tmp_path):
    """Nothing that somebody put into a table's folder is deleted."""
    files = local(tmp_path)
    publish(files, OLD)
    files.write("works/notes.txt", b"mine")
    with pytest.raises(StoreError, match=r"works/notes\.txt; move them elsewhere"):
        publish(files, NEW)
    assert files.read("works/notes.txt") == b"mine"


def test_a_new_dataset_takes_the_place_of_the_old_one_whole(tmp_path):
    """After publication there is the new data, its proof, and nothing else."""
    files = local(tmp_path)
    publish(files, OLD)
    proof = publish(files, NEW)
    listed = {file.path for file in proof.files}
    assert set(data(files)) == listed
    assert store.read_manifest(files) == proof
    assert files.listing(paths.OWN) == [paths.MANIFEST, f"{paths.OWN}/report.json"]


def test_tables_that_are_no_longer_wanted_go(tmp_path):
    """A dataset with fewer tables leaves none of the old ones behind."""
    files = local(tmp_path)
    publish(files, OLD)
    publish(files, OLD, layout(tables=("links",)))
    assert {key.partition("/")[0] for key in data(files)} == {"works", "links", "people"}


def test_a_published_file_can_be_kept_as_it_is(tmp_path):
    """A file that does not change is staged by a second name and survives the switch."""
    files = local(tmp_path)
    proof = publish(files, OLD)
    before = data(files)
    with hold(files, claim(), owner()) as held:
        held.begin(claim(), 1)
        for path in before:
            held.keep(path)
        held.publish(proof)
    assert data(files) == before


def test_staged_files_that_are_gone_stop_the_publication(tmp_path):
    """What the manifest promises and nobody can find is not published."""
    files = local(tmp_path)
    proof = publish(files, OLD)
    before = data(files)
    with hold(files, claim(), owner()) as held:
        held.begin(claim(), 1)
        with pytest.raises(StoreError, match="staged files are missing"):
            held.publish(proof)
    assert data(files) == before


def test_a_report_can_be_put_without_publishing(tmp_path):
    """A run that publishes nothing still says why, and leaves the dataset as it was."""
    files = local(tmp_path)
    publish(files, OLD)
    before = data(files)
    with hold(files, claim(), owner()) as held:
        held.report("report.json", b"short")
    assert files.read(f"{paths.OWN}/report.json") == b"short"
    assert data(files) == before


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_leaves_the_old_dataset_or_the_new_one(tmp_path, after):
    """Whichever change is the last, the next run finds a whole dataset, and running again gives the new one."""
    old, new = local(tmp_path / "old"), local(tmp_path / "new")
    publish(old, OLD, FEW)
    publish(new, NEW, FEW)
    whole = [data(old), data(new)]
    seen = set()
    for step in range(1, 400):
        root = tmp_path / f"{step}"
        shutil.copytree(old.name, root)
        try:
            publish(FaultyFiles(root, step, after=after), NEW, FEW)
        except PowerLoss:
            with hold(local(root), claim(), lock_after_death(root)):
                assert data(local(root)) in whole
                seen.add(whole.index(data(local(root))))
        else:
            break
        publish(local(root), NEW, FEW)
        assert data(local(root)) == whole[1]
        assert local(root).listing(paths.WORK) == local(root).listing(paths.SPENT) == []
    assert seen == {0, 1}
    assert step > 20


def lock_after_death(root):
    """Remove the lock of the run that lost its machine, and return the next owner."""
    local(root).remove(paths.LOCK)
    return owner()


def test_a_second_run_is_told_who_is_at_work(tmp_path):
    """A destination in use is refused with owner, process, machine and time."""
    mine = lock.process_start(1) or ""
    first = lock.Owner(user="ann", host="here", pid=1, born=mine, started="2026-01-01T00:00:00Z")
    with hold(local(tmp_path), claim(), first):
        refused = pytest.raises(StoreError, match="in use by ann, process 1 on here, since 2026-01-01T00:00:00Z")
        with refused, hold(local(tmp_path), claim(), first):
            pass
    with hold(local(tmp_path), claim(), first):
        pass


def test_work_of_another_purpose_is_set_aside_until_its_next_run(tmp_path):
    """Neither run sees the other's plan, and both say what they do."""
    with hold(local(tmp_path), claim(), owner()) as held:
        held.begin(claim(), "export", started=0.0)
    sync = claim(purpose="sync")
    with hold(local(tmp_path), sync, owner()) as held:
        assert held.plan() is None
        assert held.notes == (
            "set the unfinished export of 1970-01-01T00:00:00Z aside: it can be resumed until another run publishes",
        )
        held.begin(sync, "sync")
    with hold(local(tmp_path), claim(), owner()) as held:
        assert held.plan() == "export"
    with hold(local(tmp_path), claim(), owner(), fresh=True) as held:
        assert held.plan() is None
    with hold(local(tmp_path), sync, owner()) as held:
        assert (held.plan(), held.notes) == ("sync", ())


def test_work_set_aside_is_discarded_once_another_run_has_published(tmp_path):
    """Its records are older than the dataset's; the next run, of any purpose, says so and frees the space."""
    publish(local(tmp_path), OLD)
    with hold(local(tmp_path), claim(), owner()) as held:
        held.begin(claim(), "export")
    publish(local(tmp_path), NEW, purpose="sync")
    with hold(local(tmp_path), claim(purpose="metrics"), owner()) as held:
        assert [note.partition(":")[0] for note in held.notes] == ["discarded the unfinished export"]
    assert local(tmp_path).listing(paths.PARKED) == []


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_dies_while_it_sets_work_aside_loses_none(tmp_path, after):
    """Whichever of its renames were done."""
    sync = claim(purpose="sync")
    for number in range(1, 12):
        root = tmp_path / f"{number}"
        with hold(local(root), sync, owner()) as held:
            held.begin(sync, "sync")
        with hold(local(root), claim(), owner()) as held:
            held.begin(claim(), "export")
        try:
            with hold(FaultyFiles(root, number, after=after), sync, owner()) as held:
                pass
        except PowerLoss:
            pass
        for asked, plan in ((claim(), "export"), (sync, "sync")):
            with hold(local(root), asked, owner()) as held:
                assert held.plan() == plan, f"died at change {number}"


def test_work_of_an_unknown_purpose_is_refused(tmp_path):
    """Its purpose names no folder."""
    with hold(local(tmp_path), claim(), owner()) as held:
        held.begin(claim(purpose="../elsewhere"), 1)
    with pytest.raises(UsageError, match="differs in purpose"), hold(local(tmp_path), claim(), owner()):
        pass
