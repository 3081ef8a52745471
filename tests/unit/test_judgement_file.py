"""Verdicts come in from a CSV file, and what is wrong with it is said in one line."""

from pathlib import Path

import pytest

from notekin.errors import NoSuchSourceError, UsageError
from notekin.judgement_file import read_judgements, write_sheet
from notekin.search.cohort.judgements import Verdict
from tests.support.notes import CANARY


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "verdicts.csv"
    path.write_text(text, "utf-8")
    return path


def test_verdicts_are_read_in_any_case_and_rows_without_one_are_not_judged(tmp_path: Path) -> None:
    text = "who,verdict,note_id\nA,Yes,n1\nA,,n2\nB,NO,n3\nB,unsure,007\n"
    found = read_judgements(written(tmp_path, text))
    assert [(one.note_id, one.verdict) for one in found] == [
        ("n1", Verdict.YES),
        ("n3", Verdict.NO),
        ("007", Verdict.UNSURE),
    ]
    assert [one.line for one in found] == [2, 4, 5]


def test_a_source_says_whose_note_is_meant(tmp_path: Path) -> None:
    text = "note_id,source,verdict\nn1,ward7,yes\nn1,,no\n"
    assert [one.source for one in read_judgements(written(tmp_path, text))] == ["ward7", None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("note,verdict\nn1,yes\n", "no column note_id"),
        ("note_id\nn1\n", "no column verdict"),
        ("", "no column note_id"),
        (f"note_id,verdict\nn1,yes\nn2,{CANARY}\n", "line 3"),
        ("note_id,verdict\n,yes\n", "line 2"),
    ],
)
def test_what_is_wrong_is_said_without_what_stands_there(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        read_judgements(written(tmp_path, text))
    assert CANARY not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_or_not_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoSuchSourceError):
        read_judgements(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UsageError, match="can't be read"):
        read_judgements(tmp_path / "b.csv")


def test_a_sheet_is_filled_in_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    assert write_sheet(path, [("n1", "ward7", 'said "no"\nthen left'), ("n2", "ward7", "x")]) == 2
    assert read_judgements(path) == []
    path.write_text(path.read_text().replace("n1,ward7,", "n1,ward7,yes"))
    (one,) = read_judgements(path)
    assert (one.note_id, one.source, one.verdict) == ("n1", "ward7", Verdict.YES)
    with pytest.raises(UsageError, match="there already"):
        write_sheet(path, [])
