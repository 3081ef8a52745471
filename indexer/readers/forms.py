"""The clinical forms that notes are shared in, and what their columns mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Form:
    """A table layout known by name.

    Attributes:
        names: For a field, the column names that go before the usual ones.
        error_flag: The column that is 1 where the note is marked as an error.
        marks: Columns that, seen together, reveal the form; written without separators.
    """

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    error_flag: tuple[str, ...] = ()
    marks: frozenset[str] = frozenset()

    def or_revealed_by(self, bare_columns: Collection[str]) -> Form:
        """Return this form, or, if it is the general one, the form that the columns reveal."""
        if self is not ANY_FORM:
            return self
        return next(
            (form for form in FORMS.values() if form.marks and form.marks <= set(bare_columns)),
            self,
        )


ANY_FORM = Form()
"""No form in particular: columns go by their usual names."""

FORMS: Mapping[str, Form] = {
    "mimic-iii": Form(
        names={
            "note_id": ("row_id",),
            "patient_id": ("subject_id",),
            "encounter_id": ("hadm_id",),
            "recorded_at": ("charttime", "chartdate"),
            "category": ("category",),
            "title": ("description",),
            "author": ("cgid",),
        },
        error_flag=("iserror",),
        marks=frozenset({"rowid", "subjectid", "iserror", "text"}),
    ),
    "mimic-iv": Form(
        names={
            "note_id": ("note_id",),
            "patient_id": ("subject_id",),
            "encounter_id": ("hadm_id",),
            "recorded_at": ("charttime",),
            "category": ("note_type",),
        },
    ),
    "omop": Form(
        names={
            "note_id": ("note_id",),
            "text": ("note_text",),
            "patient_id": ("person_id",),
            "encounter_id": ("visit_occurrence_id",),
            "recorded_at": ("note_datetime", "note_date"),
            "category": ("note_class_concept_id",),
            "title": ("note_title",),
            "author": ("provider_id",),
        },
        marks=frozenset({"noteid", "personid", "notetext", "noteclassconceptid"}),
    ),
    "beir": Form(names={"note_id": ("_id",), "text": ("text",), "title": ("title",)}),
}
"""The forms by the name that ``format`` takes."""
