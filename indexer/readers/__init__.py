"""Where notes come from: one reader a form, all giving the same Note."""

from __future__ import annotations

from notekin.column_names import FIELDS
from notekin.indexer.readers.detect import FORMATS
from notekin.indexer.readers.opening import open_source
from notekin.indexer.readers.source import NoteSource

__all__ = ["open_source", "NoteSource", "FIELDS", "FORMATS"]
