"""FHIR documents."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from notekin.errors import ReaderError
from notekin.indexer.readers import json_stream, open_source
from notekin.indexer.readers.html_text import text_of_html
from notekin.types import Note, Reject

CANARY = "Zyrianna Quexley"


def attached(text: str = "words", kind: str = "text/plain", charset: str = "utf-8") -> Any:
    data = base64.b64encode(text.encode(charset)).decode()
    return {"attachment": {"contentType": kind, "data": data}}


def document(**members: object) -> dict[str, object]:
    base = {"resourceType": "DocumentReference", "id": "d1", "content": [attached()]}
    return base | members


def read(tmp_path: Path, *resources: Mapping[str, object]) -> list[Note | Reject]:
    path = tmp_path / "export.ndjson"
    path.write_text("\n".join(json.dumps(resource) for resource in resources))
    return list(open_source(path, source_name="s"))


def one(tmp_path: Path, **members: object) -> Note:
    (note,) = read(tmp_path, document(**members))
    assert isinstance(note, Note)
    return note


def reason(tmp_path: Path, **members: object) -> str:
    (reject,) = read(tmp_path, document(**members))
    assert isinstance(reject, Reject)
    assert reject.place == "line 1"
    assert "Zyrianna" not in f"{reject}"
    return reject.reason


def test_a_document_s_facts_are_the_note_s(tmp_path: Path) -> None:
    note = one(
        tmp_path,
        status="superseded",
        docStatus="final",
        type={"coding": [{"system": "http://loinc.org", "code": "1", "display": "Consult"}]},
        category=[{"coding": [{"code": "clinical-note", "display": "Clinical Note"}]}],
        subject={"reference": "Patient/P1", "display": CANARY},
        date="1987-11-19T23:22:16.824-05:00",
        author=[{"display": "Dr. One"}, {"reference": "Practitioner/2"}, {"display": "Dr. Two"}],
        custodian={"display": "County"},
        description="A visit",
        context={
            "encounter": [{"reference": "Encounter/E1"}, {"reference": "Encounter/E2"}],
            "period": {"start": "1987-11-19T00:22:16-05:00"},
        },
    )
    assert (note.note_id, note.patient_id, note.encounter_id) == ("d1", "P1", "E1")
    assert (note.category, note.author, note.title) == ("Consult", "Dr. One, Dr. Two", "A visit")
    assert note.recorded_at == datetime(1987, 11, 19, 23, 22, 16, 824000)
    assert note.attributes == {
        "status": "superseded",
        "doc_status": "final",
        "type_codes": ["http://loinc.org|1"],
        "document_class": ["Clinical Note"],
        "custodian": "County",
        "period_start": "1987-11-19T00:22:16-05:00",
    }


@pytest.mark.parametrize(
    ("subject", "patient_id"),
    [
        ({"reference": "Patient/P1"}, "P1"),
        ({"reference": "https://a.example/fhir/Patient/P1"}, "P1"),
        ({"reference": "Patient/P1/_history/3"}, "P1"),
        ({"reference": "urn:uuid:0-1"}, "0-1"),
        ({"reference": "urn:uuid:0-1", "type": "Patient"}, "0-1"),
        ({"reference": "urn:uuid:0-1", "type": "Group"}, None),
        ({"reference": "Group/G1"}, None),
        ({"reference": "#contained"}, None),
        ({"reference": "Patient?identifier=a|b"}, None),
        ({"identifier": {"value": "17"}}, None),
        ({"reference": 5}, None),
        ([], None),
        ("Patient/P1", None),
    ],
)
def test_only_a_reference_to_a_patient_names_one(
    tmp_path: Path, subject: object, patient_id: str | None
) -> None:
    assert one(tmp_path, subject=subject).patient_id == patient_id


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ({"coding": [{"code": "1"}], "text": "Words"}, "Words"),
        ({"coding": [{"code": "1"}]}, "1"),
        ({"coding": [{"code": "1"}, {"display": "Shown"}], "text": "Words"}, "Shown"),
        ("odd", None),
    ],
)
def test_the_category_is_what_the_type_shows(
    tmp_path: Path, kind: object, category: str | None
) -> None:
    assert one(tmp_path, type=kind).category == category


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/plain", "utf-8"),
        ("text/plain; charset=utf-8", "utf-8-sig"),
        ('TEXT/PLAIN;format=flowed; Charset="ISO-8859-1"', "latin-1"),
        ("text/plain;charset=windows-1252", "cp1252"),
        ("text/plain; charset=utf-16", "utf-16"),
    ],
)
def test_an_attachment_is_decoded_in_its_charset(
    tmp_path: Path, content_type: str, charset: str
) -> None:
    content = [attached("38,5 °C\r\n", content_type, charset)]
    assert one(tmp_path, content=content).text == "38,5 °C\r\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], "it has no attachment"),
        ([{"attachment": {"contentType": "text/plain", "url": f"b/{CANARY}"}}], "at a url"),
        ([{"attachment": {"contentType": "text/plain"}}], "has no data"),
        ([attached(CANARY, "application/pdf")], "no attachment is plain text or HTML"),
        ([attached(CANARY, "pdf")], "no attachment is plain text or HTML"),
        ([{"attachment": {"data": "YQ=="}}], "no attachment is plain text or HTML"),
        ([attached("é", "text/plain", "latin-1")], "not in the charset"),
        ([attached("é", "text/plain; charset=us-ascii")], "not in the charset"),
        ([attached("a", "text/plain; charset=hex")], "charset of its attachment is unknown"),
        ([attached("a", "text/plain; charset=none-such")], "charset of its attachment is unknown"),
        ([{"attachment": {"contentType": "text/plain", "data": "YQ*=="}}], "base64"),
        ([{"attachment": {"contentType": "text/plain", "data": "abc"}}], "base64"),
        ([{"attachment": {"contentType": "text/plain", "data": "é"}}], "base64"),
        ([{"attachment": {"contentType": "text/plain", "data": 5}}], "base64"),
    ],
)
def test_a_document_without_readable_text_is_rejected(
    tmp_path: Path, content: object, expected: str
) -> None:
    assert expected in reason(tmp_path, content=content)


def test_an_empty_attachment_is_a_note_of_no_words(tmp_path: Path) -> None:
    assert one(tmp_path, content=[attached("")]).text == ""


def test_of_one_document_in_several_formats_plain_text_is_read(tmp_path: Path) -> None:
    content = [
        attached("<p>no</p>", "text/html"),
        attached("yes"),
        attached("x", "application/pdf"),
    ]
    note = one(tmp_path, content=content)
    assert note.text == "yes"
    assert note.attributes["unread_content_types"] == ["text/html", "application/pdf"]


def test_html_is_read_where_there_is_no_plain_text(tmp_path: Path) -> None:
    content = [attached("<p>One</p><p>two &lt; 3</p>", "text/html; charset=utf-8")]
    assert one(tmp_path, content=content).text == "One\n\ntwo < 3"


def test_parts_of_one_format_are_joined_and_repetitions_read_once(tmp_path: Path) -> None:
    assert one(tmp_path, content=[attached("a"), attached("b"), attached("a")]).text == "a\n\nb"


@pytest.mark.parametrize("member", ["status", "docStatus"])
def test_a_document_entered_in_error_is_rejected(tmp_path: Path, member: str) -> None:
    assert "entered-in-error" in reason(tmp_path, **{member: "entered-in-error"})


def test_a_document_without_an_id_is_rejected(tmp_path: Path) -> None:
    assert reason(tmp_path, id=None) == "it has no id"


def test_other_resources_are_passed_over_and_broken_lines_rejected(tmp_path: Path) -> None:
    path = tmp_path / "export.ndjson"
    rows = [{"resourceType": "Patient", "id": CANARY}, document(), {"name": CANARY}]
    text = "\n".join(json.dumps(row) for row in rows)
    path.write_text(f'{text}\n{{"resourceType": "{CANARY}\n[]\n')
    note, *rejects = list(open_source(path, source_name="s"))
    assert isinstance(note, Note)
    assert rejects == [
        Reject("s", "line 3", "it is no FHIR resource"),
        Reject("s", "line 4", "it is no JSON"),
        Reject("s", "line 5", "it is no JSON object"),
    ]


def test_a_file_of_other_resources_alone_is_refused_at_its_end(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="holds no DocumentReference"):
        read(tmp_path, {"resourceType": "Patient", "id": "1"}, {"id": "broken"})


@pytest.mark.parametrize(("suffix", "indent"), [("json", None), ("json", 2), ("ndjson", None)])
def test_a_bundle_is_read_entry_by_entry(tmp_path: Path, suffix: str, indent: int | None) -> None:
    entries = [
        {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "1"}},
        {"resource": document(id="d1", subject={"reference": "urn:uuid:1"})},
        {"request": {"method": "DELETE"}},
        {"resource": document(id="d2", content=[])},
    ]
    bundle = {"resourceType": "Bundle", "type": "x", "entry": entries, "link": [{"url": "u"}]}
    path = tmp_path / f"bundle.{suffix}"
    path.write_text(json.dumps(bundle, indent=indent))
    note, reject = list(open_source(path))
    assert isinstance(note, Note)
    assert isinstance(reject, Reject)
    assert (note.note_id, note.patient_id) == ("d1", "1")
    assert reject.place in {"resource 4", "line 1, entry 4"}


def test_a_large_bundle_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    entries = [{"resource": document(id=f"d{n}", description="x" * 5000)} for n in range(50)]
    whole = json.dumps({"resourceType": "Bundle", "entry": entries})
    path = tmp_path / "bundle.json"
    path.write_text(whole[: len(whole) // 2])
    *notes, reject = list(open_source(path))
    assert len(notes) == 24
    assert isinstance(reject, Reject)
    assert reject.place == "resource 25"
    assert "what follows were not read" in reject.reason


def test_a_resource_of_a_bundle_that_is_not_utf8_is_rejected_alone(tmp_path: Path) -> None:
    entries = [
        {"resource": document(id=f"d{n}", description="MARK" if n == 1 else "")} for n in range(3)
    ]
    data = json.dumps({"resourceType": "Bundle", "entry": entries}, indent=1).encode()
    path = tmp_path / "bundle.json"
    path.write_bytes(data.replace(b"MARK", b"\xff"))
    first, reject, last = list(open_source(path, source_name="s"))
    assert reject == Reject("s", "resource 2", "it is not UTF-8")
    assert isinstance(first, Note)
    assert isinstance(last, Note)


def test_what_a_bundle_says_of_itself_in_no_utf8_is_told_of_after_its_entries(
    tmp_path: Path,
) -> None:
    bundle = {"resourceType": "Bundle", "id": "MARK", "entry": [{"resource": document()}]}
    path = tmp_path / "bundle.json"
    path.write_bytes(json.dumps(bundle, indent=1).encode().replace(b"MARK", b"\xff"))
    note, reject = list(open_source(path, source_name="s"))
    assert isinstance(note, Note)
    assert reject == Reject("s", "resource 2", "it is not UTF-8")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_bundle_is_read_the_same_whatever_is_held_of_it(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [{"resource": document(id=f"d{n}")} for n in range(3)]
    bundle = {"resourceType": "Bundle", "total": 123456, "entry": entries, "x": -1.5e-7}
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(bundle, indent=1))
    monkeypatch.setattr(json_stream, "_CHUNK_SIZE", size)
    notes = list(open_source(path))
    assert [note.note_id for note in notes if isinstance(note, Note)] == ["d0", "d1", "d2"]
    assert len(notes) == 3


def test_the_files_of_an_export_are_read_as_one_source(tmp_path: Path) -> None:
    (tmp_path / "Patient.ndjson").write_text('{"resourceType": "Patient", "id": "1"}\n')
    (tmp_path / "a.ndjson").write_text(json.dumps(document(id="d1")))
    (tmp_path / "b.ndjson").write_text(json.dumps(document(id="d2")) + "\n{\n")
    *notes, reject = list(open_source(tmp_path, source_name="s"))
    assert [note.note_id for note in notes if isinstance(note, Note)] == ["d1", "d2"]
    assert reject == Reject("s", "file b.ndjson, line 2", "it is no JSON")


def test_a_text_that_speaks_of_fhir_is_no_fhir(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    row = {"id": "1", "text": '"resourceType": "Patient"', "raw": {"resourceType": "Patient"}}
    path.write_text(json.dumps(row))
    (note,) = list(open_source(path))
    assert isinstance(note, Note)
    assert note.text == '"resourceType": "Patient"'


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a  b\n c", "a b c"),
        ("<p>a<br>b<br/>c</p>", "a\nb\nc"),
        ("<head><title>t</title></head><style>x</style>a<script>y</script>", "a"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a\tb"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("BP &lt; 90 &amp; HR&#62;100&nbsp;!", "BP < 90 & HR>100\xa0!"),
        ("K < 3 and Na > 150", "K < 3 and Na > 150"),
        ("<ul><li>a<li>b</ul>c", "a\nb\nc"),
        ("a<!-- c -->b", "ab"),
        ("</div></style>a", "a"),
        ("", ""),
    ],
)
def test_html_becomes_the_text_that_a_reader_sees(html: str, text: str) -> None:
    assert text_of_html(html) == text
