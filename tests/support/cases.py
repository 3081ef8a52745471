"""A store before and after an operation, and whether one that met a fault is one of the two."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notekin.errors import DamagedStoreError
from notekin.storage import reading
from notekin.storage.location import ServerUrl
from notekin.storage.oracle import OracleStore
from notekin.storage.schema import FORMAT
from notekin.storage.store import StoreFolder
from notekin.storage.upgrade import KEPT_BESIDE
from notekin.storage.verification import verify
from tests.support import make_golden
from tests.support.agreement import find_the_same, hold_the_same
from tests.support.bytes import found_in
from tests.support.operations import ENCODER, OPERATIONS, QUERY, TRACES

GOLDEN = Path(__file__).parents[1] / "data/golden"


@dataclass(frozen=True, slots=True)
class Case:
    """An operation and the store that it is done to.

    Attributes:
        seed: The store's folder as it is before; copied for each fault.
        before: What it holds; None where it is one of an older format.
        first: The generation before; ``last`` is the one after a run without a fault.
        expected: What a store of an older format answers.
    """

    operation: str
    seed: Path
    before: OracleStore | None
    first: int
    last: int
    expected: dict[str, Any] | None = None

    def copy(self, to: Path) -> Path:
        """Return a copy of the store, ready for the operation."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.seed, to)
        for entry in [to, *to.rglob("*")]:
            entry.chmod(0o700 if entry.is_dir() else 0o600)
        OPERATIONS[self.operation].prepare(to)
        return to

    def is_before_or_after(self, path: Path, server: ServerUrl | None = None) -> int:
        """See that a store is whole and as before or as after; return its generation."""
        folder = StoreFolder.open(path, server)
        try:
            generation = folder.generation()
            assert self.first <= generation <= self.last
            if self.operation == "repair" and generation == self.first:
                with pytest.raises(DamagedStoreError):
                    folder.snapshot().nearest_notes(ENCODER.encode([QUERY]), 3)
                return generation
            self._holds(folder, after=generation > self.first)
            found = verify(folder, deep=True)
            assert found.whole, found.problems
            return generation
        finally:
            folder.close()

    def is_after(self, path: Path, server: ServerUrl | None = None) -> None:
        """See that a store is whole and as after, and that nothing lies about in it."""
        generation = self.is_before_or_after(path, server)
        assert generation == self.last or self.operation in ("delete", "repair", "index")
        assert generation > self.first or self.first == self.last
        folder = StoreFolder.open(path, server)
        with folder.catalog.transaction() as connection:
            named = {one.name for one in reading.segments(connection, generation)}
        folder.close()
        assert {entry.name for entry in (path / "segments").iterdir()} == named
        assert not (path / KEPT_BESIDE).exists()
        if self.operation == "purge":
            assert not found_in(path, TRACES)

    def _holds(self, folder: StoreFolder, *, after: bool) -> None:
        if self.before is None:
            assert make_golden.answers(folder) == self.expected
            return
        oracle = copy.deepcopy(self.before)
        if after:
            OPERATIONS[self.operation].plain(oracle)
        real, plain = folder.snapshot(), oracle.snapshot()
        hold_the_same(real, plain)
        find_the_same(real, plain, ENCODER.encode([QUERY]), 5)


def golden_cases() -> list[Case]:
    """Return one migration of each format before this."""
    cases = []
    for number in range(1, FORMAT):
        folder = GOLDEN / f"format-{number}"
        expected = json.loads((folder / "expected.json").read_text())
        generation = expected["generation"]
        cases.append(Case("migrate", folder / "store", None, generation, generation, expected))
    return cases
