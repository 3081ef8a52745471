"""A note and a query become the same words, and each word says where it stands."""

import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notekin.words import LONGEST, Word, phrase_readings, read_words, words_of


def terms(text: str) -> list[str]:
    return [word.term for word in words_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HbA1c T2DM B12", ["hba1c", "t2dm", "b12"]),
        ("5-FU", ["5", "5fu", "fu"]),
        ("x-ray", ["x", "xray", "ray"]),
        ("C. diff", ["c", "diff"]),
        ("120/80", ["120", "80"]),
        ("2.5 1,000", ["2.5", "1000"]),
        ("mg/dL", ["mg", "mgdl", "dl"]),
        ("s/p w/o", ["s", "sp", "p", "w", "wo", "o"]),
        ("40mg 65yo 5FU", ["40", "mg", "65", "yo", "5fu"]),
        ("Crohn's Crohn\u2019s crohn", ["crohn", "crohn", "crohn"]),
        ("don't O'Brien", ["dont", "obrien"]),
        ("Ménière cafe\u0301 ﬁbrosis", ["menier", "cafe", "fibrosi"]),
        ("5 µg", ["5", "ug"]),
        ("fractures fractured", ["fractur", "fractur"]),
        ("no fever, not on warfarin", ["no", "fever", "not", "on", "warfarin"]),
        ("hepatitis A", ["hepat", "a"]),
        ("2019-03-04", ["2019", "03", "04"]),
        ("state-of-the-art", ["state", "art"]),
        ("12_34 \0 \ud800 😀 --", ["12", "34"]),
        ("肺炎 x", ["肺", "炎", "x"]),
        ("the of and", []),
        ("", []),
    ],
)
def test_text_becomes_these_words(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_stop_words_are_left_out_and_counted_in_place() -> None:
    assert words_of("pain in the chest") == [Word("pain", 0, 4, 0), Word("chest", 12, 17, 3)]


def test_offsets_are_those_of_the_text_as_it_was() -> None:
    text = "\u0130 ½ ﬁn cafe\u0301 Straße x-ray"
    found = [(word.term, text[word.start : word.end]) for word in words_of(text)]
    assert found == [
        ("i", "\u0130"),
        ("1", "½"),
        ("2", "½"),
        ("fin", "ﬁn"),
        ("cafe", "cafe\u0301"),
        ("straße", "Straße"),
        ("x", "x"),
        ("xray", "x-ray"),
        ("ray", "ray"),
    ]


@given(st.text(max_size=60) | st.text("aé-/'1.,\u0301ﬁ½ \n", max_size=60))
def test_any_text_has_words_in_order_within_it(text: str) -> None:
    words = words_of(text)
    assert [word.place for word in words] == sorted(word.place for word in words)
    for word in words:
        assert 0 <= word.start < word.end <= len(text)
        assert word.term.encode()
        assert len(word.term) <= LONGEST
        assert word.term in {again.term for again in words_of(text[word.start : word.end])}
    assert read_words(text).length <= len(read_words(text).starts)


@given(st.text("abé -/'1.,mg", max_size=30))
def test_upper_case_gives_the_same_words(text: str) -> None:
    assert terms(text.upper()) == terms(text)


@pytest.mark.parametrize("part", ["a", "1.", "1,111", "1,", "a'", "é-", "a-", "1", "\u0301", "a/"])
def test_a_text_of_a_million_letters_takes_seconds_at_most(part: str) -> None:
    began = time.process_time()
    words = words_of(part * (1_000_000 // len(part)))
    assert all(len(word.term) <= LONGEST for word in words)
    assert time.process_time() - began < 15


def test_threads_get_the_same_stems() -> None:
    text = " ".join(
        f"fracturing{number:x}ing walking{chr(97 + number % 26)}s" for number in range(5_000)
    )
    expected, found = terms(text), []
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: found.append(terms(text))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert found == [expected] * 4


def test_a_phrase_is_read_by_its_parts_and_as_others_write_it() -> None:
    assert phrase_readings("shortness of breath") == [[("short", 0), ("breath", 2)]]
    assert phrase_readings("the chest x-ray") == [
        [("chest", 0), ("x", 1), ("ray", 2)],
        [("chest", 0), ("xray", 1)],
    ]
    assert phrase_readings("of the") == []
