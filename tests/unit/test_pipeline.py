from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from notekin.indexer import pipeline
from notekin.indexer.pipeline import IndexReport
from notekin.storage.store import StoreFolder
from notekin.types import EncodedNote, Note, Reject
from tests.support.notes import note
from tests.support.words import WordEncoder


class Rows:
    """A source of given rows."""

    def __init__(self, *rows: Note | Reject, name: str = "s", total: int | None = None) -> None:
        self.name = name
        self.total = total
        self.rows = rows

    def __iter__(self) -> Iterator[Note | Reject]:
        return iter(self.rows)


def index(path: Path, *sources: Rows, encoder: WordEncoder | None = None) -> IndexReport:
    encoder = encoder or WordEncoder()
    folder = StoreFolder.open_or_create(path, encoder.fingerprint)
    with folder.write() as writer:
        report = pipeline.index(sources, encoder, writer, lambda _report, _total: None)
    folder.close()
    return report


def texts(path: Path) -> dict[str, str]:
    snapshot = StoreFolder.open(path).snapshot()
    _, keys = snapshot.nearest_notes(WordEncoder().encode(["x"]), 10_000)
    notes = snapshot.notes(keys[0].tolist())
    return {one.note_id: snapshot.text(one.note_key) for one in notes}


def rejects(path: Path) -> list[Reject]:
    return StoreFolder.open(path).catalog.rejects()


def test_a_second_run_embeds_nothing(tmp_path: Path) -> None:
    rows = Rows(note("1", "fever"), note("2", "rash"))
    assert index(tmp_path / "s", rows).added == 2
    encoder = WordEncoder()
    again = index(tmp_path / "s", rows, encoder=encoder)
    assert (again.embedded, again.unchanged, again.generation) == (0, 2, None)
    assert encoder.notes_encoded == 0


@pytest.mark.parametrize(
    "changed",
    [
        note("1", "fever!"),
        note("1", "fever", patient="p2"),
        note("1", "fever", category="c"),
        note("1", "fever", recorded="2020-01-01"),
        note("1", "fever", attributes={"age": 4}),
        note("1", "fever", title="t"),
        note("1", "fever", author="a"),
        note("1", "fever", encounter_id="e"),
    ],
)
def test_a_note_whose_text_or_facts_changed_is_replaced(tmp_path: Path, changed: Note) -> None:
    index(tmp_path / "s", Rows(note("1", "fever"), note("2", "rash")))
    report = index(tmp_path / "s", Rows(changed, note("2", "rash")))
    assert (report.added, report.replaced, report.unchanged) == (0, 1, 1)
    assert texts(tmp_path / "s") == {"1": changed.text, "2": "rash"}


def test_a_row_that_cannot_be_read_is_kept_with_its_reason_and_the_run_goes_on(
    tmp_path: Path,
) -> None:
    bad = Reject("s", "row 2", "no text")
    report = index(tmp_path / "s", Rows(note("1", "fever"), bad, note("3", "rash")))
    assert (report.added, report.rejected) == (2, 1)
    assert rejects(tmp_path / "s") == [bad]


def test_a_reject_that_was_mended_is_forgotten_and_one_that_stays_is_kept_once(
    tmp_path: Path,
) -> None:
    two, three = Reject("s", "row 2", "no text"), Reject("s", "row 3", "no text")
    elsewhere = Reject("t", "row 9", "no text")
    index(tmp_path / "s", Rows(note("1", "fever"), two, three), Rows(elsewhere, name="t"))
    index(tmp_path / "s", Rows(note("1", "fever"), note("2", "x"), three))
    assert rejects(tmp_path / "s") == [three, elsewhere]


def test_an_id_that_stands_twice_keeps_the_first_and_rejects_the_second(tmp_path: Path) -> None:
    rows = Rows(note("1", "fever", patient="p1"), note("2", "x"), note("1", "rash", patient="p2"))
    for _ in range(2):
        report = index(tmp_path / "s", rows)
        assert report.rejected == 1
        assert texts(tmp_path / "s") == {"1": "fever", "2": "x"}
    (reject,) = rejects(tmp_path / "s")
    assert reject.place == "row 3 of the run"
    assert "--source" in reject.reason


def test_the_same_row_twice_is_one_note(tmp_path: Path) -> None:
    report = index(tmp_path / "s", Rows(note("1", "fever"), note("1", "fever")))
    assert (report.added, report.unchanged, report.rejected) == (1, 1, 0)


def test_the_same_id_in_another_source_is_counted_and_nothing_is_replaced(tmp_path: Path) -> None:
    index(tmp_path / "s", Rows(note("1", "fever", source="a"), name="a"))
    report = index(tmp_path / "s", Rows(note("1", "rash", source="b"), name="b"))
    assert (report.added, report.replaced, report.elsewhere) == (1, 0, 1)


class Failing(WordEncoder):
    """Breaks on the note that says so."""

    def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
        if any("break" in text for text in texts):
            raise KeyboardInterrupt
        return super().encode_notes(texts)


def test_what_was_encoded_before_an_interrupt_stays_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH_ROWS", 2)
    rows = Rows(note("1", "fever"), note("2", "rash"), note("3", "break"), note("4", "cough"))
    with pytest.raises(KeyboardInterrupt):
        index(tmp_path / "s", rows, encoder=Failing())
    assert texts(tmp_path / "s") == {"1": "fever", "2": "rash"}
    report = index(tmp_path / "s", rows)
    assert (report.added, report.unchanged) == (2, 2)


def test_long_notes_come_in_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH_CHARACTERS", 10)
    sizes: list[int] = []

    class Watching(WordEncoder):
        def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
            sizes.append(len(texts))
            return super().encode_notes(texts)

    rows = [note(str(number), "0123456789") for number in range(3)]
    index(tmp_path / "s", Rows(*rows, note("4", "x"), note("5", "y")), encoder=Watching())
    assert sizes == [1, 1, 1, 2]


def test_tokens_seen_and_total_are_added_up(tmp_path: Path) -> None:
    report = index(tmp_path / "s", Rows(note("1", "one two three"), note("2", "four")))
    assert (report.tokens_seen, report.tokens_total) == (4, 4)
    counts = StoreFolder.open(tmp_path / "s").snapshot().count()
    assert (counts.tokens_seen, counts.tokens_total, counts.notes) == (4, 4, 2)
