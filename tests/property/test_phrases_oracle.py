"""Phrases followed all at once are those that the plain way finds, one by one."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from notekin.search.phrase_notation import words_in
from notekin.search.phrase_oracle import find_plainly
from notekin.search.phrases import Phrases
from notekin.search.triggers import tables
from tests.support.assertions import labelled

WORDS = st.sampled_from(["a", "b", "c", ",", "<n>"])
TEXTS = st.lists(st.sampled_from(["a", "b", "c", ",", "<n>", "other"]), max_size=12)


def grouped(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return groups of some parts, with or without nothing as one of them, and rows of parts."""
    groups = st.lists(parts | st.just(""), min_size=1, max_size=3).map("|".join)
    return groups.map("({})".format) | st.lists(parts, min_size=1, max_size=3).map(" ".join)


WRITTEN = st.recursive(WORDS, grouped, max_leaves=5)
PHRASES = st.builds("{} {}".format, WORDS, WRITTEN) | WRITTEN
CONTEXTS = st.just("") | WRITTEN.map(" > {}".format)
TABLES = st.lists(
    st.tuples(st.builds("{}{}".format, PHRASES, CONTEXTS), st.sampled_from("xyz")), max_size=5
)


@settings(max_examples=500)
@example([("a (b|) > (b|) c", "x")], [["a", "b", "c"]])
@given(TABLES, st.lists(TEXTS, max_size=4))
def test_any_phrases_are_found_as_the_plain_way_finds_them(
    table: list[tuple[str, str]], texts: list[list[str]]
) -> None:
    phrases = Phrases(table, {})
    for words in texts:
        assert phrases.find(words) == find_plainly(phrases.entries, words)


def test_the_phrases_of_assertion_are_found_as_the_plain_way_finds_them() -> None:
    for table in (tables().doing, tables().stops):
        for one in labelled("development")[::5]:
            words = ["^", *words_in(one.text), "$"]
            assert table.find(words) == find_plainly(table.entries, words)
