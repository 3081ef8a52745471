"""FHIR R4 DocumentReference, from bulk exports (NDJSON) and bundles, as notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from notekin.errors import ReaderError
from notekin.indexer.readers.attachments import read_attachments
from notekin.indexer.readers.cells import CellError, clean, read_id, read_name
from notekin.indexer.readers.fhir_paths import (
    FhirObject,
    objects_at,
    referred_id,
    text_at,
    texts_at,
)
from notekin.indexer.readers.files import BROKEN_FILE, NOT_UTF8, UNREAD_REST, open_text
from notekin.indexer.readers.folder import place_of
from notekin.indexer.readers.json_stream import BrokenJsonError, JsonStream, NotDecodedError
from notekin.indexer.readers.jsonl import as_row, read_json_lines
from notekin.indexer.readers.rows import Row, Unread, dated
from notekin.types import AttributeValue, Note, NoteId, PatientId, Reject

_KIND = "DocumentReference"
_BROKEN_HERE = "the JSON is broken here: this resource and what follows were not read"


class FhirSource:
    """The documents of FHIR files; other resources are passed over.

    Args:
        folder: Where the files lie; None where there is only one, which rejects need not name.
        files: Each file and whether it holds one resource a line.
        name: The source's name.
    """

    total = None

    def __init__(self, folder: Path | None, files: Sequence[tuple[Path, bool]], name: str) -> None:
        self.name = name
        self._folder = folder
        self._files = files

    def __iter__(self) -> Iterator[Note | Reject]:
        """Yield a note or a reject for each document, and a reject for each broken line.

        Raises:
            ReaderError: The files are read and hold no document at all.
        """
        documents = 0
        for file, by_line in self._files:
            where = "" if self._folder is None else f"{place_of(file, self._folder)}, "
            for row in _resources(file, by_line):
                documents += _is_document(row)
                read = _note_or_reject(row, self.name, where)
                if read is not None:
                    yield read
        if not documents:
            raise ReaderError(
                f"{self._files[0][0]} holds no {_KIND}: give the file of the export that does."
            )


def _resources(file: Path, by_line: bool) -> Iterator[Row | Unread]:
    if not by_line:
        yield from _streamed(file)
        return
    for row in read_json_lines(file):
        if isinstance(row, Row) and row.cells.get("resourceType") == "Bundle":
            yield from _entries(row)
        else:
            yield row


def _entries(bundle: Row) -> Iterator[Row | Unread]:
    for number, entry in enumerate(objects_at(bundle.cells, "entry"), start=1):
        for resource in objects_at(entry, "resource"):
            yield Row(f"{bundle.place}, entry {number}", resource)


def _streamed(file: Path) -> Iterator[Row | Unread]:
    number = 0
    try:
        with open_text(file) as text:
            for number, row in enumerate(_values(JsonStream(text)), start=1):
                yield row._replace(place=f"resource {number}")
    except (BrokenJsonError, UnicodeDecodeError):
        yield Unread(f"resource {number + 1}", _BROKEN_HERE)
    except BROKEN_FILE:
        yield Unread(f"resource {number + 1}", UNREAD_REST)


def _values(stream: JsonStream) -> Iterator[Row | Unread]:
    """Yield each resource of a list or of bundles, and each that stands alone."""
    while first := stream.peek():
        if first == "[":
            yield from map(_resource, stream.items())
        elif first == "{":
            yield from _members(stream)
        else:
            raise BrokenJsonError


def _members(stream: JsonStream) -> Iterator[Row | Unread]:
    """Yield the resources in the object's entries, then the object without them."""
    members: dict[str, object] = {}
    decoded = True
    for key in stream.members():
        try:
            if key == "entry" and stream.peek() == "[":
                yield from map(_in_entry, stream.items())
            else:
                members[key] = stream.value()
        except NotDecodedError:
            decoded = False
    yield Row("", members) if decoded else Unread("", NOT_UTF8)


def _in_entry(entry: object | None) -> Row | Unread:
    row = _resource(entry)
    if isinstance(row, Unread):
        return row
    return Row("", next(objects_at(row.cells, "resource"), {"resourceType": "none"}))


def _resource(value: object | None) -> Row | Unread:
    return Unread("", NOT_UTF8) if value is None else as_row("", value)


def _is_document(row: Row | Unread) -> bool:
    return isinstance(row, Row) and row.cells.get("resourceType") == _KIND


def _note_or_reject(row: Row | Unread, name: str, where: str) -> Note | Reject | None:
    if isinstance(row, Unread):
        return Reject(name, where + row.place, row.reason)
    kind = row.cells.get("resourceType")
    if not isinstance(kind, str):
        return Reject(name, where + row.place, "it is no FHIR resource")
    if kind != _KIND:
        return None
    try:
        return _note(row.cells, name)
    except CellError as error:
        return Reject(name, where + row.place, str(error))


def _note(document: FhirObject, name: str) -> Note:
    if "entered-in-error" in texts_at(document, "status") + texts_at(document, "docStatus"):
        raise CellError("its status is entered-in-error")
    note_id = read_id(document.get("id"), "id")
    if note_id is None:
        raise CellError("it has no id")
    content = read_attachments(document)
    patient_id = _first_id(document, "Patient", ("subject",))
    recorded_at, raw_date = dated(document.get("date"))
    return Note(
        note_id=NoteId(note_id),
        text=content.text,
        source=name,
        patient_id=None if patient_id is None else PatientId(patient_id),
        encounter_id=_first_id(document, "Encounter", ("context", "encounter"), ("context",)),
        category=read_name(_category(document)),
        recorded_at=recorded_at,
        author=read_name(texts_at(document, "author", "display")),
        title=read_name(
            text_at(document, "description") or text_at(document, "content", "attachment", "title")
        ),
        attributes=raw_date | _attributes(document, content.unread_types),
    )


def _first_id(document: FhirObject, kind: str, *paths: tuple[str, ...]) -> str | None:
    found = (
        referred_id(reference, kind) for path in paths for reference in objects_at(document, *path)
    )
    named = next((value for value in found if value is not None), None)
    return read_id(named, f"{kind.lower()}_id")


def _category(document: FhirObject) -> str | None:
    return (
        text_at(document, "type", "coding", "display")
        or text_at(document, "type", "text")
        or text_at(document, "type", "coding", "code")
    )


def _attributes(document: FhirObject, unread_types: list[str]) -> dict[str, AttributeValue]:
    """Return what the document says of itself beside a note's fields, where it says it."""
    found: dict[str, AttributeValue] = {
        "status": text_at(document, "status"),
        "doc_status": text_at(document, "docStatus"),
        "type_codes": _codes(document),
        "document_class": [clean(text) for text in _classes(document)],
        "custodian": text_at(document, "custodian", "display"),
        "period_start": text_at(document, "context", "period", "start"),
        "period_end": text_at(document, "context", "period", "end"),
        "unread_content_types": [clean(kind) for kind in unread_types],
    }
    return {
        name: clean(value) if isinstance(value, str) else value
        for name, value in found.items()
        if value
    }


def _codes(document: FhirObject) -> list[str]:
    return [
        clean(f"{text_at(coding, 'system') or ''}|{code}")
        for coding in objects_at(document, "type", "coding")
        if (code := text_at(coding, "code")) is not None
    ]


def _classes(document: FhirObject) -> list[str]:
    codings = list(objects_at(document, "category", "coding"))
    return [
        shown for item in codings if (shown := text_at(item, "display") or text_at(item, "code"))
    ]
