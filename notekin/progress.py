"""How an index run shows itself while it works: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

if TYPE_CHECKING:
    from notekin.indexer.pipeline import IndexReport
    from notekin.indexer.pipeline import Progress as Told

LINE_EVERY_S = 5.0


@contextmanager
def shown(console: Console) -> Iterator[Told]:
    """Give a callback for an index run that shows rate and time left on the console."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns: list[ProgressColumn] = [
        TextColumn("indexing"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TextColumn("{task.fields[rate]}"),
        _TimeLeft(),
    ]
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("indexing", total=None, rate="")

        def tell(report: IndexReport, total: int | None) -> None:
            bar.update(task, completed=report.rows, total=total, rate=_rate(report))

        yield tell


@contextmanager
def counted(console: Console, doing: str, things: str) -> Iterator[Callable[[int, int], None]]:
    """Give a callback, told how many of how many are done, that shows rate and time left."""
    began = time.monotonic()
    said = began
    with Progress(
        TextColumn(doing),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(doing, total=None, said="")

        def tell(done: int, total: int) -> None:
            nonlocal said
            now = time.monotonic()
            rate = done / max(now - began, 1e-9)
            left = _clock((total - done) / max(rate, 1e-9))
            line = f"{done:,} of {total:,} {things}, {rate:,.1f} {things}/s, {left} left"
            bar.update(task, completed=done, total=total, said=line)
            if not console.is_terminal and (now - said >= LINE_EVERY_S or done == total):
                said = now
                console.print(f"{doing}: {line}", highlight=False)

        yield tell


class _Lines:
    """Writes a plain line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = time.monotonic()

    def __call__(self, report: IndexReport, total: int | None) -> None:
        if time.monotonic() - self._said < LINE_EVERY_S:
            return
        self._said = time.monotonic()
        of_all = f" of {total:,}" if total else ""
        left = _left_s(report, total)
        when = f", {_clock(left)} left" if left is not None else ""
        self._console.print(
            f"indexing: {report.rows:,}{of_all} rows, {_rate(report)}{when}", highlight=False
        )


class _TimeLeft(ProgressColumn):
    """Time left at the run's own mean rate, which commits don't disturb."""

    def render(self, task: Task) -> Text:
        if not task.total or not task.completed or task.elapsed is None:
            return Text("")
        left = task.elapsed / task.completed * (task.total - task.completed)
        return Text(f"{_clock(left)} left")


def _rate(report: IndexReport) -> str:
    return f"{report.notes_per_s:,.0f} notes/s, {report.tokens_per_s:,.0f} tokens/s"


def _left_s(report: IndexReport, total: int | None) -> float | None:
    if not total or not report.rows:
        return None
    return report.elapsed_s / report.rows * (total - report.rows)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
