"""Assertion: what a note says of a concept, by sentence and section."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.search.assertion import assess, assess_in, section_at
from notekin.search.sentences import sentence_around, sentences_of
from notekin.types import Assertion, Experiencer, Polarity, Temporality
from tests.support.assertions import Labelled, labelled, marked


def assessed(text: str) -> Assertion:
    return assess(*marked(text))


@pytest.mark.parametrize("one", labelled("development"), ids=lambda one: one.text[:60])
def test_each_labelled_sentence_is_understood(one: Labelled) -> None:
    assert assess(one.text, one.start, one.end) == one.expected


def test_nearly_all_sentences_that_no_rule_was_written_for_are_understood() -> None:
    sentences = labelled("heldout")
    right = sum(assess(one.text, one.start, one.end) == one.expected for one in sentences)
    assert right / len(sentences) > 0.97


def test_nearly_all_sentences_of_many_kinds_of_notes_are_understood() -> None:
    sentences = labelled("varied")
    right = sum(assess(one.text, one.start, one.end) == one.expected for one in sentences)
    assert right / len(sentences) > 0.98


def test_a_section_says_whom_and_when() -> None:
    text = "FAMILY HISTORY:\nBreast cancer, {}.\n\nPAST MEDICAL HISTORY:\nGout."
    text = text.format("[diabetes]")
    assert assessed(text).experiencer is Experiencer.OTHER
    assert assessed("FAMILY HISTORY: None.\nPAST MEDICAL HISTORY:\nAsthma.\n[Gout].") == Assertion(
        temporality=Temporality.HISTORICAL
    )
    assert assessed("PLAN:\nTreat.\n[Gout].") == Assertion()


@pytest.mark.parametrize(
    "text",
    [
        "FAMILY HISTORY: Father died of stroke.\n\nThe patient complains of [cough] and fever.",
        "35F at 32/40. FH: diabetes. BP 150/95, [headache] since noon.",
        "FHx: CAD, DM.\nHas [headache] today.",
        "PMH: asthma. Presents with [wheeze].",
    ],
)
def test_a_sentence_that_turns_to_the_patient_now_is_not_of_its_section(text: str) -> None:
    assert assessed(text) == Assertion()


@pytest.mark.parametrize(
    "text",
    [
        "FAMILY HISTORY: Mother presents with [dementia] today.",
        "FAMILY HISTORY: The patient reports [diabetes] and gout.",
        "FAMILY HISTORY: Father died of stroke. Presented with [seizures].",
    ],
)
def test_a_family_history_that_names_the_patient_is_of_the_family(text: str) -> None:
    assert assessed(text).experiencer is Experiencer.OTHER


def test_a_section_that_is_given_is_not_looked_for() -> None:
    text, start, end = marked("PLAN: [gout].")
    assert assess_in(text, start, end, "family history").experiencer is Experiencer.OTHER


def test_a_negation_ends_with_its_sentence() -> None:
    assert assessed("No fever. [Cough].").polarity is Polarity.AFFIRMED
    assert assessed("no fever. [cough].").polarity is Polarity.AFFIRMED
    assert assessed("No fever per Dr. Miller or [cough].").polarity is Polarity.NEGATED


def test_an_item_of_a_list_is_not_negated_by_the_one_before() -> None:
    text = "Symptoms:\n- no fever\n- [cough]\n- no rash"
    assert assessed(text).polarity is Polarity.AFFIRMED


def test_what_introduces_a_list_holds_for_each_item() -> None:
    text = "Patient denies the following:\n1. fever\n2. [cough]\n3. rash"
    assert assessed(text).polarity is Polarity.NEGATED


def test_a_phrase_within_the_concept_does_not_count() -> None:
    assert assessed("Has [gram negative sepsis].").polarity is Polarity.AFFIRMED
    assert assessed("No [evidence of disease].").polarity is Polarity.NEGATED


_SAID = st.sampled_from(
    [
        "no ",
        "denies ",
        "fever",
        ", ",
        ". ",
        "\n",
        "- ",
        "mother ",
        ": ",
        "if ",
        "(",
        ")",
        "?",
        "and ",
    ]
)


@settings(max_examples=200)
@given(st.lists(_SAID | st.text(max_size=4), max_size=20).map("".join), st.data())
def test_any_stretch_of_any_text_can_be_assessed(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = assess(text, start, end)
    assert found == assess_in(text, start, end, section_at(text, start))


@given(st.lists(_SAID | st.text(max_size=4), max_size=20).map("".join), st.data())
def test_a_sentence_holds_what_it_is_around(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    first, last = sentence_around(text, start, end)
    assert first <= start
    assert last >= end


@given(st.lists(_SAID | st.text(max_size=4), max_size=20).map("".join), st.data())
def test_the_sentence_around_a_place_is_the_one_that_holds_it(
    text: str, data: st.DataObject
) -> None:
    for first, last in sentences_of(text):
        start = data.draw(st.integers(first, last - 1))
        assert sentence_around(text, start, start + 1) == (first, last)


@given(st.lists(_SAID | st.text(max_size=4), max_size=20).map("".join))
def test_sentences_leave_out_nothing_but_space(text: str) -> None:
    spans = sentences_of(text)
    kept = "".join(text[start:end] for start, end in spans)
    assert "".join(kept.split()) == "".join(text.split())
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seen by Dr. Lee. Well.", ["Seen by Dr. Lee.", "Well."]),
        ("Ibuprofen p.r.n. pain. Rest.", ["Ibuprofen p.r.n. pain.", "Rest."]),
        ("1. Gout. 2. Asthma.", ["1. Gout.", "2. Asthma."]),
        ("T 98.6 today", ["T 98.6 today"]),
        ("Chills? No. Cough.", ["Chills? No.", "Cough."]),
        ("Fever: no\nCough: yes", ["Fever: no", "Cough: yes"]),
        ("denies chest pain,\nSyncope", ["denies chest pain,\nSyncope"]),
        ("denies fever and\nchills", ["denies fever and\nchills"]),
        ("No rash\n\nwell", ["No rash", "well"]),
        ("Denies:\n- fever\n- rash\nWell.", ["Denies:\n- fever\n- rash", "Well."]),
    ],
)
def test_sentences_end_where_a_reader_would_say(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences_of(text)] == expected


@pytest.mark.parametrize(
    ("text", "concept", "polarity"),
    [
        ("Pain: 0, slept well.", "Pain", Polarity.NEGATED),
        ("Pain: 7, worse at night.", "Pain", Polarity.AFFIRMED),
        ("Explosive headache out of the blue at 17:40, neck stiff.", "headache", Polarity.AFFIRMED),
        ("Aspirin given for chest pain at 08:00; ECG normal.", "chest pain", Polarity.AFFIRMED),
    ],
)
def test_a_nought_denies_and_another_number_or_an_hour_does_not(
    text: str, concept: str, polarity: Polarity
) -> None:
    start = text.index(concept)
    assert assess(text, start, start + len(concept)).polarity is polarity


@pytest.mark.parametrize(
    ("text", "concept", "polarity"),
    [
        ("Not in labor force (finding), stress (finding).", "stress", Polarity.AFFIRMED),
        ("Not in acute distress, pain or fever.", "pain", Polarity.NEGATED),
        ("He is not in heart failure, afebrile.", "heart failure", Polarity.NEGATED),
    ],
)
def test_not_in_denies_a_list_and_not_what_else_follows(
    text: str, concept: str, polarity: Polarity
) -> None:
    start = text.index(concept)
    assert assess(text, start, start + len(concept)).polarity is polarity
