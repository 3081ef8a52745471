"""A backup is a whole store of one generation; restoring gives it back."""

import stat
import threading
from pathlib import Path

import pytest

from notekin import api
from notekin.errors import DamagedStoreError, StoreError, UsageError
from notekin.storage import backup
from notekin.storage.store import StoreFolder
from tests.support.make_golden import ENCODER, answers, make
from tests.support.notes import commit, note, store_of


@pytest.fixture
def made(tmp_path: Path) -> Path:
    make(tmp_path / "made")
    return tmp_path / "made/store"


def test_a_restored_backup_answers_as_the_store_did(made: Path, tmp_path: Path) -> None:
    with api.open(made, encoder=ENCODER) as store:
        assert store.backup(tmp_path / "backup") == 2
    to, generation = api.restore(tmp_path / "backup", tmp_path / "again")
    assert (to, generation) == (tmp_path / "again", 2)
    assert answers(StoreFolder.open(to)) == answers(StoreFolder.open(made))
    with api.open(to, encoder=ENCODER) as store:
        assert store.verify(deep=True).whole


def test_a_backup_is_private_and_shares_no_file(made: Path, tmp_path: Path) -> None:
    with api.open(made, encoder=ENCODER) as store:
        store.backup(tmp_path / "backup")
    for entry in [tmp_path / "backup", *(tmp_path / "backup").rglob("*")]:
        assert stat.S_IMODE(entry.stat().st_mode) & 0o077 == 0
        assert not entry.is_symlink()
        assert entry.is_dir() or entry.stat().st_nlink == 1


def test_a_folder_that_holds_something_is_left_alone(made: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.docx").touch()
    with api.open(made, encoder=ENCODER) as store, pytest.raises(UsageError):
        store.backup(tmp_path / "full")
    with pytest.raises(UsageError):
        api.restore(made, tmp_path / "full")
    assert [entry.name for entry in (tmp_path / "full").iterdir()] == ["thesis.docx"]


def test_a_damaged_store_is_not_taken_for_a_backup(made: Path, tmp_path: Path) -> None:
    file = sorted(made.glob("segments/*/passages.faiss"))[0]
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with api.open(made, encoder=ENCODER) as store, pytest.raises(DamagedStoreError):
        store.backup(tmp_path / "backup")
    assert not [entry for entry in tmp_path.iterdir() if "backup" in entry.name]


def test_a_full_disk_leaves_no_half_a_backup(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "copy_file", full)
    with api.open(made, encoder=ENCODER) as store, pytest.raises(StoreError, match="No space"):
        store.backup(tmp_path / "backup")
    assert not [entry for entry in tmp_path.iterdir() if "backup" in entry.name]


def test_a_backup_while_a_writer_works_is_of_one_generation(tmp_path: Path) -> None:
    folder = store_of(tmp_path / "store", ENCODER, note("n0", "fever"))
    done = threading.Event()

    def write() -> None:
        mine = StoreFolder.open(tmp_path / "store")
        for number in range(1, 15):
            commit(mine, ENCODER, note(f"n{number}", f"fever {number}"))
        mine.close()
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    generations: list[int] = []
    while not done.is_set():
        to = tmp_path / f"backup{len(generations)}"
        generations.append(backup.copy_store(folder, to))
        copy = StoreFolder.open(to)
        snapshot = copy.snapshot()
        count = snapshot.count().notes
        assert 1 <= count <= generations[-1] == snapshot.generation
        assert all(snapshot.find(f"n{number}") for number in range(count))
        copy.close()
    writer.join()
    assert generations == sorted(generations)
    assert generations
