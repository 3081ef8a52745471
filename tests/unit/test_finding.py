"""The whole way of a question: evidence, assertion, copies, groups, examples."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from notekin.errors import AmbiguousNoteError, NoSuchNoteError, UsageError
from notekin.search.asserted import Asserted, asserted_named
from notekin.search.examples import Examples
from notekin.search.filters import condition_of
from notekin.search.finding import Finder
from notekin.search.grouping import Grouping, grouping_named
from notekin.search.hits import Results
from notekin.search.mode import Mode
from notekin.search.request import Request
from notekin.types import Note, Polarity
from tests.support.notes import CANARY, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
CONDITIONS = ("asthma", "gout", "lupus", "migraine", "psoriasis")
SAID = {
    "has": "Presents today. Has {} for weeks. Plan to treat it.",
    "denies": "Presents today. Denies {} for weeks. Plan is rest.",
    "mother": "Presents today. Mother had {} when young. Plan is rest.",
    "maybe": "Presents today. Possible {} this week. Plan is tests.",
    "once": "Presents today. History of {} years back. Plan is rest.",
    "if": "Presents today. Return if {} develops at home. Plan is rest.",
}
LONG = " ".join(f"Word{at} other{at} thing{at} more{at}." for at in range(60))


def notes() -> list[Note]:
    return [
        note(f"{what}-{condition}", text.format(condition), patient=f"p-{condition}-{what}")
        for condition, (what, text) in itertools.product(CONDITIONS, SAID.items())
    ]


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> Finder:
    folder = store_of(tmp_path_factory.mktemp("finding") / "s", ENCODER, *notes())
    return Finder(folder.snapshot(), ENCODER)


def ids(found: Results) -> list[str]:
    return [hit.note_id for hit in found]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("affirmed", {"has", "once"}),
        ("current", {"has"}),
        ("negated", {"denies"}),
        ("possible", {"maybe"}),
        ("historical", {"once"}),
        ("hypothetical", {"if"}),
        ("family", {"mother"}),
        ("other", {"mother"}),
        ("asked", {"has", "once"}),
    ],
)
def test_notes_that_speak_so_of_it_come_first(
    finder: Finder, condition: str, name: str, expected: set[str]
) -> None:
    request = Request(len(expected), asserted=asserted_named(name))
    assert set(ids(finder.search(condition, request))) == {f"{one}-{condition}" for one in expected}


@pytest.mark.parametrize(
    ("query", "expected"),
    [("no gout", "denies"), ("mother had gout", "mother"), ("if gout develops", "if")],
)
def test_what_the_query_says_can_be_asked_for(finder: Finder, query: str, expected: str) -> None:
    request = Request(1, asserted=(Asserted.ASKED,))
    assert ids(finder.search(query, request)) == [f"{expected}-gout"]


def test_several_assertions_take_either(finder: Finder) -> None:
    request = Request(2, asserted=asserted_named(["negated", "family"]))
    assert set(ids(finder.search("gout", request))) == {"denies-gout", "mother-gout"}


@pytest.mark.parametrize("mode", list(Mode))
def test_k_come_back_however_far_down_they_stand(tmp_path: Path, mode: Mode) -> None:
    many = [note(f"no{at}", "Denies gout gout gout.", patient=f"p{at}") for at in range(150)]
    few = [note(f"yes{at}", f"{LONG} Has some gout. {LONG}", patient=f"q{at}") for at in range(3)]
    finder = Finder(store_of(tmp_path / "s", ENCODER, *many, *few).snapshot(), ENCODER)
    found = finder.search("gout", Request(3, mode=mode, asserted=(Asserted.AFFIRMED,)))
    assert set(ids(found)) == {"yes0", "yes1", "yes2"}
    assert len(finder.search("gout", Request(9, mode=mode, asserted=(Asserted.AFFIRMED,)))) == 3


def test_filters_hold_while_more_notes_are_looked_at(finder: Finder) -> None:
    condition = condition_of({"patient_id": ["p-gout-has", "p-gout-denies"]})
    request = Request(5, condition=condition, asserted=(Asserted.AFFIRMED,))
    assert ids(finder.search("gout", request)) == ["has-gout"]


@pytest.mark.parametrize("text", ["", " \n", "---"])
def test_a_note_without_words_asserts_nothing(tmp_path: Path, text: str) -> None:
    store = store_of(tmp_path / "s", ENCODER, note("empty", text), note("gout", "Has gout."))
    finder = Finder(store.snapshot(), ENCODER)
    affirmed = Request(5, asserted=(Asserted.AFFIRMED,))
    assert ids(finder.search("gout", affirmed)) == ["gout"]
    (empty,) = [hit for hit in finder.search("gout", Request(5)) if hit.note_id == "empty"]
    assert all(one.assertion is None for one in empty.evidence)


def test_evidence_says_where_it_stands_and_what_it_says(tmp_path: Path) -> None:
    text = "PLAN: rest.\n\nREVIEW OF SYSTEMS: Denies severe gout at night. Sleeps well."
    folder = store_of(tmp_path / "s", ENCODER, note("n", text))
    (hit,) = Finder(folder.snapshot(), ENCODER).search("severe gout", Request(1))
    best = hit.evidence[0]
    assert text[best.start : best.end] == best.text
    assert (best.start, best.end) == best.passage
    assert best.section == "review of systems"
    assert [text[start:end] for start, end in best.terms] == ["severe", "gout"]
    assert best.sentence is not None
    assert best.start <= best.sentence[0] < best.sentence[1] <= best.end
    assert best.assertion is not None
    assert best.assertion.polarity is Polarity.NEGATED


def test_context_widens_by_sentences_and_never_beyond_the_note(tmp_path: Path) -> None:
    text = "One is here. Two is here. Gout is severe today. Four is here. Five is here."
    folder = store_of(tmp_path / "s", ENCODER, note("n", text))
    finder = Finder(folder.snapshot(), ENCODER)

    def shown(context: int) -> str:
        return finder.search("gout severe", Request(1, context=context))[0].evidence[0].text

    assert "Gout is severe" in shown(0)
    assert shown(0) in shown(1) in shown(9)
    assert len(shown(0)) < len(shown(1)) < len(shown(9))
    assert shown(9) == text


def test_a_section_narrows_what_is_found_and_what_is_shown(tmp_path: Path) -> None:
    folder = store_of(
        tmp_path / "s",
        ENCODER,
        note("plan", "HISTORY OF PRESENT ILLNESS:\nGout for years.\n\nPLAN:\nTreat the gout now."),
        note("none", "HISTORY OF PRESENT ILLNESS:\nGout gout gout gout."),
    )
    finder = Finder(folder.snapshot(), ENCODER)
    found = finder.search("gout", Request(5, sections=("plan",)))
    assert ids(found) == ["plan"]
    assert {one.section for one in found[0].evidence} == {"plan"}


def copied() -> list[Note]:
    text = "Severe gout of the left great toe since Monday, worse at night, better with ice."
    return [
        *[note(f"copy{at}", text, patient="p1", encounter_id=f"e{at % 2}") for at in range(3)],
        note("own", "Gout again: severe, right toe, walks with a stick.", patient="p1"),
        note("p2", "Gout mentioned in passing, no severe attack seen, well.", patient="p2"),
        note("nobody1", "Gout, severe, of unknown person one."),
        note("nobody2", "Gout, severe, of unknown person two."),
    ]


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Finder:
    folder = store_of(tmp_path_factory.mktemp("charts") / "s", ENCODER, *copied())
    return Finder(folder.snapshot(), ENCODER)


def test_copies_come_after_all_others_and_none_is_lost(charts: Finder) -> None:
    found = charts.search("severe gout left great toe", Request(7))
    assert len(found) == 7
    assert len({name for name in ids(found)[-2:] if name.startswith("copy")}) == 2
    (first,) = [hit for hit in found[:5] if hit.note_id.startswith("copy")]
    assert first.copies == 2
    assert [hit.rank for hit in found] == [1, 2, 3, 4, 5, 6, 7]


def test_fewer_rows_than_there_are_leave_copies_out(charts: Finder) -> None:
    found = charts.search("severe gout left great toe", Request(3))
    assert len([name for name in ids(found) if name.startswith("copy")]) == 1


def test_a_patient_is_one_row_whose_copied_notes_count_once(charts: Finder) -> None:
    found = charts.search("severe gout left great toe", Request(9, by=Grouping.PATIENT))
    assert sorted(str(hit.patient_id) for hit in found) == ["None", "None", "p1", "p2"]
    (first,) = [hit for hit in found if hit.patient_id == "p1"]
    assert (first.notes, first.independent_notes) == (4, 2)


def test_as_many_patients_come_back_as_are_asked_for(charts: Finder) -> None:
    found = charts.search("severe gout left great toe", Request(4, by=Grouping.PATIENT))
    assert len(found) == 4


def test_an_encounter_is_one_row(charts: Finder) -> None:
    found = charts.search("severe gout left great toe", Request(9, by=Grouping.ENCOUNTER))
    named = [hit.encounter_id for hit in found if hit.encounter_id]
    assert sorted(named) == ["e0", "e1"]
    assert len(found) == 6


def test_examples_are_never_found_but_their_copies_are(charts: Finder) -> None:
    found = ids(charts.like(Examples(like=["copy0"]), Request(9)))
    assert found[0] in {"copy1", "copy2"}
    assert "copy0" not in found
    assert len(found) == 6


def test_like_and_unlike_pull_and_push(finder: Finder) -> None:
    like = ["has-gout", "denies-gout"]
    pushed = finder.like(Examples(like=like, unlike=["mother-gout"]), Request(29))
    assert not {*like, "mother-gout"} & set(ids(pushed))
    before = ids(finder.like(Examples(like=like), Request(29)))
    assert ids(pushed).index("mother-lupus") > before.index("mother-lupus")


def test_a_pasted_text_is_an_example(finder: Finder) -> None:
    text = SAID["has"].format("lupus") + " And more of it."
    assert ids(finder.like(Examples(texts=[text]), Request(1))) == ["has-lupus"]


def test_evidence_of_examples_asserts_nothing(finder: Finder) -> None:
    (hit,) = finder.like(Examples(like=["has-gout"]), Request(1))
    assert hit.evidence[0].assertion is None


@pytest.mark.parametrize(
    "examples", [Examples(), Examples(unlike=["has-gout"]), Examples(texts=[" "])]
)
def test_nothing_to_be_like_is_refused(finder: Finder, examples: Examples) -> None:
    with pytest.raises(UsageError, match="like"):
        finder.like(examples, Request(1))


def test_an_example_that_is_not_there_is_refused(finder: Finder, tmp_path: Path) -> None:
    with pytest.raises(NoSuchNoteError):
        finder.like(Examples(like=["nobody"]), Request(1))
    folder = store_of(
        tmp_path / "s", ENCODER, note("n", "gout", source="a"), note("n", "gout", source="b")
    )
    with pytest.raises(AmbiguousNoteError):
        Finder(folder.snapshot(), ENCODER).like(Examples(like=["n"]), Request(1))


def test_an_assertion_of_examples_is_refused(finder: Finder) -> None:
    with pytest.raises(UsageError, match="assert"):
        finder.like(Examples(like=["has-gout"]), Request(1, asserted=(Asserted.AFFIRMED,)))


def test_many_queries_get_the_answers_that_each_gets_alone(finder: Finder) -> None:
    queries, request = list(CONDITIONS), Request(4)
    together = finder.search_many(queries, request)
    assert [ids(one) for one in together] == [ids(finder.search(q, request)) for q in queries]


def test_names_that_are_none_are_refused_without_repeating_them() -> None:
    for refused in (asserted_named, grouping_named):
        with pytest.raises(UsageError) as error:
            refused(CANARY)
        assert CANARY not in str(error.value)


def test_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="k is 0"):
        Request(0)
    with pytest.raises(UsageError, match="context"):
        Request(1, context=-1)
