"""Asks a fault worker to run operations on stores, with faults in them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.fault_worker import Fault
from tests.support.operations import HIDDEN
from tests.support.tracing import Step

ALL = os.environ.get("NOTEKIN_FAULTS") == "all"
"""Whether to inject at every step, not a sample."""
ROOT = Path(__file__).parents[2]
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, slots=True)
class Image:
    """A folder as a power cut left it.

    Attributes:
        step: The number of the step before which the power went.
        done: Whether the operation had returned by then.
    """

    folder: Path
    step: int
    done: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation ended.

    Attributes:
        steps: Those that it began.
        killed: Whether it was.
        error: The message of our own error, where it ended with one.
        untidy: The traceback of any other.
        images: Where the power was to be cut, what that left at each step, each state once.
    """

    steps: list[Step]
    killed: bool
    error: str | None
    untidy: str | None
    images: list[Image]


class FaultWorker:
    """A process that has loaded all that the operations need."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(
        self,
        operation: str,
        store: Path,
        fault: Fault = Fault.NONE,
        at: int = 0,
        *,
        images: Path | None = None,
        url: str = "",
    ) -> Outcome:
        """Run an operation on a store; a fault happens at the step of a number, or from there."""
        request = {"operation": operation, "store": str(store), "fault": fault.value, "at": at}
        request |= {"images": str(images), "url": url}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        said = answer["said"] or {}
        return Outcome(
            [Step(**step) for step in answer["steps"]],
            answer["killed"],
            said.get("error"),
            said.get("untidy"),
            [Image(Path(one["folder"]), one["step"], one["done"]) for one in answer["images"]],
        )


@contextmanager
def fault_worker() -> Iterator[FaultWorker]:
    """Start a worker and stop it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.fault_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | _ONE_THREAD,
    )
    try:
        yield FaultWorker(process)
    finally:
        process.kill()
        process.wait()


def chosen(steps: Sequence[Step], kinds: Sequence[str] = ()) -> list[int]:
    """Return where to inject: everywhere, or a step of each kind, and every sync of the log."""
    fit = [at for at, step in enumerate(steps) if not kinds or step.kind in kinds]
    if ALL:
        return fit
    dice = random.Random(11)  # noqa: S311 - not for secrets
    alike: dict[tuple[str, str], list[int]] = {}
    for at in fit:
        place = steps[at].file.split("/")[0] if steps[at].kind == "sync" else ""
        if place.endswith("-wal"):
            place = str(at)  # which of them ends a commit, only the harness's results tell
        alike.setdefault((steps[at].kind, place), []).append(at)
    return sorted(dice.choice(places) for places in alike.values())


@contextmanager
def at_step(number: int, steps: Sequence[Step]) -> Iterator[None]:
    """Let what fails say at which step the fault was."""
    try:
        yield
    except Exception as error:
        error.add_note(f"the fault was at step {number} of {len(steps)}: {steps[number]}")
        raise


def tidy(outcome: Outcome) -> None:
    """See that an operation that met a fault ended as ours do: at most with one line."""
    assert outcome.untidy is None, outcome.untidy
    assert not outcome.killed
    said = outcome.error or ""
    assert "\n" not in said
    assert not any(word in said for word in HIDDEN.split())
