"""A retrieval task in BEIR form: queries, and which documents answer them.

Source of the form: Thakur et al. 2021, "BEIR: A Heterogeneous Benchmark for Zero-shot
Evaluation of Information Retrieval Models".
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from notekin.errors import FilterError, NoSuchSourceError, ReaderError
from notekin.search.predicates import from_predicates
from notekin.storage.conditions import Condition

_FILTERS, _FILTERED_TEXT = "filters", "semantic_text"
_TREC = ("query", "iteration", "document", "relevance")
_SPLITS = ("test", "dev", "train")


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """A query of a task.

    Attributes:
        text: What is asked; may be empty, and then finds nothing.
        metadata: What else its file says of it.
    """

    query_id: str
    text: str
    metadata: Mapping[str, object]

    def filtered(self, named: Callable[[str], str] = str) -> tuple[str, Condition | None]:
        """Return the text and the condition of a query that has its predicates apart.

        They are ``metadata.semantic_text`` and ``metadata.filters``; without these the whole
        text is asked of all documents.

        Args:
            named: Gives the field of the store that the corpus has under a name.

        Raises:
            FilterError: The filters are no object, or a value of theirs is none.
        """
        text = self.metadata.get(_FILTERED_TEXT)
        filters = self.metadata.get(_FILTERS) or {}
        if not isinstance(filters, dict):
            raise FilterError("metadata.filters of a query is no JSON object of field and value.")
        condition = from_predicates(filters, named).condition if filters else None
        return (text if isinstance(text, str) and text.strip() else self.text), condition


@dataclass(frozen=True, slots=True)
class Task:
    """Queries and the documents that answer them.

    Attributes:
        queries: In the file's order; those without judgements left out.
        qrels: Query id to document id to relevance: graded; 0 and less is not relevant.
    """

    name: str
    corpus: Path
    queries: Sequence[TaskQuery]
    qrels: Mapping[str, Mapping[str, int]]


def read_task(folder: Path) -> Task:
    """Read a task's queries and judgements; the corpus is left where it is.

    Raises:
        NoSuchSourceError: There is no such folder.
        ReaderError: A file of the task is missing or is not in BEIR form.
    """
    if not folder.is_dir():
        raise NoSuchSourceError(folder)
    qrels = _read_qrels(_file(folder, "qrels.tsv", *(f"qrels/{split}.tsv" for split in _SPLITS)))
    queries = [
        query for query in _read_queries(_file(folder, "queries.jsonl")) if query.query_id in qrels
    ]
    if not queries:
        raise ReaderError(f"No query in {folder} has a judgement in its qrels.")
    return Task(folder.resolve().name, _file(folder, "corpus.jsonl"), queries, qrels)


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_lines(path), start=1):
        cells = [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
        if len(cells) == len(_TREC):
            del cells[_TREC.index("iteration")]
        try:
            query, document, score = cells
            if number == 1 and not _is_number(score):
                continue
            qrels.setdefault(query, {})[document] = _whole(score)
        except ValueError:
            raise ReaderError(
                f"{path} line {number} is not query-id, corpus-id and a whole score, "
                "parted by tabs, nor TREC's query, iteration, document and relevance."
            ) from None
    return qrels


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _whole(cell: str) -> int:
    score = float(cell)
    if not score.is_integer():
        raise ValueError("no whole number")
    return int(score)


def _read_queries(path: Path) -> Iterator[TaskQuery]:
    seen: set[str] = set()
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
            query_id, text = _id(row["_id"]), row.get("text") or row.get("title") or ""
            metadata = row.get("metadata")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ReaderError(
                f"{path} line {number} is no JSON object with _id and text."
            ) from None
        if query_id in seen:
            raise ReaderError(f"{path} line {number} has the _id of another line.")
        seen.add(query_id)
        yield TaskQuery(query_id, str(text), metadata if isinstance(metadata, dict) else {})


def _id(value: object) -> str:
    """Return an id as notes' ids are read: whole numbers by their digits, no space around."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _lines(path: Path) -> Sequence[str]:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError):
        raise ReaderError(f"{path} can't be read: it is cut off, or no UTF-8.") from None
    return [line for line in text.split("\n") if line.strip()]


def _file(folder: Path, *names: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    others = "".join(f", {name}" for name in names[1:])
    raise ReaderError(
        f"{folder} holds no {names[0]}{others} (or one that ends in .gz); a BEIR task has one."
    )
