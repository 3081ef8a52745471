"""A writer that meets a fault at any step leaves the store as before or as after.

Each fault hits one run of one operation at one step: a system call that changes the disk, or
an SQL statement. Then the store is opened again, compared with the plain one, verified deep,
and the same operation must succeed. NOTEKIN_FAULTS=all takes every step of every operation,
as ``make test-faults`` does; otherwise it is a sample, one of each kind of step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notekin.storage.oracle import OracleStore
from notekin.storage.store import StoreFolder
from tests.support.bytes import found_in
from tests.support.cases import Case, golden_cases
from tests.support.fault_worker import DONE, Fault
from tests.support.faults import ALL, FaultWorker, at_step, chosen, fault_worker, tidy
from tests.support.operations import OPERATIONS, TRACES, make_all_small, seed
from tests.support.tracing import Step

SAMPLED_CUTS = 5
NAMES = [name for name in OPERATIONS if name != "migrate"]
NAMES += [f"migrate-{case.seed.parent.name}" for case in golden_cases()]
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def worker() -> Iterator[FaultWorker]:
    with fault_worker() as started:
        yield started


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, OracleStore]:
    path = tmp_path_factory.mktemp("seeded") / "store"
    with pytest.MonkeyPatch.context() as patched:
        make_all_small(patched.setattr)
        return path, seed(path)


@pytest.fixture(scope="module")
def known() -> dict[str, Case]:
    """Return the cases so far, by name."""
    return {}


@pytest.fixture(params=NAMES)
def case(
    request: pytest.FixtureRequest,
    worker: FaultWorker,
    seeded: tuple[Path, OracleStore],
    known: dict[str, Case],
    tmp_path: Path,
) -> Case:
    """Return one operation, with the generations before and after a run without a fault."""
    golden = {f"migrate-{one.seed.parent.name}": one for one in golden_cases()}
    if request.param in golden:
        return golden[request.param]
    path, oracle = seeded
    if request.param not in known:
        first = generation_of(path)
        clean = Case(request.param, path, oracle, first, first).copy(tmp_path / "clean")
        assert worker.run(request.param, clean).error is None
        known[request.param] = Case(request.param, path, oracle, first, generation_of(clean))
    return known[request.param]


def generation_of(path: Path) -> int:
    folder = StoreFolder.open(path)
    generation = folder.generation()
    folder.close()
    return generation


def steps_of(case: Case, worker: FaultWorker, path: Path) -> list[Step]:
    """Return the steps of the operation without a fault; see that it succeeds."""
    done = worker.run(case.operation, case.copy(path), Fault.WATCH)
    assert (done.error, done.untidy) == (None, None)
    case.is_after(path)
    return done.steps


def succeeds_again(case: Case, worker: FaultWorker, path: Path) -> None:
    """See that the same operation brings the store to what it is to be."""
    again = worker.run(case.operation, path)
    assert (again.error, again.untidy) == (None, None)
    case.is_after(path)


@pytest.mark.parametrize("fault", [Fault.KILL, Fault.HALVE])
def test_killed_at_any_step_it_is_as_before_or_as_after(
    case: Case, fault: Fault, worker: FaultWorker, tmp_path: Path, record_property: Record
) -> None:
    steps = steps_of(case, worker, tmp_path / "store")
    places = chosen(steps, ["write"] if fault is Fault.HALVE else ())
    for at in places:
        path = case.copy(tmp_path / "store")
        with at_step(at, steps):
            assert worker.run(case.operation, path, fault, at).killed
            case.is_before_or_after(path)
            succeeds_again(case, worker, path)
    record_property("faults", len(places))


def test_a_power_cut_at_any_step_leaves_it_as_before_or_as_after(
    case: Case, worker: FaultWorker, tmp_path: Path, record_property: Record
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    path = case.copy(tmp_path / "store")
    cuts = worker.run(case.operation, path, Fault.POWER, images=images).images
    dice = random.Random(12)  # noqa: S311 - not for secrets
    sampled = dice.sample(cuts, min(SAMPLED_CUTS, len(cuts)))
    taken = [cut for cut in cuts if ALL or cut.done or cut in sampled]
    for cut in taken:
        if cut.done and case.operation == "purge":
            assert not found_in(cut.folder, TRACES), "what a purge removed is back"
        generation = case.is_before_or_after(cut.folder)
        if cut.done:
            assert generation == case.last, "a commit that had returned is lost"
        succeeds_again(case, worker, cut.folder)
    record_property("faults", len(taken))


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.SYNC])
def test_a_full_disk_or_a_failing_sync_is_one_line_and_loses_nothing(
    case: Case, fault: Fault, worker: FaultWorker, tmp_path: Path, record_property: Record
) -> None:
    steps = steps_of(case, worker, tmp_path / "store")
    kinds = ["sync"] if fault is Fault.SYNC else ["write", "create", "make folder", "truncate"]
    places = chosen(steps, kinds)
    for at in places:
        path = case.copy(tmp_path / "store")
        with at_step(at, steps):
            outcome = worker.run(case.operation, path, fault, at)
            tidy(outcome)
            generation = case.is_before_or_after(path)
            if outcome.error is None:
                assert generation > case.first or case.first == case.last, "said to be done"
            succeeds_again(case, worker, path)
    record_property("faults", len(places))


def test_a_folder_that_takes_no_writes_is_one_line_and_is_left_as_it_is(
    case: Case, worker: FaultWorker, tmp_path: Path, record_property: Record
) -> None:
    path = case.copy(tmp_path / "store")
    held = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    outcome = worker.run(case.operation, path, Fault.READ_ONLY)
    tidy(outcome)
    assert outcome.error is not None
    assert "writ" in outcome.error
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == held
    record_property("faults", 1)


def test_the_steps_are_those_that_matter(case: Case, worker: FaultWorker, tmp_path: Path) -> None:
    """The harness sees SQL, writes, syncs and names; where it went blind, it would pass."""
    steps = steps_of(case, worker, tmp_path / "store")
    kinds = {step.kind for step in steps}
    assert {"sql", "write", "sync", "create", "remove"} <= kinds
    assert Step("sql", DONE) in steps
    assert Step("sql", "COMMIT") in steps
    if case.operation in ("index", "compact", "purge", "repair"):
        assert "rename" in kinds
        assert {Path(step.file).name for step in steps} >= {"notes.faiss", "passages.faiss"}
