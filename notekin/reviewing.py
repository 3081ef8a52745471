"""A review at the terminal: one piece of evidence at a time, one key a verdict."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from notekin.search.cohort.judgements import Verdict

if TYPE_CHECKING:
    from notekin.search.cohort.accuracy import Accuracy, Estimate
    from notekin.search.cohort.review import Progress

AROUND = 400
"""Characters of the note that are shown before and after the evidence."""
LEAST_DRAWN = 10
"""Verdicts of the random sample before an estimate is shown."""


class Answer(Enum):
    """What a person does about one piece of evidence."""

    YES = "y"
    NO = "n"
    UNSURE = "u"
    SKIP = "s"
    BACK = "b"
    QUIT = "q"


VERDICTS = {Answer.YES: Verdict.YES, Answer.NO: Verdict.NO, Answer.UNSURE: Verdict.UNSURE}
ESCAPE, END = "\x1b", "\x04"
"""How what an arrow or a function key sends begins; Ctrl-D."""
SEES_CTRL_C_S = 0.1
"""Seconds until a Ctrl-C is seen that came just before the wait for a key, which it cannot end."""
KEYS = "y yes   n no   u unsure   s skip   b back   q quit"


@dataclass(frozen=True, slots=True)
class Question:
    """One piece of evidence that a person is asked about.

    Attributes:
        note_key: The note's key in its store.
        asks: What the criterion means.
        text: The note's text; the evidence is ``text[start:end]``.
        assertion: What is said of it there, in words; empty where nothing is to say.
        drawn: Whether the random sample asks for it.
    """

    note_key: int
    asks: str
    note_id: str
    source: str
    patient_id: str | None
    category: str | None
    recorded_at: datetime | None
    text: str
    start: int
    end: int
    assertion: str
    drawn: bool


class Desk(Protocol):
    """Where a review is done: gives questions, keeps verdicts."""

    def next(self) -> Question | None:
        """Return what to ask next; None where nothing is left."""
        ...

    def judge(self, question: Question, verdict: Verdict) -> None:
        """Keep a verdict; it is safe once this returns."""
        ...

    def take_back(self, question: Question) -> None:
        """Forget what was said of a question, or that it was skipped."""
        ...

    def skip(self, question: Question) -> None:
        """Leave a question for another time."""
        ...

    def progress(self) -> Progress:
        """Count what was said."""
        ...

    def accuracy(self) -> Accuracy:
        """Return how right the cut is, as far as is known."""
        ...


def review(desk: Desk, console: Console, read: Callable[[], str], until: int | None = None) -> None:
    """Ask until nothing is left, the person quits, or so many are judged in all.

    Ctrl-C quits, too: each verdict is kept when it is given.

    Args:
        desk: Where it is done.
        console: Where the questions are shown.
        read: Gives the next key; empty at the end of the input, which quits.
        until: How many verdicts are enough; None for no end.
    """
    with suppress(KeyboardInterrupt):
        _ask(desk, console, read, until)


def _ask(desk: Desk, console: Console, read: Callable[[], str], until: int | None) -> None:
    answered: list[Question] = []
    while until is None or desk.progress().judged < until:
        question = desk.next()
        if question is None:
            console.print("Nothing is left to judge.")
            return
        console.print(_shown(question, desk))
        answer = _answer(console, read)
        if answer is Answer.QUIT:
            return
        if answer is Answer.BACK:
            _back(desk, answered, console)
        elif answer is Answer.SKIP:
            desk.skip(question)
            answered.append(question)
        else:
            desk.judge(question, VERDICTS[answer])
            answered.append(question)


def _back(desk: Desk, answered: list[Question], console: Console) -> None:
    if answered:
        desk.take_back(answered.pop())
    else:
        console.print("This is the first of this sitting.", style="dim")


@contextmanager
def typed_keys() -> Iterator[Callable[[], str]]:
    """Give what returns one key pressed; where nobody types, the next line of the input.

    The terminal is set up once and set back at the end, so that keys typed ahead are not lost.
    """
    if not sys.stdin.isatty():
        yield sys.stdin.readline
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSANOW)
    try:
        yield _Keys(terminal).next
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


class _Keys:
    """The keys pressed at a terminal, one after the other."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._ahead = ""

    def next(self) -> str:
        """Return the next key; empty where the person ends with Ctrl-D."""
        if not self._ahead:
            while not select.select([self._terminal], [], [], SEES_CTRL_C_S)[0]:
                pass  # here Python raises what a signal asked for
            self._ahead = os.read(self._terminal, 64).decode(errors="replace")
        if self._ahead.startswith(ESCAPE):
            self._ahead = ""
            return ESCAPE
        key, self._ahead = self._ahead[:1], self._ahead[1:]
        return "" if key == END else key


def _answer(console: Console, read: Callable[[], str]) -> Answer:
    """Ask until a key means something; the end of the input quits."""
    while key := read():
        said = key.strip().lower()[:1]
        if said in [answer.value for answer in Answer]:
            answer = Answer(said)
            console.print(f"  {answer.name.lower()}", style="bold")
            return answer
        console.print(f"Keys: {KEYS}", style="dim", highlight=False)
    return Answer.QUIT


def _shown(question: Question, desk: Desk) -> Group:
    when = question.recorded_at and f"{question.recorded_at:%Y-%m-%d}"
    patient = question.patient_id and f"patient {question.patient_id}"
    facts = [fact for fact in (patient, question.category, when) if fact]
    head = Text("\n" + said_of_progress(desk.progress()), style="dim")
    if not question.drawn:
        head.append(" · chosen: it teaches most")
    note = Text(question.note_id, style="bold").append("  " + " · ".join(facts), style="not bold")
    parts: list[RenderableType] = [
        head,
        Text.assemble("Does it say: ", (question.asks, "bold"), "?"),
        note,
        Padding(_passage(question), (1, 0, 1, 4)),
    ]
    if question.assertion:
        parts.append(Text(f"    read as: {question.assertion}\n", style="italic"))
    return Group(*parts, *_estimate_lines(desk), Text(KEYS, style="dim"))


def _passage(question: Question) -> Text:
    """Return the evidence, marked, with some of the note around it."""
    first = max(0, question.start - AROUND)
    last = min(len(question.text), question.end + AROUND)
    shown = Text("…" if first else "")
    shown.append(_one_line(question.text[first : question.start]), style="dim")
    shown.append(_one_line(question.text[question.start : question.end]), style="bold reverse")
    shown.append(_one_line(question.text[question.end : last]), style="dim")
    return shown.append("…" if last < len(question.text) else "")


def _one_line(text: str) -> str:
    """Return a text with its runs of white space as single blanks, those at its ends kept."""
    words = " ".join(text.split())
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() else ""
    return f"{before}{words}{after}" if words else before


def said_of_progress(progress: Progress) -> str:
    """Return how far a review is as one line."""
    return (
        f"{progress.judged:,} judged of {progress.units:,}: {progress.yes:,} yes, "
        f"{progress.no:,} no, {progress.unsure:,} unsure; {progress.drawn:,} drawn"
    )


def _estimate_lines(desk: Desk) -> list[Text]:
    if desk.progress().drawn < LEAST_DRAWN:
        return []
    return [Text(said_of_accuracy(desk.accuracy()), style="dim")]


def said_of_accuracy(accuracy: Accuracy) -> str:
    """Return an estimate as one line."""
    measures = (
        ("precision", accuracy.precision),
        ("recall", accuracy.recall),
        ("F1", accuracy.f1),
    )
    return "at the cut: " + ", ".join(f"{name} {_interval(one)}" for name, one in measures)


def _interval(one: Estimate) -> str:
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"
