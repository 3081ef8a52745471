"""How well the system understands what a note says: assertion, sections, and what --assert finds.

    python benchmarks/assertion.py                     labelled sentences; pairs of notes
    python benchmarks/assertion.py --peers             medspaCy beside it, in its own environment
    python benchmarks/assertion.py --notes FILE        sections of real notes, against the peer

The sentences are in tests/data/assertions: ``development`` while the rules were written,
``heldout`` written before the rules were first run and not looked at since, ``varied`` later, in
other styles; its classes of errors were mended. The pairs of notes say of one condition that the
patient has it, denies it, may have it, that the mother had it and so on, in several wordings, among
notes of other conditions; P@10 is the share of the first ten that say what is asked for.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import pandas as pd  # noqa: E402

import notekin  # noqa: E402
from notekin.search.assertion import assess  # noqa: E402
from notekin.section_titles import title_of  # noqa: E402
from notekin.sections import sections_of  # noqa: E402
from tests.support.assertions import Labelled, labelled  # noqa: E402

PEER = Path(__file__).with_name("assertion_peers.py")
PEERS_VENV = Path(__file__).with_name("results") / "peers-venv"
SETS = ("development", "heldout", "varied")
TIMES = 20
"""How often the sentences are gone through for the time of one."""

CONDITIONS = (
    "asthma",
    "atrial fibrillation",
    "chest pain",
    "colon cancer",
    "deep vein thrombosis",
    "diabetes",
    "gout",
    "migraine",
    "pneumonia",
    "seizures",
    "shortness of breath",
    "stroke",
)
AGES = ("34-year-old woman", "58-year-old man", "71-year-old woman")
WORDINGS = {
    "affirmed": (
        "{who} who presents with {x}. Symptoms began last week. Plan: treat and follow up.",
        "HPI: {who} with known {x}, here for review.\nPLAN: continue current treatment.",
        "Seen in clinic. {who}. Diagnosed with {x}, worse over the past days.",
        "ASSESSMENT: {x}, active.\nPLAN: start treatment for {x}.",
    ),
    "negated": (
        "{who} here for a check. Denies {x}, fatigue, or weight loss. Exam normal.",
        "ROS: negative for {x}, rash, or joint swelling. {who}, otherwise well.",
        "{who}. No evidence of {x} on today's work-up. Reassured.",
        "{who}. {x} was ruled out. Discharged home.",
    ),
    "family": (
        "{who} here for a physical. Mother had {x}. No complaints today.",
        "FAMILY HISTORY: {x} in her father.\nSOCIAL HISTORY: works as a teacher. {who}.",
        "{who}. Family history is significant for {x}. Exam normal.",
        "{who}. His brother was diagnosed with {x} at 40. Feels well.",
    ),
    "possible": (
        "{who}. Possible {x}; awaiting tests.",
        "{who} sent in to rule out {x}. Labs pending.",
        "{who}. Findings are suspicious for {x}.",
        "{who}. {x} cannot be excluded at this time.",
    ),
    "hypothetical": (
        "{who}. Return to the emergency department if {x} develops.",
        "{who}. Instructed to call for any {x} after discharge.",
        "Discharge advice given to {who}: watch for {x}.",
        "{who}. Risks of the drug, including {x}, were explained.",
    ),
}
ASKED = ("affirmed", "negated", "family", "possible", "hypothetical")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--peers", action="store_true", help="measure medspaCy, too")
    parser.add_argument("--python", type=Path, help="a Python that has medspaCy; else one is made")
    parser.add_argument("--notes", type=Path, help="a Parquet file with a column text")
    parser.add_argument("--model", default="builtin", help="of the store of pairs")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    args = parser.parse_args()
    texts = sample(args.notes) if args.notes else []
    sentences = {half: labelled(half) for half in SETS}
    peer = ask_peer(args, sentences, texts) if args.peers else None
    figures: dict[str, Any] = {"sentences": accuracy(sentences, peer)}
    if texts:
        figures["sections"] = sections(texts, peer)
    figures["pairs"] = pairs(args.model)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2))


def sample(path: Path) -> list[str]:
    """Return 300 notes."""
    texts = pd.read_parquet(path)["text"]
    return [str(text) for text in texts.sample(min(300, len(texts)), random_state=1)]


def ask_peer(
    args: argparse.Namespace, sentences: dict[str, list[Labelled]], texts: Sequence[str]
) -> dict[str, Any]:
    python = args.python or PEERS_VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS_VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "medspacy"], check=True)
    asked = [[one.text, one.start, one.end] for half in SETS for one in sentences[half]]
    ran = subprocess.run(
        [str(python), str(PEER)],
        input=json.dumps({"sentences": asked, "notes": texts}),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answer


def accuracy(
    sentences: dict[str, list[Labelled]], peer: dict[str, Any] | None
) -> list[dict[str, Any]]:
    every = [one for half in SETS for one in sentences[half]]
    assess(every[0].text, every[0].start, every[0].end)
    began = time.process_time()
    for _ in range(TIMES):
        for one in every:
            assess(one.text, one.start, one.end)
    mine_us = (time.process_time() - began) / TIMES / len(every) * 1e6
    mine = [assess(one.text, one.start, one.end).to_dict() for one in every]
    answers = {"notekin": ([list(said.values()) for said in mine], mine_us)}
    if peer:
        answers[peer["name"]] = (peer["said"], peer["sentences_s"] / len(every) * 1e6)
    rows = []
    print(f"\n{'labelled sentences':34} all right polarity experiencer temporality   us each")
    for name, (said, us) in answers.items():
        at = 0
        for half in SETS:
            part = sentences[half]
            pairs_ = list(zip(part, said[at : at + len(part)], strict=True))
            at += len(part)
            right = [
                [
                    got == want
                    for got, want in zip(found, one.expected.to_dict().values(), strict=True)
                ]
                for one, found in pairs_
            ]
            shares = [sum(map(all, right)), *(sum(column) for column in zip(*right, strict=True))]
            values = [share / len(part) for share in shares]
            print(
                f"{name:18}{half:12}{len(part):4} {values[0]:9.3f} {values[1]:8.3f} "
                f"{values[2]:11.3f} {values[3]:11.3f} {us:9.0f}"
            )
            rows.append({"name": name, "half": half, "n": len(part), "right": values, "us": us})
    return rows


def sections(texts: Sequence[str], peer: dict[str, Any] | None) -> dict[str, Any]:
    began = time.process_time()
    mine = [sections_of(text) for text in texts]
    took_s = time.process_time() - began
    size_mb = sum(map(len, texts)) / 1e6
    found = sum(one.title is not None for note in mine for one in note)
    figures: dict[str, Any] = {"notes": len(texts), "found": found, "mb_per_s": size_mb / took_s}
    print(f"\nsections of {len(texts)} notes: {found:,} found, {size_mb / took_s:.1f} MB/s")
    if peer:
        figures |= agreement(mine, peer["sections"])
        figures["peer_mb_per_s"] = size_mb / peer["notes_s"]
        print(
            f"{peer['name']}: {figures['peer_found']:,} found, "
            f"{figures['peer_mb_per_s']:.2f} MB/s; starts {peer['started_s']:.1f} s\n"
            f"of its sections, {figures['also_mine']:.1%} begin where one of ours does, "
            f"{figures['within_mine']:.1%} are a part of one (body systems); "
            f"of ours, {figures['also_its']:.1%} begin where one of its does\n"
            f"titles where both begin: {figures['titles']}"
        )
    return figures


def agreement(mine: Sequence[Any], its: Sequence[Any]) -> dict[str, Any]:
    both = within = peer_found = my_found = 0
    titles: Counter[tuple[str, str]] = Counter()
    for ours, theirs in zip(mine, its, strict=True):
        named = {one.start: one.title for one in ours if one.title}
        my_found += len(named)
        peer_found += len(theirs)
        for start, category in theirs:
            near = next((at for at in named if abs(at - start) <= 4), None)
            if near is None:
                within += any(one.title and one.start < start < one.end for one in ours)
            else:
                both += 1
                titles[(category, named[near])] += 1
    return {
        "peer_found": peer_found,
        "also_mine": both / peer_found,
        "within_mine": within / peer_found,
        "also_its": both / my_found,
        "titles": [
            f"{category}={title_of(title)} {count}"
            for (category, title), count in titles.most_common(12)
        ],
    }


def pairs(model: str) -> list[dict[str, Any]]:
    """Print P@10 of what is asked for, with --assert and without, in the mean over conditions."""
    with tempfile.TemporaryDirectory() as folder:
        store = notekin.open(Path(folder) / "store", model=model)
        store.index(pd.DataFrame(list(paired_notes())), source="pairs")
        with store:
            rows = [_precision(store, what) for what in ASKED]
    print(f"\npairs of notes, {len(CONDITIONS)} conditions       P@10  with --assert")
    for row in rows:
        print(f"{row['asked']:34} {row['without']:.3f}  {row['with']:.3f}")
    return rows


def paired_notes() -> Sequence[dict[str, str]]:
    """Return a note of a patient of its own for each condition, wording and age.

    Their ids begin with what is said of which condition, such as ``negated/gout/``.
    """
    notes = []
    for condition, (what, wordings), who in itertools.product(CONDITIONS, WORDINGS.items(), AGES):
        for at, wording in enumerate(wordings):
            text = wording.format(who=who, x=condition)
            name = f"{what}/{condition}/{who[:2]}/{at}"
            notes.append({"note_id": name, "patient_id": name, "text": text})
    return notes


def _precision(store: Any, what: str) -> dict[str, Any]:
    def share(search: Callable[[str], Any]) -> float:
        right = sum(
            hit.note_id.startswith(f"{what}/{condition}/")
            for condition in CONDITIONS
            for hit in search(condition)
        )
        return right / (10 * len(CONDITIONS))

    return {
        "asked": what,
        "without": share(lambda text: store.search(text, 10)),
        "with": share(lambda text: store.search(text, 10, assertion=what)),
    }


if __name__ == "__main__":
    main()
