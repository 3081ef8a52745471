"""Files of many queries."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from notekin.errors import NoSuchSourceError, NotekinError, ReaderError, UsageError
from notekin.search.query_file import queries_of, read_queries
from tests.support.notes import CANARY


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "q.jsonl",
            '{"_id": "a", "text": "gout"}\n\n{"_id": 7, "text": "x"}',
            {"a": "gout", "7": "x"},
        ),
        ("q.jsonl", '{"query": "gout"}', {"1": "gout"}),
        ("q.csv", 'id,text\na,"gout, severe"\nb,rash\n', {"a": "gout, severe", "b": "rash"}),
        ("q.csv", "query\ngout\n", {"2": "gout"}),
        ("q.tsv", "qid\tquery\na\tgout", {"a": "gout"}),
        ("q.txt", "gout\n\n rash \n", {"1": "gout", "3": "rash"}),
        ("q", "\ufeffgout", {"1": "gout"}),
        ("q.jsonl", '{"_id": "a", "text": "gout\u2028rash"}\r\n', {"a": "gout\u2028rash"}),
        (
            "q.txt",
            "gout\x0brash\u2028fever\r\ncough\rpain",
            {"1": "gout\x0brash\u2028fever", "2": "cough", "3": "pain"},
        ),
        ("q.csv", "ID, Text\na,gout\n", {"a": "gout"}),
    ],
)
def test_queries_are_read_from_each_form(
    tmp_path: Path, name: str, content: str, expected: dict[str, str]
) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert read_queries(path) == expected
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    assert read_queries(packed) == expected


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.jsonl", '{"_id": "a", "text": "gout"}\n{"text": CANARY}', "line 2"),
        ("q.jsonl", '["CANARY"]', "line 1"),
        ("q.jsonl", '{"_id": "CANARY"}', "line 1"),
        ("q.csv", "id,note\na,CANARY", "line 2"),
        ("q.csv", "id,text\na,gout\na,CANARY", "two queries"),
        ("q.jsonl", '{"text": "  "}', "empty query"),
        ("q.txt", "\n", "no query"),
        ("q.jsonl", "[" * 100_000 + "CANARY", "line 1"),
    ],
)
def test_what_is_no_query_is_an_error_that_names_its_line(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    path = tmp_path / name
    path.write_text(content.replace("CANARY", CANARY))
    with pytest.raises((ReaderError, UsageError)) as error:
        read_queries(path)
    assert said in str(error.value)
    assert CANARY not in str(error.value)


def test_a_file_that_is_not_there_or_not_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoSuchSourceError):
        read_queries(tmp_path / "none.txt")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bad.txt.gz").write_bytes(b"no gzip")
    for name in ("bad.txt", "bad.txt.gz"):
        with pytest.raises(NotekinError, match="UTF-8"):
            read_queries(tmp_path / name)


def test_python_gives_texts_by_id_or_numbered() -> None:
    assert queries_of({"a": "gout"}) == {"a": "gout"}
    assert queries_of(["gout", "rash"]) == {"1": "gout", "2": "rash"}
    for texts in ([], [None], {"a": 7}):
        with pytest.raises(UsageError):
            queries_of(texts)  # type: ignore[arg-type]  # what must be refused
