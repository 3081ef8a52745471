"""Where a note speaks of a meaning or holds a phrase, and what it says there."""

import pytest

from notekin.search.cohort.meanings import Meaning, as_worded
from notekin.search.cohort.phrases import Sought
from notekin.storage.lexical_oracle import holds_phrase
from notekin.storage.records import StoredPassage
from notekin.types import Assertion, Experiencer, Polarity, Temporality
from tests.support.telling import told_plainly

NEGATED = Assertion(Polarity.NEGATED)
POSSIBLE = Assertion(Polarity.POSSIBLE)
OTHER = Assertion(experiencer=Experiencer.OTHER)
HYPOTHETICAL = Assertion(temporality=Temporality.HYPOTHETICAL)
AFFIRMED = Assertion()


def said(meaning: str, *sentences: str, nearest: int = 0) -> list[tuple[str, Assertion]]:
    """Return what a note of these passages says of a meaning, place by place."""
    passages, text = [], ""
    for family, one in enumerate(sentences):
        passages.append(StoredPassage(len(text), len(text) + len(one), 1, None, family))
        text += one + " "
    heard = Meaning(meaning)
    places = heard.places(text, passages, [nearest], told_plainly(text, passages, heard.wanted))
    return [(text[one.span[0] : one.span[1]].strip(), one.assertion) for one in places]


def test_a_note_speaks_of_a_meaning_in_the_sentences_that_say_most_of_it() -> None:
    found = said(
        "heart failure with reduced ejection fraction",
        "Seen on the ward.",
        "No heart failure with reduced ejection fraction.",
        "The ejection fraction was measured.",
    )
    assert found == [("No heart failure with reduced ejection fraction.", NEGATED)]


def test_sentences_that_say_less_are_no_places_though_their_passage_says_as_much() -> None:
    found = said("heart failure", "A good heart. A failure.", "No heart failure.", nearest=0)
    assert found == [("No heart failure.", NEGATED)]


def test_every_sentence_that_says_it_is_a_place_of_its_own() -> None:
    found = said("heart failure", "No heart failure.", "He has heart failure.", "Well.", nearest=2)
    assert found == [("No heart failure.", NEGATED), ("He has heart failure.", AFFIRMED)]


def test_a_note_without_its_words_speaks_of_it_in_its_nearest_passage() -> None:
    found = said("heart failure", "Well.", "Wakes gasping, sleeps in a chair.", nearest=1)
    assert found == [("Wakes gasping, sleeps in a chair.", AFFIRMED)]


@pytest.mark.parametrize(
    ("meaning", "text", "expected"),
    [
        ("no fever", "Denies fever.", AFFIRMED),
        ("no fever", "High fever.", NEGATED),
        ("fever", "Denies fever.", NEGATED),
        ("suspected sepsis", "Possible sepsis.", AFFIRMED),
        ("suspected sepsis", "She has sepsis.", POSSIBLE),
        ("suspected sepsis", "No sepsis.", NEGATED),
        ("family history of breast cancer", "Her mother had breast cancer.", AFFIRMED),
        ("family history of breast cancer", "She has breast cancer.", OTHER),
        ("breast cancer", "Her mother had breast cancer.", OTHER),
    ],
)
def test_an_assertion_is_of_the_meaning_as_the_definition_words_it(
    meaning: str, text: str, expected: Assertion
) -> None:
    ((_, assertion),) = said(meaning, text)
    assert (assertion.polarity, assertion.experiencer) == (expected.polarity, expected.experiencer)


@pytest.mark.parametrize(
    ("asked", "written", "expected"),
    [
        (AFFIRMED, NEGATED, NEGATED),
        (NEGATED, NEGATED, AFFIRMED),
        (NEGATED, AFFIRMED, NEGATED),
        (NEGATED, POSSIBLE, POSSIBLE),
        (POSSIBLE, POSSIBLE, AFFIRMED),
        (POSSIBLE, AFFIRMED, POSSIBLE),
        (POSSIBLE, NEGATED, NEGATED),
        (OTHER, OTHER, AFFIRMED),
        (OTHER, AFFIRMED, OTHER),
        (HYPOTHETICAL, HYPOTHETICAL, AFFIRMED),
        (HYPOTHETICAL, AFFIRMED, HYPOTHETICAL),
        (
            Assertion(temporality=Temporality.HISTORICAL),
            Assertion(temporality=Temporality.HISTORICAL),
            Assertion(temporality=Temporality.HISTORICAL),
        ),
    ],
)
def test_what_affirms_a_meaning_that_denies_or_doubts_is_a_denial_or_a_doubt(
    asked: Assertion, written: Assertion, expected: Assertion
) -> None:
    assert as_worded(asked, written) == expected


@pytest.mark.parametrize(
    ("phrases", "text", "found"),
    [
        (("heart transplant",), "Heart transplants; a HEART  transplant", 2),
        (("sacubitril", "entresto"), "On Entresto (sacubitril/valsartan)", 2),
        (("x-ray",), "xray and x ray and X-ray", 3),
        (("status post fall",), "status of post fall", 0),
        (("the of",), "the of", 0),
        (("Ménière",), "Meniere's disease", 1),
    ],
)
def test_a_phrase_is_found_where_the_store_finds_it(
    phrases: tuple[str, ...], text: str, found: int
) -> None:
    places = Sought(phrases).places_in(text)
    assert len(places) == found
    assert bool(found) is any(holds_phrase(text, phrase) for phrase in phrases)
    assert all(start < end <= len(text) for start, end in places)


def test_a_phrase_before_the_first_passage_and_between_two_is_found() -> None:
    text = "Heart transplant. Well. Heart transplant. Well."
    passages = [StoredPassage(at, at + 4, 1, None, None) for at in (18, 42)]
    found = Sought(["heart transplant"]).places(text, passages, {0: frozenset({(0, 0)})})
    assert found == [(0, 16), (24, 40)]
