"""Sections: where each begins, and its title."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notekin.section_titles import title_of
from notekin.sections import sections_of


def titles(text: str) -> list[str | None]:
    return [section.title for section in sections_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HISTORY OF PRESENT ILLNESS: Cough.\n\nPMHx: none", ["history of present illness"]),
        ("Chief Complaint:\nchest pain\n", ["chief complaint"]),
        ("**Allergies/intolerances**\nNKDA", ["allergies"]),
        ("# Past Medical History\n- asthma", ["past medical history"]),
        ("A/P: 63M with CHF", ["assessment and plan"]),
        ("Family hx - mother had MI", ["family history"]),
        ("Medications\naspirin", ["medications"]),
        ("1. CHIEF COMPLAINT: pain", ["chief complaint"]),
        ("Brief Hospital Course:\nAdmitted.", ["hospital course"]),
        ("ALLERGIES : NKDA", ["allergies"]),
        ("CT ABDOMEN: The liver is normal.", ["ct abdomen"]),
        ("Left Ventricle:\nnormal size", ["left ventricle"]),
    ],
)
def test_a_heading_in_any_usual_form_begins_a_section(text: str, expected: list[str]) -> None:
    assert titles(text)[:1] == expected


def test_what_stands_before_the_first_heading_has_no_title() -> None:
    assert titles("Seen today.\nPLAN: rest") == [None, "plan"]


def test_a_heading_in_the_middle_of_a_line_begins_a_section_after_a_full_stop() -> None:
    text = "IMPRESSION: Viral infection. ASSESSMENT AND PLAN: Rest. Allergies: none known."
    assert titles(text) == ["impression", "assessment and plan", "allergies"]


def test_a_heading_after_a_heading_begins_a_section() -> None:
    assert titles("SUBJECTIVE: CHIEF COMPLAINT: cough") == ["subjective", "chief complaint"]


def test_body_systems_stay_in_the_section_they_are_in() -> None:
    assert titles("PHYSICAL EXAM: VITAL SIGNS: stable.\nHEENT: clear\nLungs: clear") == [
        "physical exam"
    ]
    assert titles("ROS:\nGI: no nausea\nNeuro: no headache") == ["review of systems"]


def test_body_systems_after_vital_signs_are_the_physical_exam() -> None:
    text = "FAMILY HISTORY: none\nVITALS: BP 120/80\nHEENT: clear\nLungs: clear\nPLAN: rest"
    assert titles(text) == ["family history", "vital signs", "physical exam", "plan"]


@pytest.mark.parametrize(
    "text",
    [
        "Fever: No\nCough: yes",
        "FEVER: No. COUGH: denies",
        "WBC: 5.4\nBP: 120/80",
        "The plan: we shall wait. The patient agreed: yes.",
        "History of asthma since childhood.",
        "Impression was that of a healthy man",
        "Service: MEDICINE",
        "RR: 18. P: 93. T: 98.6",
        "Height 5. WEIGHT: The patient is thin.",
        "Marine542 Ai120\nis 61",
        "",
    ],
)
def test_values_and_sentences_are_no_headings(text: str) -> None:
    assert titles(text) in ([], [None])


@pytest.mark.parametrize(
    "heading",
    ["A/P", "A&P", "Assessment & Plan", "IMPRESSION/PLAN:", "assessment and plan", "a and p"],
)
def test_one_title_stands_for_all_spellings(heading: str) -> None:
    assert title_of(heading) == "assessment and plan"


def test_an_unknown_heading_is_its_own_title() -> None:
    assert title_of("  Nerve Conduction STUDIES: ") == "nerve conduction studies"


def test_a_title_is_the_title_of_itself() -> None:
    from notekin.section_titles import _HEADINGS

    for title in _HEADINGS:
        assert title_of(title) == title


def test_no_heading_stands_in_the_table_twice() -> None:
    from notekin.section_titles import _HEADINGS, _spelled

    written = [
        (title, _spelled(heading))
        for title, headings in _HEADINGS.items()
        for heading in (title, *headings.split(";"))
    ]
    for heading in {spelled for _, spelled in written}:
        assert len({title for title, spelled in written if spelled == heading}) == 1, heading


_PIECE = st.sampled_from(
    ["PLAN:", "A/P", "\n", ". ", "Allergies: ", "**PMH**", "# ", "denies", "é\x00\ud800", "HEENT:"]
)


@given(st.lists(_PIECE | st.text(max_size=12), max_size=12).map("".join))
def test_sections_are_the_text_without_gap_or_overlap(text: str) -> None:
    sections = sections_of(text)
    assert "".join(text[section.start : section.end] for section in sections) == text
    assert all(section.end > section.start for section in sections)


def test_long_texts_take_time_in_proportion() -> None:
    for text in ("A" * 200_000, "a " * 100_000, "\n" * 200_000, "A. " * 70_000, " \t" * 100_000):
        assert len(sections_of(text)) == 1


def test_sections_load_nothing_heavy() -> None:
    code = (
        "import sys, notekin.sections; "
        "print({'torch', 'faiss', 'numpy', 'spacy'} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
