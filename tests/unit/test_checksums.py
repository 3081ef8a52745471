"""Any byte of a stored note that changes is seen by its checksum."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notekin.errors import DamagedStoreError
from notekin.storage.checksums import FACTS, Seal
from notekin.storage.store import StoreFolder
from tests.support.make_golden import ENCODER
from tests.support.notes import note, store_of

SEAL = Seal("a store")
ROW: dict[str, Any] = dict.fromkeys(FACTS, "text") | {"note_key": 1, "digest": b"\1" * 32}


@given(st.binary(min_size=1), st.data())
def test_any_flipped_bit_of_a_text_is_seen(text: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    other = text[:at] + bytes([text[at] ^ bit]) + text[at + 1 :]
    checksum = SEAL.of(ROW, text, [(0, 4, 1)])
    assert SEAL.holds_text(checksum, 1, text)
    assert not SEAL.holds_text(checksum, 1, other)
    assert not SEAL.holds_text(checksum, 2, text)
    assert not Seal("another").holds_text(checksum, 1, text)


@given(st.sampled_from(FACTS), st.none() | st.text() | st.integers() | st.binary())
def test_any_changed_fact_is_seen(name: str, value: object) -> None:
    checksum = SEAL.of(ROW, b"", [])
    assert SEAL.holds_facts(checksum, ROW)
    assert SEAL.holds_facts(checksum, ROW | {name: value}) == (ROW[name] == value)


@given(st.lists(st.tuples(st.integers(), st.integers(), st.integers())))
def test_any_changed_passage_is_seen(passages: list[tuple[int, int, int]]) -> None:
    checksum = SEAL.of(ROW, b"", passages)
    assert SEAL.holds_passages(checksum, 1, passages)
    assert not SEAL.holds_passages(checksum, 1, [*passages, (0, 1, 1)])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE notes SET patient_id = 'p2'",
        "UPDATE notes SET checksum = x''",
        "UPDATE notes SET born = 0",
        "UPDATE note_texts SET text = x'41'",
        "UPDATE passages SET start = 1",
        "DELETE FROM passages",
        "DELETE FROM note_texts",
    ],
)
def test_a_changed_row_is_refused_when_it_is_read(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "store"
    store_of(path, ENCODER, note("n1", "fever", patient="p1")).close()
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute(statement)
    folder = StoreFolder.open(path)
    snapshot = folder.snapshot()
    with pytest.raises(DamagedStoreError, match=r"catalog\.sqlite.*notekin verify"):
        read_all(snapshot)
    folder.close()


def read_all(snapshot: Any) -> None:
    found = snapshot.find("n1")
    snapshot.text(found.note_key)
    snapshot.passages(found.note_key)
