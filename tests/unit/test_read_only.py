"""A store where nothing can be written: searched where that is safe, and else one clear line.

Each test mounts in a name space of its own; where that is not allowed, they are left out.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from notekin.storage.backup import copy_store
from notekin.storage.frozen import nobody_writes
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
ROOT = Path(__file__).parents[2]
ALONE = ["unshare", "--map-root-user", "--mount"]
READ_ONLY_AS_A_WHOLE = (
    'mount -t tmpfs none "$1" && cp -a "$2" "$1/store" && mount -o remount,ro "$1"'
)
READ_ONLY_THIS_WAY = (
    'mount --bind "$(dirname "$2")" "$1" && mount -o remount,bind,ro "$1" && '
    '[ "$(basename "$2")" = store ]'
)
ASK = """
import json, os, subprocess, sys
from pathlib import Path
from notekin.errors import StoreError
from notekin.search.finding import Finder
from notekin.search.mode import Mode
from notekin.search.request import Request
from notekin.storage.store import StoreFolder
from tests.support.notes import commit, note
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
path, elsewhere = Path(sys.argv[1]) / "store", Path(sys.argv[2])

def ask(folder):
    snapshot = folder.snapshot()
    hits = Finder(snapshot, ENCODER).search("fever", Request(9, mode=Mode.LEXICAL))
    return sorted(hit.note_id for hit in hits)

def say(ask):
    try:
        print(json.dumps(ask()))
    except StoreError as error:
        print(json.dumps(str(error)))

def opened():
    folder = StoreFolder.open(path)
    return ask(folder)

"""


def run(mount: str, at: Path, store: Path, program: str) -> list[Any]:
    """Run a program in a name space with a mount of its own; return what it said, line by line."""
    at.mkdir(exist_ok=True)
    script = f'{mount} && exec "$3" -c "$4" "$1" "$2"'
    done = subprocess.run(
        [*ALONE, "sh", "-ec", script, "sh", at, store, sys.executable, ASK + program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module", autouse=True)
def may_mount(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("mount")
    command = [*ALONE, "mount", "-t", "tmpfs", "none", str(folder)]
    if shutil.which("unshare") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("this system lets no test mount anything")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = store_of(tmp_path / "kept/store", ENCODER, note("n1", "fever"), note("n2", "cough"))
    commit(folder, ENCODER, note("n3", "fever and rash"))
    folder.close()
    assert not (folder.path / "catalog.sqlite-wal").exists()
    return folder.path


@pytest.fixture
def at(tmp_path: Path) -> Path:
    return tmp_path / "mounted"


def test_a_store_on_a_read_only_file_system_is_searched(store: Path, at: Path) -> None:
    assert run(READ_ONLY_AS_A_WHOLE, at, store, "say(opened)") == [["n1", "n3"]]


def test_a_store_that_another_way_leads_to_is_not_searched_without_locks(
    store: Path, at: Path
) -> None:
    (said,) = run(READ_ONLY_THIS_WAY, at, store, "say(opened)")
    assert "notekin backup" in said
    assert "folder writable" in said
    assert "\n" not in said


def test_a_backup_is_searched_wherever_it_can_be_read(store: Path, at: Path) -> None:
    from notekin.storage.store import StoreFolder

    copy = store.parents[1] / "copied/store"
    copy_store(StoreFolder.open(store), copy)
    before = sorted(path.name for path in copy.iterdir())
    for mount in (READ_ONLY_THIS_WAY, READ_ONLY_AS_A_WHOLE):
        assert run(mount, at, copy, "say(opened)") == [["n1", "n3"]]
    assert sorted(path.name for path in copy.iterdir()) == before


def test_commits_through_another_way_are_seen_while_a_writer_has_the_store_open(
    store: Path, at: Path
) -> None:
    program = """
with StoreFolder.open(elsewhere).catalog.engine.connect() as held:
    held.exec_driver_sql("SELECT count(*) FROM notes")
    say(opened)
    reader = StoreFolder.open(path)
    commit(StoreFolder.open(elsewhere), ENCODER, note("n4", "fever again"))
    say(lambda: ask(reader))
"""
    found = run(READ_ONLY_THIS_WAY, at, store, program)
    assert found == [["n1", "n3"], ["n1", "n3", "n4"]]


@pytest.mark.parametrize("with_index", [True, False])
def test_what_only_the_log_holds_is_never_left_out(store: Path, at: Path, with_index: bool) -> None:
    killed = f"""
import os
from pathlib import Path
from notekin.storage.store import StoreFolder
from tests.support.notes import commit, note
from tests.support.words import WordEncoder
folder = StoreFolder.open(Path({str(store)!r}))
commit(folder, WordEncoder(), note("n4", "fever again"))
os._exit(0)
"""
    subprocess.run(
        [sys.executable, "-c", killed], cwd=ROOT, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert (store / "catalog.sqlite-wal").stat().st_size
    if not with_index:
        (store / "catalog.sqlite-shm").unlink()
    (said,) = run(READ_ONLY_AS_A_WHOLE, at, store, "say(opened)")
    assert said == ["n1", "n3", "n4"] or "notekin backup" in said


@pytest.mark.parametrize("back", [False, True])
def test_a_file_system_that_can_be_written_to_after_all_ends_the_reading(
    store: Path, at: Path, back: bool
) -> None:
    program = f"""
remount = ["mount", "-o", "remount,rw", sys.argv[1]]
writing = (
    "from pathlib import Path; from notekin.storage.store import StoreFolder; "
    "from tests.support.notes import commit, note; from tests.support.words import WordEncoder; "
    f"folder = StoreFolder.open(Path({{str(path)!r}})); "
    "commit(folder, WordEncoder(), note('n4', 'fever again')); folder.close()"
)
reader = StoreFolder.open(path)
say(lambda: ask(reader))
subprocess.run(remount, check=True)
if {back}:
    subprocess.run([sys.executable, "-c", writing], check=True)
    remount[2] = "remount,ro"
    subprocess.run(remount, check=True)
say(lambda: ask(reader))
say(opened)
"""
    first, second, third = run(READ_ONLY_AS_A_WHOLE, at, store, program)
    assert first == ["n1", "n3"]
    assert "Open the store again" in second
    assert third == (["n1", "n3", "n4"] if back else ["n1", "n3"])


def test_writing_to_a_read_only_store_is_refused_in_one_line(store: Path, at: Path) -> None:
    program = 'say(lambda: commit(StoreFolder.open(path), ENCODER, note("n4", "fever")))'
    (said,) = run(READ_ONLY_AS_A_WHOLE, at, store, program)
    assert "can't be written" in said


MOUNT = "63 43 0:39 / /media ro,relatime shared:1 - {kind} none {options}"


@pytest.mark.parametrize(
    ("kind", "options", "device", "expected"),
    [
        ("ext4", "ro,discard", "0:39", True),
        ("iso9660", "ro", "0:39", True),
        ("ext4", "rw,discard", "0:39", False),
        ("nfs4", "ro", "0:39", False),
        ("fuse.sshfs", "ro", "0:39", False),
        ("overlay", "ro,lowerdir=/a", "0:39", False),
        ("ext4", "errors=remount-ro", "0:39", False),
        ("ext4", "ro", "0:40", False),
    ],
)
def test_only_a_file_system_of_this_machine_alone_and_read_only_as_a_whole_counts(
    kind: str, options: str, device: str, expected: bool
) -> None:
    assert nobody_writes(device, [MOUNT.format(kind=kind, options=options)]) is expected
