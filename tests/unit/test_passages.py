import itertools
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from notekin.indexer.passages import TokenRange, split


def starts_of_words(text: str) -> np.ndarray:
    return np.array([match.start() for match in re.finditer(r"\w+|[^\w\s]", text)], np.int32)


def texts_of(text: str, size: int) -> list[str]:
    starts = starts_of_words(text)
    ends = [*starts[1:], len(text)]
    return [
        text[starts[found.first] : ends[found.last - 1]].strip()
        for found in split(text, starts, size)
    ]


@given(st.text(), st.integers(1, 64))
def test_passages_hold_every_token_once_in_order_and_no_more_than_the_size(
    text: str, size: int
) -> None:
    starts = starts_of_words(text)
    found = split(text, starts, size)
    assert found[0].first == 0
    assert found[-1].last == len(starts)
    assert all(left.last == right.first for left, right in itertools.pairwise(found))
    assert all(piece.last - piece.first <= size for piece in found)


def test_a_passage_begins_where_a_sentence_does() -> None:
    text = "She denies chest pain. Father had a stroke at 50.\nPlan: start aspirin 81 mg daily."
    assert texts_of(text, 8) == [
        "She denies chest pain.",
        "Father had a stroke at 50.",
        "Plan: start aspirin 81 mg daily.",
    ]


def test_a_decimal_number_ends_no_sentence() -> None:
    assert texts_of("Potassium 3.4 today and 4.1 later", 7)[0].startswith("Potassium 3.4")


def test_a_long_sentence_is_cut_between_words() -> None:
    text = " ".join(f"a-b{number}" for number in range(20))  # three tokens a word
    parts = texts_of(text, 8)
    assert all(part.startswith("a-b") for part in parts)
    assert " ".join(parts) == text


def test_a_word_longer_than_a_passage_is_cut_all_the_same() -> None:
    assert texts_of("-" * 10, 4) == ["----", "---", "---"]


def test_sentences_are_joined_while_they_fit() -> None:
    assert texts_of("No fever. No cough. No rash.", 6) == ["No fever. No cough.", "No rash."]


def test_a_text_without_tokens_has_one_empty_passage() -> None:
    assert split("  \n ", np.array([], np.int32), 128) == [TokenRange(0, 0)]
