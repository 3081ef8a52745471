"""A review at the terminal: keys, going back, the end of the input, what is shown."""

import fcntl
import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from notekin.reviewing import Question, review, typed_keys
from notekin.search.cohort.accuracy import Accuracy
from notekin.search.cohort.calibration import Aim, Candidates
from notekin.search.cohort.judgements import Verdict
from notekin.search.cohort.review import Progress, Review

TEXT = "Long before. " * 60 + "Denies chest pain.\n\nSeen in clinic." + " Long after." * 60
START = TEXT.index("Denies")


class PaperDesk:
    """Keeps verdicts in a dict; every note has the same text."""

    def __init__(self, units: int = 40) -> None:
        scores = np.linspace(1, 0, units).astype(np.float32)
        self._review = Review(Candidates(np.arange(units), scores), {}, Aim())
        self.verdicts: dict[int, Verdict] = {}

    def next(self) -> Question | None:
        asked = self._review.next()
        if asked is None:
            return None
        return Question(
            asked.key,
            "chest [bold]pain[/]",
            f"note-{asked.key}",
            "ward7",
            "P7",
            "ED note",
            datetime(2026, 1, 2),
            TEXT,
            START,
            START + 18,
            "negated",
            asked.drawn,
        )

    def judge(self, question: Question, verdict: Verdict) -> None:
        self.verdicts[question.note_key] = verdict
        self._review.judge(question.note_key, verdict, question.drawn)

    def take_back(self, question: Question) -> None:
        self.verdicts.pop(question.note_key, None)
        self._review.take_back(question.note_key)

    def skip(self, question: Question) -> None:
        self._review.skip(question.note_key)

    def progress(self) -> Progress:
        return self._review.progress()

    def accuracy(self) -> Accuracy:
        return self._review.accuracy()


def typed(keys: str) -> Callable[[], str]:
    left = list(keys)
    return lambda: left.pop(0) if left else ""


def done(keys: str, units: int = 40, until: int | None = None) -> tuple[PaperDesk, str]:
    desk, shown = PaperDesk(units), io.StringIO()
    review(desk, Console(file=shown, width=100, color_system=None), typed(keys), until)
    return desk, shown.getvalue()


def test_each_key_is_one_verdict() -> None:
    desk, _ = done("ynu")
    assert list(desk.verdicts.values()) == [Verdict.YES, Verdict.NO, Verdict.UNSURE]


def test_back_asks_the_last_question_again_and_the_new_answer_holds() -> None:
    desk, _ = done("ybn")
    assert list(desk.verdicts.values()) == [Verdict.NO]
    desk, shown = done("by")
    assert "first of this sitting" in shown
    assert list(desk.verdicts.values()) == [Verdict.YES]


def test_back_over_a_skip_asks_what_was_skipped() -> None:
    desk, shown = done("sby")
    assert len(desk.verdicts) == 1
    asked = [word for word in shown.split() if word.startswith("note-")]
    assert asked[0] == asked[2] != asked[1]


def test_the_end_of_the_input_and_q_keep_what_was_said() -> None:
    assert len(done("yy")[0].verdicts) == 2
    assert len(done("yyqyy")[0].verdicts) == 2


def test_a_key_without_a_meaning_says_which_have_one() -> None:
    desk, shown = done("xy")
    assert "Keys: y yes" in shown
    assert len(desk.verdicts) == 1


def test_a_review_ends_after_so_many_and_where_nothing_is_left() -> None:
    assert len(done("y" * 30, until=12)[0].verdicts) == 12
    desk, shown = done("n" * 30, units=9)
    assert len(desk.verdicts) == 9
    assert "Nothing is left to judge." in shown


def test_the_question_shows_facts_the_passage_to_the_letter_and_how_it_is_read() -> None:
    _, shown = done("")
    assert "note-" in shown
    assert "patient P7 · ED note · 2026-01-02" in shown
    assert "Denies chest pain. Seen in clinic." in " ".join(shown.split())
    assert "read as: negated" in shown
    assert "chest [bold]pain[/]" in shown


def test_the_running_estimate_is_shown_once_ten_are_drawn() -> None:
    assert "precision" not in done("y" * 9)[1]
    assert "at the cut: precision" in done("y" * 11)[1]


PROGRAM = """
import sys
from rich.console import Console
from notekin.reviewing import review, typed_keys
from tests.unit.test_reviewing import PaperDesk
desk = PaperDesk()
with typed_keys() as read:
    review(desk, Console(), read, until=3)
print("said", *[one.value for one in desk.verdicts.values()])
"""
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("ynu", "said yes no unsure"),
        ("y\x1b[Bnu", "said yes no unsure"),
        ("y\x04", "said yes"),
        ("y\x03", "said yes"),
    ],
)
def test_single_keys_of_a_terminal_are_taken_without_return(keys: str, said: str) -> None:
    main, side = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=side,
        stdout=side,
        stderr=side,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        preexec_fn=at_a_terminal,
    ) as process:
        try:
            shown = read_until(main, "quit")
            for key in re.findall(r"\x1b\[B|.", keys):
                os.write(main, key.encode())
                shown += read_until(main, *(("Keys:",) if len(key) > 1 else ("quit", "said")))
            assert process.wait(60) == 0
        finally:
            process.kill()
    while said not in shown:
        shown += some_of(main)
    os.close(side)
    os.close(main)


def test_ctrl_c_is_seen_though_it_does_not_end_the_wait_for_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    main, side = pty.openpty()
    seen, nudged = threading.Event(), threading.Event()

    def interrupt() -> None:
        """Take the signal in this thread, so that the wait of the other goes on."""
        time.sleep(0.3)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        if not seen.wait(10):
            nudged.set()
            os.write(main, b"y")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with os.fdopen(side) as terminal:
            monkeypatch.setattr(sys, "stdin", terminal)
            with typed_keys() as read:
                thread = threading.Thread(target=interrupt)
                thread.start()
                with pytest.raises(KeyboardInterrupt):
                    read()
                seen.set()
                thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(main)
    assert not nudged.is_set()


def at_a_terminal() -> None:
    """Make the terminal this process's own, and let Ctrl-C reach it whatever was inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_until(main: int, *words: str) -> str:
    shown = ""
    while not any(word in shown for word in words):
        shown += some_of(main)
    return shown


def some_of(main: int) -> str:
    ready, _, _ = select.select([main], [], [], 60)
    assert ready, "nothing is said any more"
    return os.read(main, 4096).decode(errors="replace")


@pytest.mark.parametrize(("lines", "said"), [("y\nn\n", "said yes no"), ("yes\nq\n", "said yes")])
def test_where_nobody_types_each_line_is_an_answer(lines: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=lines,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert said.strip() == done.stdout.strip().splitlines()[-1]
