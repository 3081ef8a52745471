"""Concepts: what a query speaks of, and how a text speaks of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.search.assertion import assess_in
from notekin.search.concepts import Concepts, distance
from notekin.types import Assertion, Experiencer, Polarity, Temporality

NEGATED = Assertion(Polarity.NEGATED)
OTHER = Assertion(experiencer=Experiencer.OTHER)
HISTORICAL = Assertion(temporality=Temporality.HISTORICAL)


def asked(query: str) -> list[tuple[str, Assertion]]:
    return [(" ".join(word[0] for word in one.words), one.asked) for one in Concepts(query).all]


def said(query: str, text: str, section: str | None = None) -> list[tuple[list[str], Assertion]]:
    found = Concepts(query).mentions(text, 0, len(text), section)
    return [([text[start:end] for start, end in one.terms], one.assertion) for one in found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("fever", [("fever", Assertion())]),
        ("no fever", [("fever", NEGATED)]),
        ("denies chest pain", [("chest", NEGATED), ("pain", NEGATED)]),
        ("mother had lupus", [("lupus", OTHER)]),
        ("history of lupus", [("lupus", HISTORICAL)]),
        ("resolved pneumonia", [("pneumonia", HISTORICAL)]),
        ("not on insulin", [("insulin", NEGATED)]),
        ("rule-out lupus", [("lupus", Assertion(Polarity.POSSIBLE))]),
        ("no", [("no", Assertion())]),
    ],
)
def test_a_query_is_understood_as_concepts_and_what_it_says_of_them(
    query: str, expected: list[tuple[str, Assertion]]
) -> None:
    assert asked(query) == expected


def test_each_sentence_speaks_for_itself() -> None:
    text = "Denies fever. Fevers to 39 last night. Mother had fever."
    assert said("fever", text) == [
        (["fever"], NEGATED),
        (["Fevers"], Assertion()),
        (["fever"], OTHER),
    ]


def test_words_that_say_the_same_are_found() -> None:
    assert said("myocardial infarction", "Denies heart attack.") == [(["heart attack"], NEGATED)]


def test_a_sentence_that_says_more_of_the_query_in_one_place_is_judged_by_that_place() -> None:
    ((terms, assertion),) = said("chest pain", "No chest pain; has knee pain.")
    assert terms == ["chest", "pain", "pain"]
    assert assertion == NEGATED


def test_of_two_concepts_in_a_sentence_the_one_that_is_not_so_decides() -> None:
    ((_, assertion),) = said("fever cough", "Fever without cough.")
    assert assertion.polarity is Polarity.NEGATED


def test_a_section_that_begins_in_the_stretch_counts_from_there() -> None:
    text = "Gout. FAMILY HISTORY: Healthy. Gout in the past. PLAN: Treat gout."
    found = [assertion for _, assertion in said("gout", text, "assessment")]
    assert [one.experiencer is Experiencer.OTHER for one in found] == [False, True, False]


def test_a_text_without_the_words_has_no_mention() -> None:
    assert said("gout", "Well. No complaints.") == []
    assert said("gout", "") == []


_PARTS = st.sampled_from(
    [
        "no ",
        "denies ",
        "mother had ",
        "possible ",
        "rash ",
        ". ",
        "\n",
        "\n\n",
        ": ",
        "- ",
        "; ",
        "? ",
    ]
)


@settings(max_examples=300)
@given(st.lists(_PARTS, max_size=25), st.integers(0, 99), st.integers(0, 99))
def test_a_mention_is_judged_by_its_whole_sentence_wherever_the_stretch_is_cut(
    parts: list[str], before: int, after: int
) -> None:
    text = "fever up and up ".join(["", *parts, ""])
    start, end = min(before, len(text)), max(len(text) - after, min(before, len(text)))
    for mention in Concepts("fever").mentions(text, start, end, None):
        plain = [assess_in(text, first, last, None) for first, last in mention.terms]
        assert mention.assertion == min(plain, key=distance)
