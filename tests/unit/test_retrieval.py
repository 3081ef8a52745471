from pathlib import Path

import pandas as pd
import pytest

from notekin.errors import UsageError
from notekin.search.examples import Examples
from notekin.search.filters import condition_of
from notekin.search.finding import Finder
from notekin.search.mode import Mode
from notekin.search.request import Request
from tests.support.notes import CANARY, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
LONG = " ".join(["fever"] * 500)


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> Finder:
    folder = store_of(
        tmp_path_factory.mktemp("retrieval") / "store",
        ENCODER,
        note("long", LONG, category="a"),
        note("cough", "cough at night", category="a", attributes={"age": 5}),
        note("rash", "a rash on the arm and a fever at night after the walk", category="b"),
        note("copy", "cough at night", category="b"),
        note("empty", ""),
    )
    return Finder(folder.snapshot(), ENCODER)


def test_k_notes_come_back_though_one_note_holds_the_nearest_hundred_passages(
    finder: Finder,
) -> None:
    found = finder.search("fever", Request(5))
    assert [hit.note_id for hit in found[:2]] == ["long", "rash"]
    assert len({hit.note_id for hit in found}) == 5


def test_a_word_of_the_title_alone_finds_the_note_by_words(tmp_path: Path) -> None:
    folder = store_of(
        tmp_path / "s",
        ENCODER,
        note("other", "the weather was fine", title="A walk"),
        note("titled", "he was seen and sent home", title="Headache clinic"),
    )
    finder = Finder(folder.snapshot(), ENCODER)
    assert [hit.note_id for hit in finder.search("headaches", Request(2, mode=Mode.LEXICAL))] == [
        "titled"
    ]
    assert finder.search("headaches", Request(2))[0].note_id == "titled"
    assert (
        len(finder.search("clinic of headaches", Request(2, mode=Mode.LEXICAL, sections=("x",))))
        == 0
    )


def test_lexical_mode_finds_only_notes_that_say_it_or_the_same(finder: Finder) -> None:
    found = finder.search("pyrexia", Request(5, mode=Mode.LEXICAL))
    assert {hit.note_id for hit in found} == {"long", "rash"}
    assert len(finder.search("pyrexia", Request(5))) == 5


@pytest.mark.parametrize("mode", Mode)
def test_a_query_of_stop_words_or_signs_still_gives_k_by_meaning(
    finder: Finder, mode: Mode
) -> None:
    for text in ("the of", "?!"):
        assert len(finder.search(text, Request(3, mode=mode))) == (0 if mode is Mode.LEXICAL else 3)


def test_each_hit_tells_its_rank_and_score_by_channel(finder: Finder) -> None:
    found = finder.search("cough at night", Request(5))
    assert {name for hit in found for name in hit.channels} == {"dense", "lexical"}
    for name in ("dense", "lexical"):
        seen = sorted((hit.channels[name] for hit in found), key=lambda one: one.rank)
        assert seen[0].rank == 1
        scores = [one.score for one in seen]
        assert scores == sorted(scores, reverse=True)
    (dense,) = finder.search("cough at night", Request(1, mode=Mode.DENSE))
    assert dense.channels["dense"].score == dense.score


def test_more_than_there_is_gives_all_there_is(finder: Finder) -> None:
    assert len(finder.search("cough", Request(100))) == 5
    assert len(finder.search("cough", Request(100, condition_of({"category": "b"})))) == 2


def test_a_filter_that_nothing_meets_gives_no_hit(finder: Finder) -> None:
    assert len(finder.search("cough", Request(10, condition_of({"category": "zzz"})))) == 0


def test_the_best_evidence_is_the_passage_that_says_it(finder: Finder) -> None:
    (hit,) = [one for one in finder.search("fever", Request(5)) if one.note_id == "rash"]
    assert "fever" in hit.evidence[0].text
    assert hit.evidence[0].score == max(one.score for one in hit.evidence)


def test_similar_leaves_the_note_itself_out_and_finds_its_copy(finder: Finder) -> None:
    found = finder.like(Examples(like=["cough"]), Request(4))
    assert found[0].note_id == "copy"
    assert found[0].score == pytest.approx(1.0, abs=1e-5)
    assert "cough" not in [hit.note_id for hit in found]
    assert len(found) == 4


@pytest.mark.parametrize("k", [0, -1])
def test_asking_for_no_hits_is_refused(finder: Finder, k: int) -> None:
    with pytest.raises(UsageError):
        finder.search("cough", Request(k))
    with pytest.raises(UsageError):
        finder.like(Examples(like=["cough"]), Request(k))


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_query_is_refused(finder: Finder, text: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        finder.search(text, Request(3))


def test_results_turn_into_a_table_with_attributes_as_columns(finder: Finder) -> None:
    table = finder.search("cough", Request(2)).to_pandas()
    assert isinstance(table, pd.DataFrame)
    assert set(table["note_id"]) == {"cough", "copy"}
    assert table.set_index("note_id").loc["cough", "age"] == 5
    assert table["evidence"].iloc[0] == "cough at night"


def test_results_show_themselves_in_a_notebook_with_the_text_escaped(tmp_path: Path) -> None:
    folder = store_of(tmp_path / "s", ENCODER, note("<n>", f"<script> {CANARY}"))
    shown = Finder(folder.snapshot(), ENCODER).search("script", Request(1))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;n&gt;" in shown
    assert CANARY in shown
