"""Whatever the notes say, they come out of every form to the letter."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.errors import NotekinError
from notekin.indexer.readers import open_source
from notekin.indexer.readers.attributes import read_cell_text
from notekin.indexer.readers.cells import NOTHING
from notekin.types import Note, Reject

Rows = Sequence[tuple[str, str]]

CANARY = "Zyrianna Quexley"

id_texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1).filter(
    lambda text: text == text.strip() and text.casefold() not in NOTHING
)
note_texts = st.text(st.characters(codec="utf-8"))
rows_of = st.lists(st.tuples(id_texts, note_texts), max_size=6)


def as_table(rows: Rows) -> pa.Table:
    ids, texts = [row[0] for row in rows], [row[1] for row in rows]
    return pa.table({"note_id": pa.array(ids, pa.string()), "text": pa.array(texts, pa.string())})


def as_csv(rows: Rows, path: Path, line_end: str = "\r\n") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator=line_end).writerows([("note_id", "text"), *rows])
    return path


def as_lines(rows: Rows, path: Path) -> Path:
    text = "\n".join(
        json.dumps({"note_id": note_id, "text": text}, ensure_ascii=False) for note_id, text in rows
    )
    path.write_bytes(text.encode())
    return path


def as_list(rows: Rows, path: Path) -> Path:
    path.write_bytes(json.dumps([{"note_id": key, "text": text} for key, text in rows]).encode())
    return path


def as_parquet(rows: Rows, path: Path) -> Path:
    pq.write_table(as_table(rows), path)
    return path


FORMS: dict[str, Callable[[Rows, Path], Any]] = {
    "csv": lambda rows, folder: as_csv(rows, folder / "n.csv"),
    "csv of unix": lambda rows, folder: as_csv(rows, folder / "n.csv", "\n"),
    "json lines": lambda rows, folder: as_lines(rows, folder / "n.jsonl"),
    "json list": lambda rows, folder: as_list(rows, folder / "n.json"),
    "parquet": lambda rows, folder: as_parquet(rows, folder / "n.parquet"),
    "arrow": lambda rows, _: as_table(rows),
    "pandas": lambda rows, _: pd.DataFrame(rows, columns=["note_id", "text"], dtype=object),
}


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None)
@given(rows=rows_of)
def test_every_note_comes_out_to_the_letter(form: str, rows: Rows) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = list(open_source(FORMS[form](rows, Path(folder))))
    assert [(read.note_id, read.text) for read in found if isinstance(read, Note)] == list(rows)
    assert len(found) == len(rows)


@settings(deadline=None)
@given(texts=st.lists(note_texts, min_size=1, max_size=5))
def test_every_text_file_comes_out_to_the_letter(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(texts):
            Path(folder, f"{number}.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
        found = list(open_source(folder))
    assert [read.text for read in found if isinstance(read, Note)] == texts


@settings(deadline=None)
@given(text=st.text(), note_id=st.text())
def test_a_json_line_gives_its_note_or_says_why_not(text: str, note_id: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "n.jsonl")
        path.write_text(json.dumps({"note_id": note_id, "text": text}))
        (read,) = open_source(path)
    if isinstance(read, Note):
        assert (read.note_id, read.text) == (note_id.strip(), text)
        return
    bare = note_id.strip()
    categories = {unicodedata.category(char) for char in bare}
    assert bare.casefold() in NOTHING or categories & {"Cc", "Cs"}


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(id_texts, note_texts), min_size=1, max_size=4),
    at=st.integers(0, 400),
    damage=st.sampled_from([b'"', b"\xff", b"\n", b",", b"\0", b"\r", b"{", b"\\"]),
    form=st.sampled_from(["csv", "json lines", "json list"]),
)
def test_a_damaged_file_never_shows_what_it_says(
    rows: Rows, at: int, damage: bytes, form: str
) -> None:
    rows = [(note_id, f"{CANARY} {text}") for note_id, text in rows]
    with tempfile.TemporaryDirectory() as folder:
        path: Path = FORMS[form](rows, Path(folder))
        data = path.read_bytes()
        path.write_bytes(data[: at % len(data)] + damage + data[at % len(data) :])
        said = io.StringIO()
        try:
            for read in open_source(path):
                if isinstance(read, Reject):
                    said.write(f"{read}\n")
        except NotekinError as error:
            said.write(f"{error!r} {error.__context__!r}")
    assert "Zyrianna" not in said.getvalue()
    assert "Quexley" not in said.getvalue()


@settings(deadline=None)
@given(st.integers() | st.floats(allow_nan=False) | st.booleans() | st.text())
def test_a_text_cell_never_loses_what_it_spells(value: object) -> None:
    spelled = str(value)
    read = read_cell_text(spelled)
    if isinstance(read, bool):
        assert str(read).casefold() == spelled.casefold()
    elif isinstance(read, int | float):
        assert str(read) == spelled
