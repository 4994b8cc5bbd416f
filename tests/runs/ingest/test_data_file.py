"""A data file is complete only if it was compared with a list of what there should be."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from tests.conftest import Command, Ran
from tests.support import data_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data file of three months, without MANIFEST."""
    return data_files.months(tmp_path / "file", "2026-01", "2026-02", "2026-03")


def ingest(command: Command, path: Path, *options: str) -> Ran:
    return command("ingest", path, "--to", path.parent / "out", "--json", "--quiet", *options)


def test_months_that_a_manifest_lists_are_complete(folder: Path, command: Command) -> None:
    """All files of the MANIFEST are here, and their records are those of the lists."""
    data_files.write_manifest(folder)
    ran = ingest(command, folder)
    assert (ran.code, ran.json["verdict"], ran.json["unique"]) == (0, "complete", 3)


def test_months_without_a_manifest_claim_nothing(folder: Path, command: Command) -> None:
    """It cannot be known whether a whole month is missing, and the verdict says so."""
    ran = ingest(command, folder)
    assert (ran.code, ran.json["verdict"]) == (0, "sample")
    span = "whether updated_2026-01 to updated_2026-03 are all"
    assert ran.json["reasons"] == [f"{folder} has no MANIFEST, so it is not known {span}"]
    assert ran.json["reasons"][0] in ran.err


def test_a_manifest_that_does_not_list_a_month_proves_nothing(folder: Path, command: Command) -> None:
    """An unlisted file is compared with nothing."""
    listed = [name for name in data_files.facts(folder) if "2026-03" not in name]
    data_files.write_manifest(folder, only=listed)
    ran = ingest(command, folder)
    assert (ran.code, ran.json["verdict"]) == (0, "sample")
    assert "MANIFEST does not list dois/updated_2026-03/2026-03.csv.gz" in ran.json["reasons"][0]


def test_a_month_with_a_missing_record_is_incomplete_without_a_manifest(folder: Path, command: Command) -> None:
    """Unknown gaps do not excuse records that a list proves missing."""
    part = folder / "dois/updated_2026-02/part_0000.jsonl.gz"
    part.write_bytes(gzip.compress(b""))
    ran = ingest(command, folder)
    assert (ran.code, ran.json["verdict"], ran.json["missing"]) == (3, "incomplete", ["10.5072/2026-02"])


@pytest.mark.parametrize("cut", ["between members", "in a header", "in a member", "in the last block"])
def test_a_tar_without_its_end_is_refused(cut: str, folder: Path, command: Command) -> None:
    """An interrupted download is not accepted as a data file with fewer months."""
    tar = data_files.pack(folder, folder.parent / "whole.tar")
    with tarfile.open(tar) as opened:
        names = {member.name.removeprefix("./"): member for member in opened.getmembers()}
        start = names["dois/updated_2026-02"].offset
        content = names["dois/updated_2026-03/part_0000.jsonl.gz"].offset_data
        last = opened.offset
    ends = {
        "between members": start,
        "in a header": start + 200,
        "in a member": content + 10,
        "in the last block": last,
    }
    (folder.parent / "cut.tar").write_bytes(tar.read_bytes()[: ends[cut]])
    ran = ingest(command, folder.parent / "cut.tar")
    assert ran.code == 1
    assert ran.json["fix"] == "download it again" or cut == "in a member"
    assert "cut.tar" in ran.json["error"]
    assert not (folder.parent / "out/dois").exists()


@pytest.mark.parametrize("packing", ["", "gz", "xz", "bz2"])
def test_a_tar_is_read_however_it_is_packed(packing: str, folder: Path, command: Command) -> None:
    """Compressed tars have one reading position, which parts share in turns."""
    data_files.write_manifest(folder)
    tar = folder.parent / f"file.tar.{packing}"
    with tarfile.open(tar, f"w:{packing}") as opened:  # type: ignore[call-overload]
        opened.add(folder, ".")
    ran = ingest(command, tar, "--threads", "3")
    assert (ran.code, ran.json["verdict"], ran.json["unique"]) == (0, "complete", 3)


@pytest.mark.parametrize("packed", [False, True])
def test_a_month_by_itself_is_proved_by_its_own_list(packed: bool, tmp_path: Path, command: Command) -> None:
    """As a folder or a flat tar, its dataset is that of the records changed in that month."""
    folder = data_files.month(tmp_path, "2026-10", "10.5072/a", "10.5072/b")
    ran = ingest(command, data_files.pack(folder, tmp_path / "october.tar", flat=True) if packed else folder)
    assert (ran.code, ran.json["verdict"], ran.json["expected"]) == (0, "complete", 2)


def test_a_folder_with_lists_of_several_months_is_compared_with_all_of_them(tmp_path: Path, command: Command) -> None:
    """Files in another layout are compared, too; it is not known whether there should be more months."""
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in ("2026-01", "2026-02"):
        month = data_files.month(tmp_path / "file", name, f"10.5072/{name}")
        (month / "part_0000.jsonl.gz").rename(flat / f"{name}.jsonl.gz")
        (month / f"{name}.csv.gz").rename(flat / f"{name}.csv.gz")
    ran = ingest(command, flat)
    assert (ran.code, ran.json["verdict"], ran.json["expected"]) == (0, "sample", 2)
    assert "whether 2026-01.csv.gz to 2026-02.csv.gz are all" in ran.json["reasons"][0]


def test_a_size_that_the_manifest_does_not_give_is_refused(folder: Path, command: Command) -> None:
    """Sizes are compared before anything is read, even if a MANIFEST has no checksums."""
    name = "dois/updated_2026-02/part_0000.jsonl.gz"
    lines = [f"{path} {size + (path == name)}\n" for path, (size, _) in data_files.facts(folder).items()]
    (folder / "MANIFEST").write_text("".join(lines))
    ran = ingest(command, folder)
    assert ran.code == 1
    assert f"{name} has" in ran.json["error"]
    assert not (folder.parent / "out/_etl/work/parts").exists()


