"""The whole line with the built-in model over the sample notes."""

from pathlib import Path

import pytest

from notekin import api, samples
from notekin.api import Store
from notekin.indexer.encoder import NoteEncoder
from notekin.samples import guide
from notekin.settings import read_settings

DEEP = {
    "note-0023": "which patient may never be given heparin?",
    "note-0202": "anaphylaxis to skin antiseptic",
    "note-0221": "bird keeper with lung disease",
    "note-0229": "enzyme deficiency that forbids dapsone",
    "note-0235": "adrenal nodule found by chance, phaeochromocytoma suspected",
}
"""What to ask for the fact that stands past token 4,096 of each note."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = api.open(tmp_path_factory.mktemp("samples") / "store", model="builtin")
    report = store.index(samples.path(), source="samples")
    assert (report.added, report.rejected) == (277, 0)
    assert report.tokens_seen == report.tokens_total
    return store


@pytest.mark.parametrize("query", guide.demo_queries(), ids=lambda query: query.text)
def test_a_demo_query_finds_a_note_that_says_it_in_other_words(
    store: Store, query: guide.DemoQuery
) -> None:
    """By meaning alone: where other notes have the query's words, those mislead."""
    assert store.search(query.text, 3, mode="dense")[0].note_id in query.means_it


@pytest.mark.parametrize("fact", guide.deep_facts(), ids=lambda fact: fact.note_id)
def test_a_needle_past_token_4096_is_found_with_its_evidence(
    store: Store, fact: guide.DeepFact
) -> None:
    hits = {hit.note_id: hit for hit in store.search(DEEP[fact.note_id], 3)}
    assert fact.note_id in hits
    shown = store.show(fact.note_id)
    assert shown.facts.tokens_seen == shown.facts.tokens_total > 4096
    best = hits[fact.note_id].evidence[0]
    before = sum(part.tokens for part in shown.passages if part.end <= best.start)
    assert before > 4096
    assert shown.text[best.start : best.end] == best.text


def test_the_notes_with_a_needle_are_those_asked_for() -> None:
    assert {fact.note_id for fact in guide.deep_facts()} == set(DEEP)


def test_a_note_copied_forward_is_the_nearest_to_its_original(store: Store) -> None:
    found = store.similar("note-0019", 5)
    assert found[0].patient_id == "P003"
    assert Path(store.path).is_dir()


def test_a_first_query_ranks_as_torch_does(store: Store) -> None:
    settings = read_settings()
    exact = NoteEncoder.load("builtin", settings.cache, precision="fp32")
    exact.encode(["fever"] * 2)  # more than one text loads torch
    torch_store = api.open(store.path, encoder=exact)
    for query in guide.demo_queries():
        first = NoteEncoder.load("builtin", settings.cache)
        assert float(first.encode([query.text])[0] @ exact.encode([query.text])[0]) > 0.99999
        found = api.open(store.path, encoder=first).search(query.text)
        expected = torch_store.search(query.text)
        assert [hit.note_id for hit in found] == [hit.note_id for hit in expected]
