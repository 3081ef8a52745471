"""nDCG@10 of Notekin by mode, beside other searches, on every retrieval task of a folder.

    python benchmarks/quality.py TASKS --peers

TASKS holds folders in BEIR form. Each corpus is indexed once with the built-in model, tasks with
the same corpus share its store. Where queries have ``metadata.filters``, a second line asks
them as predicates; the peers, which have none, then leave out of all that they rank what the
predicates leave out. The peers run in an environment of their own, benchmarks/results/quality-venv.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import ir_measures
from ir_measures import nDCG

import notekin
from notekin.indexer.longformer.builtin import builtin_source
from notekin.search.mode import Mode
from notekin.search.task import Task, read_task
from notekin.storage.store import StoreFolder
from notekin.types import NoteKey

PEERS = Path(__file__).with_name("quality_peers.py")
PEERS_VENV = Path(__file__).with_name("results") / "quality-venv"
PACKAGES = ("bm25s", "PyStemmer", "sentence-transformers", "txtai")
MEASURE = nDCG @ 10
Run = dict[str, dict[str, float]]
Scores = dict[str, float]
Allowed = dict[str, set[str]]
"""Of the queries with predicates, the documents that meet them."""


def linked(folder: Path, work: Path) -> tuple[Path, Path]:
    """Return the task with the corpus file of the first task of equal corpus, and its store."""
    task = read_task(folder)
    digest = hashlib.sha256(task.corpus.read_bytes()).hexdigest()[:16]
    first = work / f"corpus-{digest}"
    if not first.is_symlink():
        first.symlink_to(task.corpus.resolve())
    to = work / "tasks" / folder.name
    to.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        place = to / path.name
        if not place.is_symlink():
            place.symlink_to(first.resolve() if path.name == task.corpus.name else path.resolve())
    return to, work / f"store-{digest}"


def ours(folder: Path, store: Path, *, filters: bool) -> Scores:
    with notekin.open(store, model="builtin") as opened:
        measured = opened.evaluate(folder, modes=list(Mode), filters=filters)
    return {f"notekin {one.mode.value}": one.metrics[str(MEASURE)] for one in measured.results}


def theirs(task: Task, path: Path, allowed: Allowed) -> Scores:
    """Return each peer's nDCG of a run, of which only allowed documents count."""
    runs: dict[str, Run] = defaultdict(lambda: {query.query_id: {} for query in task.queries})
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            peer, query, document, score = line.rstrip("\n").split("\t")
            known = query in runs[peer] and query != document
            if known and document in allowed.get(query, (document,)):
                runs[peer][query][document] = float(score)
    qrels = {query.query_id: dict(task.qrels[query.query_id]) for query in task.queries}
    return {
        peer: float(ir_measures.calc_aggregate([MEASURE], qrels, run)[MEASURE])
        for peer, run in runs.items()
    }


def allowed_by(task: Task, store: Path) -> Allowed:
    """Return the documents that each query's predicates let pass, of those that have any."""
    folder = StoreFolder.open(store)
    snapshot, allowed = folder.snapshot(), {}
    for query in task.queries:
        _, condition = query.filtered()
        if condition is not None:
            notes = snapshot.notes([NoteKey(int(key)) for key in snapshot.select(condition)])
            allowed[query.query_id] = {str(note.note_id) for note in notes}
    folder.close()
    return allowed


def peers_python() -> Path:
    """Return the Python of the peers' environment, which is made where it is not there."""
    python = PEERS_VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS_VENV)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        constraints = Path(__file__).parents[1] / "constraints.txt"
        torch = next(line for line in constraints.read_text().splitlines() if "torch==" in line)
        subprocess.run([*install, torch], check=True)
        subprocess.run([*install, *PACKAGES], check=True)
    return python


def run_peers(folders: Sequence[Path], work: Path) -> None:
    command = [str(peers_python()), str(PEERS), *map(str, folders), "--to", str(work)]
    subprocess.run([*command, "--weights", str(builtin_source())], check=True)


def table(measured: dict[str, Scores]) -> str:
    """Return what was measured as a Markdown table, a system a row."""
    systems = list(dict.fromkeys(system for scores in measured.values() for system in scores))
    lines = [["", *measured], ["---"] * (len(measured) + 1)]
    lines += [
        [system, *(f"{scores.get(system, float('nan')):.3f}" for scores in measured.values())]
        for system in systems
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", type=Path, help="a folder of tasks in BEIR form")
    parser.add_argument("--peers", action="store_true", help="measure other searches, too")
    parser.add_argument("--only", nargs="*", help="these tasks alone")
    parser.add_argument("--work", type=Path, default=PEERS_VENV.with_name("quality"))
    parser.add_argument("--json", type=Path, help="write what was measured to this file, too")
    args = parser.parse_args()
    (args.work / "tasks").mkdir(parents=True, exist_ok=True)
    chosen = [path for path in sorted(args.tasks.iterdir()) if (path / "queries.jsonl").exists()]
    pairs = [linked(path, args.work) for path in chosen if path.name in (args.only or [path.name])]
    if args.peers:
        run_peers([folder for folder, _ in pairs], args.work)
    measured: dict[str, Scores] = {}
    for folder, store in pairs:
        task = read_task(folder)
        has_filters = any(query.metadata.get("filters") for query in task.queries)
        for filters in (False, True) if has_filters else (False,):
            name = f"{folder.name}{'.filters' if filters else ''}"
            measured[name] = ours(folder, store, filters=filters)
            found = args.work / f"{name}.run"
            if args.peers and found.exists():
                allowed = allowed_by(task, store) if filters else {}
                measured[name] = theirs(task, found, allowed) | measured[name]
            print(f"{name}: {measured[name]}", flush=True)
    print(table(measured))
    if args.json:
        args.json.write_text(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
