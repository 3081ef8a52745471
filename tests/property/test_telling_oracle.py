"""The store tells which passages say what is wanted as a plain reading of the notes does."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.storage.wanted import Wanted
from notekin.types import Note, NoteKey
from tests.support.notes import commit, note, store_of
from tests.support.telling import told_plainly
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=4)
WORDS = st.sampled_from(["fever", "cough", "the", "of", "x-ray", "pain", "chest", "7", "\n\n"])
NOTES = st.builds(
    lambda number, text, title: note(f"n{number}", text, title=title),
    st.integers(0, 9),
    st.lists(WORDS, max_size=60).map(" ".join),
    st.none() | st.lists(WORDS, max_size=4).map(" ".join),
)
COMMITS = st.lists(
    st.lists(NOTES, min_size=1, max_size=6, unique_by=lambda one: one.note_id),
    min_size=1,
    max_size=3,
)
TERMS = st.sampled_from(["fever", "cough", "ray", "xray", "pain", "chest", "7", "absent"])
PHRASES = st.tuples(TERMS, st.lists(st.tuples(TERMS, st.integers(1, 3)), max_size=2)).map(
    lambda pair: ((pair[0], 0), *pair[1])
)
WANTED = st.lists(
    st.builds(
        Wanted,
        st.lists(st.lists(TERMS, min_size=1, max_size=2).map(tuple), min_size=1, max_size=3).map(
            tuple
        ),
        st.lists(PHRASES, max_size=2).map(tuple),
    ),
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(COMMITS, WANTED)
def test_each_passage_is_told_to_say_what_it_says(
    commits: list[list[Note]], wanted: list[Wanted]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(Path(folder) / "store", ENCODER)
        live: dict[str, Note] = {}
        for notes in commits:
            commit(store, ENCODER, *notes)
            live |= {one.note_id: one for one in notes}
        snapshot = store.snapshot()
        keys = [snapshot.find(name).note_key for name in sorted(live, reverse=True)]
        told = snapshot.telling(wanted).of([*keys, NoteKey(10_000)])
        assert told.pop() == {}
        for key, one in zip(keys, told, strict=True):
            (content,) = snapshot.contents([key])
            assert one == told_plainly(content.text, content.passages, wanted)
        store.close()
