import pytest

from notekin.search.spelling import american, spellings
from notekin.search.thesaurus import built_in
from notekin.search.wording import wanted_of
from notekin.storage.wanted import Wanted


def words(text: str) -> list[str]:
    return [word[0] for one in wanted_of(text) for word in one.words]


def test_each_word_is_wanted_once_in_the_order_of_the_text() -> None:
    assert words("Ankle, knee and ankles") == ["ankl", "knee"]


@pytest.mark.parametrize("text", ["", " ", "the of and", "..."])
def test_a_query_without_a_word_to_compare_wants_nothing(text: str) -> None:
    assert wanted_of(text) == []


def test_patient_is_said_of_every_note_and_counts_only_alone() -> None:
    assert words("patients with hiccups") == ["hiccup"]
    assert words("patients") == ["patient"]


def test_both_spellings_of_a_word_are_one_word() -> None:
    (wanted,) = wanted_of("haematemesis")
    assert set(wanted.words[0]) == {"haematemesi", "hematemesi"}
    assert set(wanted_of("hematemesis")[0].words[0]) == {"haematemesi", "hematemesi"}


@pytest.mark.parametrize(
    ("british", "american_word"),
    [
        ("oedema", "edema"),
        ("anaemia", "anemia"),
        ("haemorrhage", "hemorrhage"),
        ("diarrhoea", "diarrhea"),
        ("dyspnoea", "dyspnea"),
        ("oesophagus", "esophagus"),
        ("paediatric", "pediatric"),
        ("tumour", "tumor"),
        ("hypokalaemia", "hypokalemia"),
        ("anaesthesia", "anesthesia"),
        ("faecal", "fecal"),
        ("catheterisation", "catheterization"),
    ],
)
def test_spellings_go_both_ways(british: str, american_word: str) -> None:
    assert american(british) == american_word
    assert american_word in spellings(british)
    assert british in spellings(american_word)


@pytest.mark.parametrize("word", ["hemiparesis", "chemotherapy", "shoe", "pain", "b12", "does"])
def test_a_word_that_is_spelled_in_one_way_stays_alone(word: str) -> None:
    assert spellings(word) == (word,)


def test_short_forms_and_what_they_stand_for_find_each_other() -> None:
    (short,) = wanted_of("HTN")
    assert (("hypertens", 0),) in short.others
    (long,) = wanted_of("high blood pressure")
    assert (("htn", 0),) in long.others
    assert len(long.words) == 3


def test_what_has_several_meanings_is_found_by_the_one_and_does_not_ask_for_it() -> None:
    (asked,) = wanted_of("pallor")
    assert (("pale", 0),) in asked.others
    assert wanted_of("pale") == [Wanted((("pale",),))]


def test_stop_words_between_are_gaps() -> None:
    (asked,) = wanted_of("shortness of breath")
    assert [word[0] for word in asked.words] == ["short", "breath"]
    (other,) = wanted_of("dyspnea")
    assert (("short", 0), ("breath", 2)) in other.others


def test_the_longest_known_words_go_together() -> None:
    wanted = wanted_of("congestive heart failure")
    assert len(wanted) == 1
    assert (("chf", 0),) in wanted[0].others


def test_joined_words_are_found_apart_and_together() -> None:
    (wanted,) = wanted_of("x-ray")
    assert [word[0] for word in wanted.words] == ["x", "ray"]
    assert (("xray", 0),) in wanted.others


def test_no_entry_of_the_thesaurus_says_itself_or_nothing() -> None:
    entries = built_in().entries
    assert len(entries) > 300
    for terms, phrases in entries.items():
        assert terms
        assert phrases
        for phrase in phrases:
            assert phrase
            assert phrase[0][1] == 0
