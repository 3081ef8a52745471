"""Where a query's time goes: named stages, each without the stages inside it."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


class Stopwatch:
    """Times the functions it is shown. One thread at a time.

    A stage's time is its own: what a stage inside it takes counts there. What none of them
    takes is the stage that ``whole`` is given.
    """

    def __init__(self) -> None:
        self.stages: dict[str, list[float]] = defaultdict(list)
        self._now: dict[str, float] = {}
        self._inside: list[tuple[str, float]] = []

    def watch(self, stage: str, place: str) -> None:
        """Time every call of a function, ``package.module:Class.method``, as this stage."""
        module, _, path = place.partition(":")
        owner: Any = import_module(module)
        *parents, name = path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        setattr(owner, name, self._timed(stage, getattr(owner, name)))

    @contextmanager
    def whole(self, rest: str) -> Iterator[None]:
        """Time one query from end to end, and keep what each stage took of it, in seconds."""
        self._now = defaultdict(float)
        with self._stage(rest):
            yield
        for stage, took_s in self._now.items():
            self.stages[stage].append(took_s)

    def _timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def timed(*args: Any, **options: Any) -> Any:
            with self._stage(stage):
                return call(*args, **options)

        return timed

    @contextmanager
    def _stage(self, stage: str) -> Iterator[None]:
        self._turn()
        self._inside.append((stage, time.perf_counter()))
        try:
            yield
        finally:
            self._turn()
            self._inside.pop()
            if self._inside:
                self._inside[-1] = (self._inside[-1][0], time.perf_counter())

    def _turn(self) -> None:
        """Credit the stage that is running with its time up to now."""
        if self._inside:
            stage, since = self._inside[-1]
            now = time.perf_counter()
            self._now[stage] = self._now.get(stage, 0.0) + now - since
            self._inside[-1] = (stage, now)
