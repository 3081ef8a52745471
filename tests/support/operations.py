"""What the fault harness does to a store: the store it begins with, and each operation.

Every operation has its twin on the plain store, which says what must be there afterwards.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType

from notekin.indexer import pipeline
from notekin.storage import ann, compaction, index_choice
from notekin.storage.deleting import Condemned
from notekin.storage.index_choice import IndexChoice
from notekin.storage.location import ServerUrl
from notekin.storage.oracle import OracleStore
from notekin.storage.repairing import repair
from notekin.storage.store import StoreFolder, Writer
from notekin.types import Note, Reject
from tests.support.bytes import traces
from tests.support.notes import Given, encoded, note
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)
QUERY = "fever and cough"
WAIT_S = 30.0
"""For the lock of a writer that was killed, which a server takes a moment to free."""
HIDDEN = "Quackenbush zebulonitis xylophonic kindless qwertzuiop asdfghjkl yxcvbnmoid"
TRACES = traces(ENCODER, HIDDEN, "note-id-4711", "patient-id-0815")
"""What the store that the operations begin with holds of a note that is deleted."""
_COMMITS = 7
_HIDDEN_KEY = 8
_PASSAGES_A_SEGMENT = 60


def make_all_small(set_to: Callable[[ModuleType, str, object], None] = setattr) -> None:
    """Let a few notes be enough for approximate indexes and for merges into several segments."""
    set_to(index_choice, "ASKED_FLOOR", 10)
    set_to(ann, "ENOUGH_RECALL", 0.0)
    set_to(compaction, "LARGEST_BYTES", _PASSAGES_A_SEGMENT * 4 * ENCODER.dim)


def seed(path: Path, server: ServerUrl | None = None) -> OracleStore:
    """Make a store one commit short of a merge, with dead notes; return what it holds."""
    oracle = OracleStore()
    folder = StoreFolder.open_or_create(
        path, ENCODER.fingerprint, server=server, index=IndexChoice.IVF
    )
    with folder.write() as writer:
        for number in range(_COMMITS):
            notes = [*_ward(number), *([_hidden()] if number == 1 else [])]
            oracle.commit(encoded(ENCODER, notes))
            writer.commit(encoded(ENCODER, notes))
        oracle.delete(HIDDEN_ONE)
        writer.delete(HIDDEN_ONE)
    folder.close()
    return oracle


HIDDEN_ONE = Condemned.of(["note-id-4711"], [])
CONDEMNED = Condemned.of(["n2-1"], ["p1"])


def _ward(number: int) -> list[Note]:
    """Return the notes of one commit: each replaces one of the commit before."""
    again = [_note(f"n{number - 1}-0", f"again {number}")] if number else []
    return again + [_note(f"n{number}-{place}", f"ward {number}") for place in range(3)]


def _note(name: str, words: str) -> Note:
    text = f"{QUERY} {words} rash pain fall {name} stroke night walk arm itch {words} home"
    place = sum(map(ord, name))
    return note(name, text, patient=f"p{place % 5}", category=["a", "b", None][place % 3])


def _hidden() -> Note:
    return note("note-id-4711", HIDDEN, patient="patient-id-0815", attributes={"a": "zebulonitis"})


INCOMING = [_note("n3-1", "changed"), *(_note(f"new-{at}", "new") for at in range(3))]
REJECTED = Reject("s", "row 7", "no text")


def _index(folder: StoreFolder) -> None:
    with folder.write(WAIT_S) as writer:
        source = Given([_note("n5-2", "ward 5"), REJECTED, *INCOMING])
        pipeline.index([source], ENCODER, writer, lambda *_: None)


def _repair(folder: StoreFolder) -> None:
    with folder.write(WAIT_S):
        pass  # repair itself does not wait
    repair(folder, ENCODER.encode_notes, datetime(2020, 1, 1))


def _damage(path: Path) -> None:
    """Flip a byte of one segment, and take a file from another."""
    flipped, missing = sorted(path.glob("segments/*"))[:2]
    (missing / "notes.faiss").unlink()
    with (flipped / "passages.faiss").open("r+b") as file:
        file.seek(200)
        byte = file.read(1)[0]
        file.seek(200)
        file.write(bytes([byte ^ 1]))


def _leave_in_log(path: Path) -> None:
    """Let SQLite's log hold what is to be purged, as that of a store in use does."""
    catalog, log = path / "catalog.sqlite", path / "catalog.sqlite-wal"
    if not catalog.exists():
        return  # it is on a server
    connection = sqlite3.connect(catalog)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    for text in (b"", HIDDEN.encode()):
        query = "UPDATE note_texts SET text = ? WHERE note_key = ?"
        connection.execute(query, (text, _HIDDEN_KEY))
    connection.commit()
    held = {file: file.read_bytes() for file in (catalog, log)}
    connection.close()  # which would empty the log
    for file, content in held.items():
        file.write_bytes(content)
        file.chmod(0o600)
    assert HIDDEN.encode() in log.read_bytes()


def _writing(work: Callable[[Writer], object]) -> Callable[[StoreFolder], None]:
    def run(folder: StoreFolder) -> None:
        with folder.write(WAIT_S) as writer:
            work(writer)

    return run


@dataclass(frozen=True, slots=True)
class Operation:
    """Something done to a store, and its twin on the plain one.

    Attributes:
        run: On the open store.
        plain: On the store in dicts; nothing where no answer changes.
        prepare: What is done to the folder before.
    """

    run: Callable[[StoreFolder], None]
    plain: Callable[[OracleStore], object] = lambda _oracle: None
    prepare: Callable[[Path], None] = lambda _path: None


OPERATIONS = {
    "index": Operation(_index, lambda oracle: oracle.commit(encoded(ENCODER, INCOMING))),
    "delete": Operation(
        _writing(lambda writer: writer.delete(CONDEMNED)), lambda oracle: oracle.delete(CONDEMNED)
    ),
    "compact": Operation(_writing(Writer.compact)),
    "purge": Operation(
        _writing(lambda writer: writer.purge(readers_wait_s=1.0)), prepare=_leave_in_log
    ),
    "repair": Operation(_repair, prepare=_damage),
    "migrate": Operation(_writing(lambda writer: None)),
}
"""By the name of the command; a store is migrated when it is opened, and tidied by a writer."""
