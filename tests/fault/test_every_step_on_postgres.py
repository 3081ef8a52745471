"""A writer killed at any step leaves the store as before or as after, its catalog on a server.

As tests/fault/test_every_step.py; the steps are those on the shared folder and the messages
to the server. Each fault meets a copy of one database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from notekin.storage.location import ServerUrl
from notekin.storage.oracle import OracleStore
from notekin.storage.store import StoreFolder
from tests.support.cases import Case
from tests.support.fault_worker import Fault
from tests.support.faults import FaultWorker, Outcome, at_step, chosen, fault_worker, tidy
from tests.support.operations import OPERATIONS, make_all_small, seed
from tests.support.postgres import TestServer, postgres

__all__ = ["postgres"]
SEED, COPY = "seed", "met_a_fault"
TRIES = 5
"""The number of messages to a server varies a little; a fault is tried until it is met."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the seed store's catalog is, and where a copy of it is put."""

    server: TestServer
    path: Path
    oracle: OracleStore

    def url(self, database: str) -> str:
        return self.server.schema_url("notekin").replace("/postgres?", f"/{database}?")

    def copied(self) -> str:
        """Copy the database afresh; return the URL of the copy."""
        self.server.run(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")
        self.server.run(f"CREATE DATABASE {COPY} TEMPLATE {SEED}")
        return self.url(COPY)


@pytest.fixture(scope="module")
def worker() -> Iterator[FaultWorker]:
    with fault_worker() as started:
        yield started


@pytest.fixture(scope="module")
def place(postgres: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Place:
    path = tmp_path_factory.mktemp("seeded") / "store"
    postgres.run(f"CREATE DATABASE {SEED}")
    url = postgres.schema_url("notekin").replace("/postgres?", f"/{SEED}?")
    with pytest.MonkeyPatch.context() as patched:
        make_all_small(patched.setattr)
        return Place(postgres, path, seed(path, ServerUrl.parse(url)))


def generation_of(path: Path, url: str) -> int:
    folder = StoreFolder.open(path, ServerUrl.parse(url))
    generation = folder.generation()
    folder.close()
    return generation


def until_met(
    meet: Callable[[int], Outcome], at: int, kind: str, see_whole: Callable[[], None]
) -> Outcome:
    """Run an operation until the fault at a step is met.

    A run may end before that step; then it must be whole, and the fault moves up to the last
    step of its kind that the run took.
    """
    for _ in range(TRIES):
        outcome = meet(at)
        if len(outcome.steps) > at:
            return outcome
        see_whole()
        at = max(place for place, step in enumerate(outcome.steps) if step.kind == kind)
    raise AssertionError(f"the fault was never met in {TRIES} runs")


@pytest.mark.parametrize("fault", [Fault.KILL, Fault.FULL])
@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "migrate"])
def test_a_fault_at_any_step_leaves_it_as_before_or_as_after(
    operation: str,
    fault: Fault,
    place: Place,
    worker: FaultWorker,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    url = place.copied()
    server = ServerUrl.parse(url)
    first = generation_of(place.path, url)
    path = Case(operation, place.path, place.oracle, first, first).copy(tmp_path / "store")
    clean = worker.run(operation, path, Fault.WATCH, url=url)
    assert (clean.error, clean.untidy) == (None, None)
    case = Case(operation, place.path, place.oracle, first, generation_of(path, url))
    assert "message" in {step.kind for step in clean.steps}
    takes_room = ["write", "create", "make folder", "truncate"]
    places = chosen(clean.steps, takes_room if fault is Fault.FULL else ())

    def meet(number: int) -> Outcome:
        place.copied()
        return worker.run(operation, case.copy(path), fault, number, url=url)

    for at in places:
        with at_step(at, clean.steps):
            met = until_met(meet, at, clean.steps[at].kind, lambda: case.is_after(path, server))
            assert met.killed if fault is Fault.KILL else not met.killed
            if fault is Fault.FULL:
                tidy(met)
            case.is_before_or_after(path, server)
            again = worker.run(operation, path, url=url)
            assert (again.error, again.untidy) == (None, None)
            case.is_after(path, server)
    record_property("faults", len(places))
