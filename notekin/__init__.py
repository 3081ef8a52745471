"""Finds clinical notes by meaning, and the patients they belong to.

::

    import notekin

    store = notekin.open("notekin-store", model="builtin")
    store.index("notes.parquet")
    for hit in store.search("short of breath lying flat", k=5):
        print(hit.note_id, hit.patient_id, hit.evidence[0].text)

Importing this loads neither torch nor faiss nor transformers; the first call that needs
them does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notekin.answers import ShownNote, Stats
    from notekin.api import Store, open  # noqa: A004
    from notekin.embedding import embed, embed_file
    from notekin.errors import NotekinError
    from notekin.search.filters import field
    from notekin.search.hits import Evidence, Hit, Results
    from notekin.search.predicates import from_predicates
    from notekin.types import Encoder, Note

_HOMES = {
    "open": "notekin.api",
    "embed": "notekin.embedding",
    "embed_file": "notekin.embedding",
    "Store": "notekin.api",
    "Stats": "notekin.answers",
    "ShownNote": "notekin.answers",
    "field": "notekin.search.filters",
    "from_predicates": "notekin.search.predicates",
    "Results": "notekin.search.hits",
    "Hit": "notekin.search.hits",
    "Evidence": "notekin.search.hits",
    "Note": "notekin.types",
    "Encoder": "notekin.types",
    "NotekinError": "notekin.errors",
}

__version__ = "0.1.0"
__all__ = [
    "open",
    "embed",
    "embed_file",
    "Store",
    "Stats",
    "ShownNote",
    "field",
    "from_predicates",
    "Results",
    "Hit",
    "Evidence",
    "Note",
    "Encoder",
    "NotekinError",
]


def __getattr__(name: str) -> object:
    """Load a public name from its home when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'notekin' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted([*__all__, "__version__"])
