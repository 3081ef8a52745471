"""medspaCy at the task of benchmarks/assertion.py, in an environment of its own.

Reads a JSON object on stdin and prints one: ``sentences`` as ``[text, start, end]`` become
``[polarity, experiencer, temporality]``, and ``notes`` become lists of ``[start, category]`` of
their sections. Settings are those that its documentation begins with.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def main() -> None:
    began = time.perf_counter()
    import medspacy  # pyright: ignore[reportMissingImports]

    nlp = medspacy.load(enable=["medspacy_pyrush", "medspacy_context"])
    sectionizer = nlp.add_pipe("medspacy_sectionizer")
    started_s = time.perf_counter() - began
    asked = json.load(sys.stdin)
    nlp("Warm.")
    began = time.process_time()
    said = [_assess(nlp, *sentence) for sentence in asked["sentences"]]
    sentences_s = time.process_time() - began
    began = time.process_time()
    sections = [_sections(sectionizer(nlp.make_doc(note))) for note in asked["notes"]]
    notes_s = time.process_time() - began
    json.dump(
        {
            "name": f"medspaCy {medspacy.__version__}",
            "started_s": started_s,
            "said": said,
            "sentences_s": sentences_s,
            "sections": sections,
            "notes_s": notes_s,
        },
        sys.stdout,
    )


def _assess(nlp: Any, text: str, start: int, end: int) -> list[str]:
    """Run its pipeline on a text whose one entity is the concept."""
    doc = nlp.make_doc(text)
    nlp.get_pipe("medspacy_pyrush")(doc)
    doc.ents = [doc.char_span(start, end, label="CONCEPT", alignment_mode="expand")]
    nlp.get_pipe("medspacy_sectionizer")(doc)
    nlp.get_pipe("medspacy_context")(doc)
    said = doc.ents[0]._
    polarity = "possible" if said.is_uncertain else "affirmed"
    temporality = "historical" if said.is_historical else "current"
    return [
        "negated" if said.is_negated else polarity,
        "other" if said.is_family else "patient",
        "hypothetical" if said.is_hypothetical else temporality,
    ]


def _sections(doc: Any) -> list[list[Any]]:
    return [
        [doc[section.title_start].idx, section.category]
        for section in doc._.sections
        if section.category is not None
    ]


if __name__ == "__main__":
    main()
