"""Packed files, files that break off, folders, and what a path is taken for."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from notekin.errors import NoSuchSourceError, ReaderError, UsageError
from notekin.indexer.readers import FORMATS, open_source
from notekin.types import Note, Reject

CANARY = "Zyrianna Quexley"


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": lambda data: bz2.compress(data, 1),
    ".xz": lzma.compress,
    ".zst": zstd,
}


def split(found: Iterable[Note | Reject]) -> tuple[list[Note], list[Reject]]:
    rows = list(found)
    rejects = [row for row in rows if isinstance(row, Reject)]
    assert not any("Zyrianna" in f"{reject}" for reject in rejects)
    return [row for row in rows if isinstance(row, Note)], rejects


def lines(count: int) -> bytes:
    rows = ({"note_id": f"{n}", "text": f"{CANARY} {n * 7919 % 10007}"} for n in range(count))
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def table(count: int) -> bytes:
    rows = "".join(f"{n},{CANARY} {n * 7919 % 10007}\n" for n in range(count))
    return b"note_id,text\n" + rows.encode()


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize(
    ("name", "data"), [("n.csv", table(3)), ("n.jsonl", lines(3)), ("n.txt", b"one text")]
)
def test_a_packed_file_reads_as_its_content(
    tmp_path: Path, suffix: str, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / f"{name}{suffix}").write_bytes(PACK[suffix](data))
    packed, rejects = split(open_source(tmp_path / f"{name}{suffix}", source_name="s"))
    assert packed == split(open_source(tmp_path / name, source_name="s"))[0]
    assert packed
    assert not rejects


def test_a_packed_file_is_known_by_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    path.write_bytes(gzip.compress(lines(2)))
    assert len(split(open_source(path))[0]) == 2


@pytest.mark.parametrize("name", ["n.csv.gz", "n.jsonl.gz"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_of_a_file_cut_short_every_whole_row_is_given_and_the_rest_told_of(
    tmp_path: Path, name: str, share: float
) -> None:
    packed = gzip.compress((table if "csv" in name else lines)(20_000))
    cut = packed[: int(len(packed) * share)]
    whole = zlib.decompressobj(31).decompress(cut).count(b"\n") - ("csv" in name)
    path = tmp_path / name
    path.write_bytes(cut)
    notes, rejects = split(open_source(path, source_name="s"))
    assert [note.note_id for note in notes] == [str(number) for number in range(whole)]
    assert [reject.place for reject in rejects] == [f"line {whole + 1 + ('csv' in name)}"]
    assert "what follows were not read" in rejects[0].reason


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_a_packed_file_that_is_damaged_says_so(tmp_path: Path, suffix: str) -> None:
    data = bytearray(PACK[suffix](lines(20_000)))
    data[len(data) // 2 : len(data) // 2 + 50] = b"\0" * 50
    path = tmp_path / f"n.jsonl{suffix}"
    path.write_bytes(data)
    _, rejects = split(open_source(path))
    assert "damaged" in rejects[-1].reason


@pytest.mark.parametrize("suffix", [".bz2", ".xz", ".zst"])
def test_a_packed_file_of_any_kind_that_is_cut_short_says_so(tmp_path: Path, suffix: str) -> None:
    data = PACK[suffix](lines(20_000))[:-30]
    path = tmp_path / f"n.jsonl{suffix}"
    path.write_bytes(data)
    _, rejects = split(open_source(path))
    assert "damaged" in rejects[-1].reason


def test_a_packed_text_that_is_cut_short_is_rejected(tmp_path: Path) -> None:
    packed = gzip.compress(lines(100))
    (tmp_path / "a.txt.gz").write_bytes(packed[:-20])
    (tmp_path / "b.txt").write_text("whole")
    notes, rejects = split(open_source(tmp_path))
    assert [note.note_id for note in notes] == ["b"]
    assert [reject.place for reject in rejects] == ["file a.txt.gz"]


def test_a_header_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "n.csv.gz"
    path.write_bytes(gzip.compress(table(10))[:12])
    with pytest.raises(ReaderError, match="header line"):
        open_source(path)


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_a_text_s_id_is_its_path_in_the_folder_without_the_suffix(tmp_path: Path) -> None:
    names = ["b.txt", "a/note.v1.txt", "a/x.TXT", "c.txt.gz"]
    write(tmp_path, dict.fromkeys(names[:3], "words") | {"c.txt.gz": gzip.compress(b"words")})
    write(tmp_path, {".hidden.txt": "x", "_old/y.txt": "x", "read.me": "x"})
    source = open_source(tmp_path)
    notes, rejects = split(source)
    assert [note.note_id for note in notes] == ["a/note.v1", "a/x", "b", "c"]
    assert source.total == 4
    assert not rejects


def test_a_single_text_is_one_note_under_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, {"visit 1.txt": b"\xef\xbb\xbfwords\r\n"}) / "visit 1.txt"
    source = open_source(path)
    assert [(note.note_id, note.text) for note in split(source)[0]] == [("visit 1", "words\r\n")]
    assert source.total == 1


def test_texts_that_cannot_be_read_are_rejected_and_reading_goes_on(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a.txt": CANARY.encode() + b"\xff", "b.txt": "good", "c.txt": "é".encode("utf-16")},
    )
    (tmp_path / "d.txt").symlink_to(tmp_path / "nowhere")
    notes, rejects = split(open_source(tmp_path, source_name="s"))
    assert [(note.note_id, note.text) for note in notes] == [("b", "good"), ("c", "é")]
    assert [(reject.place, reject.reason) for reject in rejects] == [
        ("file a.txt", "it is not UTF-8"),
        ("file d.txt", "the file can't be opened, ends too early or is damaged"),
    ]


def test_two_texts_of_one_id_are_both_rejected(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "one", "a.txt.gz": gzip.compress(b"two"), "b.txt": "three"})
    notes, rejects = split(open_source(tmp_path))
    assert [note.note_id for note in notes] == ["b"]
    assert [reject.place for reject in rejects] == ["file a.txt", "file a.txt.gz"]


def test_a_file_name_that_is_no_text_is_rejected_and_shown_escaped(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.txt")
    try:
        Path(name).write_text("x")
    except OSError:
        pytest.skip("this file system takes no such names")
    _, rejects = split(open_source(tmp_path))
    assert [reject.place for reject in rejects] == ["file bad\\xff.txt"]


def test_parts_are_read_as_one_source_and_rejects_say_which(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"p0.csv": "note_id,text\n1,a\n", "p1.csv": "note_id,text\n2\n3,c\n", "p2.csv": ""},
    )
    source = open_source(tmp_path, source_name="s")
    notes, rejects = split(source)
    assert [note.note_id for note in notes] == ["1", "3"]
    assert [reject.place for reject in rejects] == ["file p1.csv, line 2"]
    assert source.total is None


def test_parts_that_name_patients_by_different_columns_are_refused(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a.csv": "note_id,text,mrn\n1,a,17\n", "b.csv": "note_id,text,patient_num\n2,b,17\n"},
    )
    with pytest.raises(ReaderError, match=r"a\.csv and b\.csv.*patient_id"):
        open_source(tmp_path)


def test_a_folder_of_several_formats_is_refused_until_one_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "note_id,text\n1,a\n", "b.txt": "b"})
    with pytest.raises(ReaderError, match=r"several formats \(csv, text\).*--format"):
        open_source(tmp_path)
    assert [note.text for note in split(open_source(tmp_path, format="csv"))[0]] == ["a"]
    assert [note.text for note in split(open_source(tmp_path, format="folder"))[0]] == ["b"]


def test_a_folder_with_nothing_to_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="holds no file that can be read"):
        open_source(tmp_path)
    write(tmp_path, {"a.csv": "note_id,text\n1,a\n"})
    with pytest.raises(ReaderError, match="holds no texts to read"):
        open_source(tmp_path, format="folder")


def test_of_a_retrieval_task_the_corpus_is_read_and_nothing_else(tmp_path: Path) -> None:
    corpus = {"_id": "d1", "title": "t", "text": "a", "metadata": {}}
    write(
        tmp_path,
        {
            "corpus.jsonl": json.dumps(corpus),
            "queries.jsonl": json.dumps({"_id": "q1", "text": "q"}),
            "qrels.tsv": "query-id\tcorpus-id\tscore\n",
            "more.jsonl": json.dumps({"note_id": "x", "text": "y"}),
        },
    )
    source = open_source(tmp_path)
    assert [note.note_id for note in split(source)[0]] == ["d1"]
    assert source.name == str((tmp_path / "corpus.jsonl").resolve())


def test_json_files_in_a_folder_are_read_however_they_are_laid_out(tmp_path: Path) -> None:
    rows = [{"id": "1", "text": "a"}]
    write(tmp_path, {"a.json": json.dumps(rows), "b.json": json.dumps({"id": "2", "text": "b"})})
    assert [note.note_id for note in split(open_source(tmp_path))[0]] == ["1", "2"]


def test_a_file_without_a_suffix_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    write(tmp_path, {"a": lines(1), "b": json.dumps([{"id": "1", "text": "a"}])})
    pq.write_table(pa.table({"id": ["1"], "text": ["a"]}), tmp_path / "c")
    for name in "abc":
        assert len(split(open_source(tmp_path / name))[0]) == 1


def test_a_file_of_unknown_kind_is_refused_with_what_is_known(tmp_path: Path) -> None:
    write(tmp_path, {"notes.xlsx": CANARY})
    with pytest.raises(ReaderError, match=r"\.csv, .*\.gz.*--format: csv, ") as caught:
        open_source(tmp_path / "notes.xlsx")
    assert "Zyrianna" not in str(caught.value)


def test_an_unknown_format_is_refused_with_all_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=", ".join(FORMATS)):
        open_source(tmp_path, format="excel")


def test_a_missing_path_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(NoSuchSourceError):
        open_source(tmp_path / "none.csv")


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ReaderError, match="neither a file nor a folder"):
        open_source(tmp_path / "pipe.csv")


@pytest.mark.parametrize("name", ["a.txt", "a.ndjson"])
def test_what_has_no_columns_takes_no_mapping_and_no_clinical_form(
    tmp_path: Path, name: str
) -> None:
    write(tmp_path, {name: json.dumps({"resourceType": "DocumentReference", "id": "1"})})
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(UsageError, match="no columns"):
            open_source(path, mapping={"text": "TEXT"})
    with pytest.raises(UsageError, match="no table"):
        open_source(tmp_path / name, format="omop")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "a"})
    with pytest.raises(UsageError, match="is a file"):
        open_source(tmp_path / "a.txt", format="folder")


def test_a_clinical_form_is_read_from_any_table_file(tmp_path: Path) -> None:
    columns = {"NOTE_ID": [1], "PERSON_ID": [2], "NOTE_TEXT": ["a"], "NOTE_DATE": ["2020-02-03"]}
    pq.write_table(pa.table(columns), tmp_path / "note.parquet")
    write(tmp_path, {"note.csv": "NOTE_ID,PERSON_ID,NOTE_TEXT,NOTE_DATE\n1,2,a,2020-02-03\n"})
    options = {"format": "omop", "source_name": "s"}
    from_parquet = list(open_source(tmp_path / "note.parquet", **options))  # type: ignore[arg-type]
    from_csv = list(open_source(tmp_path / "note.csv", **options))  # type: ignore[arg-type]
    assert from_parquet == from_csv
    assert isinstance(from_csv[0], Note)
    assert from_csv[0].patient_id == "2"
