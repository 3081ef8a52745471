"""Does operations in forked children and injects faults into them; one request a line.

    python -m tests.support.fault_worker

It loads everything once and runs one thread, so that a child costs a fork and not an import.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

import notekin.storage.migrations  # noqa: F401 - what a child would load again and again
from notekin.errors import NotekinError
from notekin.storage.location import ServerUrl
from notekin.storage.store import StoreFolder
from tests.support.operations import OPERATIONS, make_all_small
from tests.support.power_cut import Disk, fingerprint, lay_out
from tests.support.tracing import NOTES_FD, Child, Step

DONE = "done"
"""What a child notes once the operation has returned: from here on it has to be durable."""
_TAKES_ROOM = {"write", "create", "make folder", "truncate", "link"}
_CHANGES = _TAKES_ROOM | {"remove", "rename", "mode"}


class Fault(Enum):
    """What is done to a child; ``NONE`` doesn't even look at its steps, and is quicker."""

    NONE = "none"
    WATCH = "watch"
    KILL = "kill"
    HALVE = "halve"
    FULL = "full"
    SYNC = "sync"
    READ_ONLY = "read only"
    POWER = "power"


def serve() -> None:
    """Answer requests until there are no more."""
    make_all_small()
    event.listen(Pool, "connect", _note_statements)
    for request in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(request))) + "\n")
        sys.stdout.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run one operation with one fault; say which steps it took and how it ended."""
    store, fault, at = Path(request["store"]), Fault(request["fault"]), request["at"]
    reading, writing = os.pipe()
    if fault is Fault.NONE:
        return _unwatched(request, reading, writing)
    child = Child(lambda: _work(request, reading, writing), store)
    os.close(writing)
    steps: list[Step] = []
    cuts = _Cuts(store, Path(request["images"])) if fault is Fault.POWER else None
    for step in child.steps():
        steps.append(step)
        if cuts:
            cuts.before(step, len(steps) - 1, child)
        _inject(child, fault, step, len(steps) - 1, at)
    with os.fdopen(reading) as told:
        said = told.read()
    return {
        "steps": [asdict(step) for step in steps],
        "killed": child.status is not None and os.WIFSIGNALED(child.status),
        "said": json.loads(said) if said else None,
        "images": cuts.finish(len(steps)) if cuts else [],
    }


def _unwatched(request: dict[str, Any], reading: int, writing: int) -> dict[str, Any]:
    pid = os.fork()
    if not pid:
        try:
            _work(request, reading, writing)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status)
    return {"steps": [], "killed": killed, "said": json.loads(said), "images": []}


def _inject(child: Child, fault: Fault, step: Step, number: int, at: int) -> None:
    """Do what the fault asks for at this step."""
    if fault is Fault.KILL and number == at:
        child.kill()
    elif fault is Fault.HALVE and number == at:
        child.halve()
    elif fault is Fault.SYNC and number == at:
        child.fail(errno.EIO)
    elif fault is Fault.FULL and number >= at and step.kind in _TAKES_ROOM:
        child.fail(errno.ENOSPC)
    elif fault is Fault.READ_ONLY and step.kind in _CHANGES:
        child.fail(errno.EROFS)


class _Cuts:
    """Lays out what a power cut would leave at each step, each state once."""

    def __init__(self, store: Path, to: Path) -> None:
        self._disk = Disk(store)
        self._to = to
        self._done = False
        self._seen: dict[tuple[str, bool], int] = {}
        self._images: list[dict[str, Any]] = []

    def before(self, step: Step, number: int, child: Child) -> None:
        """Take the states before a step, and what the step makes durable."""
        self._take(number)
        if step.kind == "sync":
            self._disk.sync(child.opened())
        self._done = self._done or step == Step("sql", DONE)

    def finish(self, number: int) -> list[dict[str, Any]]:
        """Take the states after the last step; return all of them."""
        self._take(number)
        self._disk.close()
        return self._images

    def _take(self, number: int) -> None:
        for files in (self._disk.after_cut(), self._disk.after_cut_with_names()):
            key = (fingerprint(files), self._done)
            if key not in self._seen:
                self._seen[key] = number
                folder = self._to / f"{len(self._images)}"
                lay_out(files, folder)
                image = {"folder": str(folder), "step": number, "done": self._done}
                self._images.append(image)


def _work(request: dict[str, Any], reading: int, writing: int) -> None:
    """Be the child: do the operation, and tell how it ended."""
    os.close(reading)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, NOTES_FD):
        os.dup2(nowhere, descriptor)
    said: dict[str, Any] = {}
    try:
        server = ServerUrl.parse(request["url"]) if request["url"] else None
        folder = StoreFolder.open(Path(request["store"]), server)
        OPERATIONS[request["operation"]].run(folder)
        os.write(NOTES_FD, DONE.encode())
        folder.close()
    except NotekinError as error:
        said["error"] = str(error)
    except BaseException:  # noqa: BLE001 - whatever it is, the test shows it
        said["untidy"] = traceback.format_exc()
    os.write(writing, json.dumps(said).encode())


def _note_statements(connection: Any, _record: Any) -> None:
    if hasattr(connection, "set_trace_callback"):
        connection.set_trace_callback(_note_statement)


def _note_statement(statement: str) -> None:
    if _is_open(NOTES_FD):
        os.write(NOTES_FD, " ".join(statement.split()[:3])[:40].encode())


def _is_open(descriptor: int) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").exists()


if __name__ == "__main__":
    serve()
