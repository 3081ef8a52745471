"""The names that columns of notes usually have."""

from __future__ import annotations

from collections.abc import Mapping

USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "note_id": ("note_id", "id", "_id", "row_id", "document_id", "doc_id", "report_id"),
    "text": (
        "text",
        "note_text",
        "report_text",
        "full_text",
        "note_content",
        "content",
        "body",
        "transcription",
        "narrative",
        "symptom_text",
        "note",
        "notes",
        "report",
    ),
    "patient_id": (
        "patient_id",
        "subject_id",
        "person_id",
        "pat_id",
        "patient_num",
        "mrn",
        "pat_mrn_id",
        "patient",
    ),
    "encounter_id": (
        "encounter_id",
        "hadm_id",
        "visit_occurrence_id",
        "visit_id",
        "encounter_num",
        "csn",
        "pat_enc_csn_id",
        "encounter",
    ),
    "category": (
        "category",
        "note_type",
        "note_class",
        "note_category",
        "document_type",
        "doc_type",
        "report_type",
        "type",
    ),
    "recorded_at": (
        "recorded_at",
        "note_datetime",
        "note_date",
        "charttime",
        "chartdate",
        "datetime",
        "date",
        "timestamp",
        "created_at",
    ),
    "author": (
        "author",
        "provider",
        "provider_id",
        "cgid",
        "clinician",
        "author_name",
        "author_id",
    ),
    "title": ("title", "note_title", "description", "subject"),
    "source": ("source", "source_system"),
}
"""The names that each field's column usually has, the best first.

Case and separators don't count: ``Patient ID`` is ``patient_id``.
"""

FIELDS = tuple(USUAL_NAMES)
"""What a note's column can be."""

DAY_OF: Mapping[str, str] = {
    "note_datetime": "note_date",
    "charttime": "chartdate",
    "datetime": "date",
}
"""The column that holds the day alone, beside the one that holds the time."""


def bare(name: str) -> str:
    """Return a column's name without case and separators."""
    return "".join(char for char in name.casefold() if char.isalnum())


def usual_field(column: str) -> str | None:
    """Return the field that a column of this name usually is; None where it is none's."""
    for field, names in USUAL_NAMES.items():
        if bare(column) in map(bare, names):
            return field
    return None
