"""Which column is which field."""

from __future__ import annotations

from pathlib import Path

import pytest

from notekin.column_names import FIELDS, USUAL_NAMES
from notekin.errors import ReaderError, UsageError
from notekin.indexer.readers.forms import FORMS
from notekin.indexer.readers.mapping import bind_columns

MIMIC_III = [
    "ROW_ID",
    "SUBJECT_ID",
    "HADM_ID",
    "CHARTDATE",
    "CHARTTIME",
    "STORETIME",
    "CATEGORY",
    "DESCRIPTION",
    "CGID",
    "ISERROR",
    "TEXT",
]
MIMIC_IV = [
    "note_id",
    "subject_id",
    "hadm_id",
    "note_type",
    "note_seq",
    "charttime",
    "storetime",
    "text",
]
OMOP = [
    "note_id",
    "person_id",
    "note_date",
    "note_datetime",
    "note_type_concept_id",
    "note_class_concept_id",
    "note_title",
    "note_text",
    "encoding_concept_id",
    "language_concept_id",
    "provider_id",
    "visit_occurrence_id",
    "visit_detail_id",
    "note_source_value",
]


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        (
            MIMIC_III,
            {
                "note_id": "ROW_ID",
                "text": "TEXT",
                "patient_id": "SUBJECT_ID",
                "encounter_id": "HADM_ID",
                "recorded_at": "CHARTTIME",
                "category": "CATEGORY",
                "title": "DESCRIPTION",
                "author": "CGID",
            },
        ),
        (
            MIMIC_IV,
            {
                "note_id": "note_id",
                "text": "text",
                "patient_id": "subject_id",
                "encounter_id": "hadm_id",
                "recorded_at": "charttime",
                "category": "note_type",
            },
        ),
        (
            OMOP,
            {
                "note_id": "note_id",
                "text": "note_text",
                "patient_id": "person_id",
                "encounter_id": "visit_occurrence_id",
                "recorded_at": "note_datetime",
                "category": "note_class_concept_id",
                "title": "note_title",
                "author": "provider_id",
            },
        ),
    ],
)
def test_the_clinical_forms_are_known_by_their_headers(
    columns: list[str], fields: dict[str, str]
) -> None:
    assert bind_columns(columns).of_field == fields
    assert bind_columns([name.lower() for name in columns]).of_field == {
        field: column.lower() for field, column in fields.items()
    }


def test_only_mimic_iii_has_an_error_flag() -> None:
    assert bind_columns(MIMIC_III).error_flag == "ISERROR"
    assert bind_columns(["id", "text", "is_error"]).error_flag is None
    assert bind_columns(["id", "text", "iserror"], form=FORMS["mimic-iii"]).error_flag == "iserror"


@pytest.mark.parametrize(
    ("field", "name"), [(field, name) for field in FIELDS for name in USUAL_NAMES[field]]
)
def test_every_usual_name_is_found_in_any_spelling(field: str, name: str) -> None:
    others = {"note_id": "note_id", "text": "text"}
    rest = [column for other, column in others.items() if other != field]
    for spelling in (name, name.upper(), name.replace("_", " "), name.replace("_", "").title()):
        assert bind_columns([*rest, spelling]).of_field[field] == spelling


@pytest.mark.parametrize("field", FIELDS)
def test_the_best_name_wins_wherever_it_stands(field: str) -> None:
    names = USUAL_NAMES[field]
    needed = [name for name in ("note_id", "text") if name not in names]
    assert bind_columns([*needed, *names]).of_field[field] == names[0]
    assert bind_columns([*needed, *reversed(names)]).of_field[field] == names[0]


def test_no_name_belongs_to_two_fields() -> None:
    names = [name.replace("_", "") for field in FIELDS for name in set(USUAL_NAMES[field])]
    assert len(names) - len(set(names)) == 1  # id and _id are one name, of one field


