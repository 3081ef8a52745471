"""nDCG by how long the notes are that answer, and by how deep in them the answer stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from notekin.errors import UsageError
from notekin.search.evaluation import Evaluation
from notekin.search.task import TaskQuery
from notekin.storage.conditions import Condition
from notekin.storage.snapshot import Snapshot
from notekin.types import NoteKey

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DEPTHS = ("start_word", "depth", "start")
"""What tasks call the place of the answer in its note."""
_GROUPS = 5
_NO_MATPLOTLIB = "A plot needs matplotlib: pip install 'notekin[bench]'."


def check_plot(path: Path) -> None:
    """Find out before the work whether a plot can be made.

    Raises:
        UsageError: matplotlib is not installed, or the file can't be a picture.
    """
    try:
        import matplotlib  # noqa: F401 - whether it is there
    except ImportError:
        raise UsageError(_NO_MATPLOTLIB) from None
    if path.suffix.lower() not in {".png", ".svg", ".pdf"}:
        raise UsageError("--plot takes a file that ends in .png, .svg or .pdf.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {path.absolute().parent} for the plot.")


def draw(measured: Evaluation, lengths: Mapping[str, int], path: Path) -> None:
    """Draw the two plots of an evaluation into one file.

    Args:
        measured: The evaluation.
        lengths: Document id to its tokens.
        path: A file that ends in .png, .svg or .pdf.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    qrels = measured.task.qrels

    def length(query: TaskQuery) -> float | None:
        judged = qrels[query.query_id].items()
        known = [lengths[name] for name, grade in judged if grade > 0 and name in lengths]
        return float(np.mean(known)) if known else None

    _draw(left, measured, length, "tokens of the notes that answer")
    _draw(right, measured, _depth, "words before the answer in its note")
    left.set_ylabel(f"nDCG@{measured.k}")
    figure.suptitle(f"{measured.task.name}, {len(measured.task.queries):,} queries")
    figure.savefig(path, dpi=150)


def _draw(
    axes: Axes, measured: Evaluation, of: Callable[[TaskQuery], float | None], label: str
) -> None:
    values = [of(query) for query in measured.task.queries]
    known = [at for at, value in enumerate(values) if value is not None]
    axes.set_xlabel(label)
    if not known:
        axes.text(0.5, 0.5, "the task doesn't say", ha="center", transform=axes.transAxes)
        return
    groups = _groups(np.array([values[at] for at in known], np.float64))
    ticks = [f"{low:,.0f} to {high:,.0f}\n{len(at)} queries" for low, high, at in groups]
    for result in measured.results:
        scores = np.asarray(result.by_query)[known]
        means = [float(scores[at].mean()) for _, _, at in groups]
        axes.plot(range(len(groups)), means, marker="o", label=result.mode.value)
    axes.set_xticks(range(len(groups)), ticks, fontsize=8)
    axes.set_ylim(0, 1)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()


def _groups(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[tuple[float, float, Any]]:
    """Return (lowest, highest, where) of groups of about equal size, by value."""
    bounds = np.unique(np.quantile(values, np.linspace(0, 1, _GROUPS + 1)))
    inner = bounds[1:-1]
    group = np.searchsorted(inner, values, "right")
    found = [np.flatnonzero(group == number) for number in range(len(inner) + 1)]
    return [(values[at].min(), values[at].max(), at) for at in found if len(at)]


def _depth(query: TaskQuery) -> float | None:
    for name in _DEPTHS:
        value = query.metadata.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value):
            return float(value)
    return None


def lengths_of(snapshot: Snapshot, corpus: Condition) -> dict[str, int]:
    """Return the tokens of each of the task's notes, by its id."""
    keys = [NoteKey(int(key)) for key in snapshot.select(corpus)]
    return {str(note.note_id): note.tokens_total for note in snapshot.notes(keys)}