@pytest.mark.parametrize("written", [str.lower, str.upper])
def test_checksums_in_hexadecimal_are_understood(written: object, folder: Path, command: Command) -> None:
    """Either case is accepted; changes are still noticed."""
    assert callable(written)
    lines = [f"{name} {size} {written(digest.hex())}\n" for name, (size, digest) in data_files.facts(folder).items()]
    (folder / "MANIFEST").write_text("".join(lines))
    assert ingest(command, folder).json["verdict"] == "complete"
    (folder / "MANIFEST").write_text("".join(lines).replace(lines[0][-5:-1], "0000"))
    assert "SHA-256" in ingest(command, folder, "--fresh").json["error"]


def test_what_a_desktop_left_beside_the_parts_is_ignored(folder: Path, command: Command) -> None:
    """AppleDouble files have names of parts, but other contents."""
    data_files.write_manifest(folder)
    below = folder / "dois/updated_2026-01"
    (below / "._part_0000.jsonl.gz").write_bytes(b"\x00\x05\x16\x07")
    (folder / "__MACOSX/dois").mkdir(parents=True)
    (folder / "__MACOSX/dois/._2026-01.csv.gz").write_bytes(b"\x00\x05\x16\x07")
    ran = command("ingest", folder, "--to", folder.parent / "out", "--json")
    assert (ran.code, ran.json["verdict"]) == (0, "complete")
    assert "ignored files that a desktop left" in ran.err
    assert "._part_0000.jsonl.gz" in ran.err


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b'{"data":[%s],"meta":{"total":1}}', "a response of the API"),
        (b"[%s,\n%s]", "a JSON array"),
        (b'{\n "data": [\n%s]}', "one JSON document over several lines"),
    ],
)
@pytest.mark.parametrize("name", ["page.json", "page.ndjson", "page.jsonl.gz"])
def test_a_saved_page_is_refused_with_the_command_that_splits_it(
    content: bytes, named: str, name: str, tmp_path: Path, command: Command
) -> None:
    """One line names the file, its kind, and how to convert it into lines."""
    filled = content.replace(b"%s", data_files.record("10.5072/a", "2026-01-01T00:00:00Z").strip())
    (tmp_path / name).write_bytes(gzip.compress(filled) if name.endswith(".gz") else filled)
    ran = ingest(command, tmp_path / name)
    assert ran.code == 2
    assert named in ran.json["error"]
    assert "jq -c" in ran.json["fix"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"hello\nworld\n", b"{}\n"])
@pytest.mark.parametrize("option", ["--fresh", "--allow-incomplete"])
def test_a_file_without_records_is_never_published(
    content: bytes, option: str, tmp_path: Path, command: Command
) -> None:
    """Lines without records, or no lines at all, do not become a dataset."""
    (tmp_path / "lines.ndjson").write_bytes(content)
    ran = ingest(command, tmp_path / "lines.ndjson", option)
    assert ran.code == 2
    assert not (tmp_path / "out/dois").exists()


def test_a_byte_order_mark_and_line_ends_of_windows_do_no_harm(tmp_path: Path, command: Command) -> None:
    """This applies to records and to lists of DOIs."""
    folder = data_files.month(tmp_path, "2026-10", "10.5072/a")
    for path in folder.iterdir():
        content = gzip.decompress(path.read_bytes()).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + content))
    ran = ingest(command, folder)
    assert (ran.code, ran.json["verdict"], ran.json["rejects"]) == (0, "complete", 0)


def test_a_member_that_is_not_a_regular_file_is_named(folder: Path, command: Command) -> None:
    """A sparse terabyte, a link or a pipe under the name of a part is refused, not read."""
    tar = folder.parent / "links.tar"
    with tarfile.open(tar, "w") as opened:
        opened.add(folder, ".")
        link = tarfile.TarInfo("dois/updated_2026-04/part_0000.jsonl.gz")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    ran = ingest(command, tar)
    assert ran.code == 1
    assert "dois/updated_2026-04/part_0000.jsonl.gz is not a regular file" in ran.json["error"]


@pytest.mark.parametrize("inside", [True, False])
def test_a_pipe_is_refused_and_not_waited_for(inside: bool, folder: Path, command: Command) -> None:
    """It may replace a part, or the data file."""
    pipe = folder / "dois/updated_2026-01/part_0001.jsonl.gz" if inside else folder.parent / "pipe.tar"
    os.mkfifo(pipe)
    ran = ingest(command, folder if inside else pipe)
    assert ran.code == 1
    assert f"{pipe} is not a regular file" in ran.json["error"]


def test_a_header_that_claims_gigabytes_is_refused_unread(tmp_path: Path, command: Command) -> None:
    """A long name of 8 GB would be read into memory before anything else is known of the tar."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    (tmp_path / "bomb.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    ran = ingest(command, tmp_path / "bomb.tar")
    assert ran.code == 1
    assert "8,589,934,592 bytes" in ran.json["error"]


def test_a_line_without_an_end_is_refused(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that unpacks to gigabytes of one line is not held in memory."""
    monkeypatch.setattr("etl.runs.ingest.data_file.LONGEST", 1 << 20)
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as out:
        for _ in range(64):
            out.write(bytes(1 << 20))
    (tmp_path / "bomb.jsonl.gz").write_bytes(packed.getvalue())
    ran = ingest(command, tmp_path / "bomb.jsonl.gz")
    assert ran.code == 1
    assert "line 1: longer than 1 MB" in ran.json["error"]