def test_the_docs_list_every_usual_name_in_order() -> None:
    page = (Path(__file__).parents[2] / "docs/readers.md").read_text()
    for names in USUAL_NAMES.values():
        assert f"| {', '.join(names)} |" in page


def test_a_subject_is_a_title_and_no_patient() -> None:
    found = bind_columns(["note_id", "text", "subject"]).of_field
    assert found["title"] == "subject"
    assert "patient_id" not in found


def test_the_exact_spelling_wins_over_a_looser_one() -> None:
    assert bind_columns(["Note ID", "note_id", "text"]).of_field["note_id"] == "note_id"


def test_what_a_person_maps_goes_before_every_usual_name() -> None:
    columns = bind_columns(["note_id", "text", "mrn", "patient_id"], {"patient_id": "mrn"})
    assert columns.of_field["patient_id"] == "mrn"


def test_a_mapped_column_is_not_taken_for_another_field() -> None:
    columns = bind_columns(["note_id", "note", "type"], {"text": "type"})
    assert columns.of_field == {"note_id": "note_id", "text": "type"}


def test_a_mapped_column_is_found_in_another_spelling() -> None:
    assert bind_columns(["id", "Free Text"], {"text": "free_text"}).of_field["text"] == "Free Text"


def test_members_of_metadata_are_looked_up_after_the_outer_columns() -> None:
    found = bind_columns(["metadata.note_id", "_id", "text", "metadata.patient_id"]).of_field
    assert found["note_id"] == "_id"
    assert found["patient_id"] == "metadata.patient_id"


def test_a_field_keeps_its_column_when_better_names_turn_up_later() -> None:
    first = bind_columns(["id", "text", "mrn"])
    later = first.seeing(["id", "text", "patient_id", "hadm_id"])
    assert later.of_field["patient_id"] == "mrn"
    assert later.of_field["encounter_id"] == "hadm_id"
    assert later.seeing(["id", "mrn"]) is later


@pytest.mark.parametrize("field", ["text", "note_id"])
def test_a_source_without_text_or_ids_is_refused_with_what_to_type(field: str) -> None:
    other = {"text": "note_id", "note_id": "text"}[field]
    with pytest.raises(ReaderError, match=rf"{other}, NOTATKA.*--map {field}=COLUMN"):
        bind_columns([other, "NOTATKA"], are_names=False)


def test_a_first_line_that_may_be_a_note_is_not_repeated() -> None:
    with pytest.raises(ReaderError, match="None of its 2 columns has a usual name") as caught:
        bind_columns(["Zyrianna Quexley", "was seen today"], are_names=False)
    assert "Zyrianna" not in str(caught.value)
    with pytest.raises(ReaderError) as caught:
        bind_columns(["Zyrianna Quexley", "Zyrianna Quexley"], are_names=False)
    assert "Zyrianna" not in str(caught.value)


def test_an_unknown_field_is_refused_with_the_closest_one() -> None:
    with pytest.raises(UsageError, match=r"no field 'pacient_id'.*patient_id"):
        bind_columns(["id", "text"], {"pacient_id": "id"})
    with pytest.raises(UsageError, match=r"The fields are note_id, text"):
        bind_columns(["id", "text"], {"zzz": "id"})


def test_an_unknown_column_is_refused_with_the_closest_one() -> None:
    with pytest.raises(UsageError, match=r"no column 'NOTATKI' for text.*NOTATKA"):
        bind_columns(["id", "NOTATKA"], {"text": "NOTATKI"})
    with pytest.raises(UsageError, match=r"Its columns are id, body"):
        bind_columns(["id", "body"], {"text": "zzz"})


def test_two_columns_of_one_name_are_refused_by_name() -> None:
    with pytest.raises(ReaderError, match="same name: text"):
        bind_columns(["id", "text", "text"])


def test_a_long_list_of_columns_is_cut() -> None:
    with pytest.raises(ReaderError, match="and 61 more") as caught:
        bind_columns(["id", *(f"c{number}" for number in range(100))])
    assert len(str(caught.value)) < 600
