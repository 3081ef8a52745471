"""The embeddings themselves from Python, without a store."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from notekin.errors import UsageError
from notekin.indexer import embedding
from notekin.indexer.embedding import EmbedReport, Level
from notekin.indexer.encoder import NoteEncoder
from notekin.indexer.pooling import pooling_named
from notekin.indexer.readers import open_source
from notekin.settings import read_settings

if TYPE_CHECKING:
    import pandas as pd

    from notekin.api import Source


def embed(
    text: str, *, level: str = "token", model: str | None = None, pooling: str = "mean"
) -> pd.DataFrame:
    """Return a text's embeddings as a table: text, begin, end, embedding (float32).

    Args:
        text: Of any length; nothing is cut off.
        level: ``token``, ``passage`` or ``note``: what one row stands for.
        model: ``builtin``, a folder, or a name on the hub; where None, NOTEKIN_MODEL or
            Clinical-Longformer.
        pooling: ``mean``, ``cls``, ``max`` or ``mean_max``; tokens are not pooled.
    """
    import pandas as pd

    (part,) = embedding.embed(_encoder(model, pooling), [text], _level(level))
    ranges = zip(part.begins, part.ends, strict=True)
    return pd.DataFrame(
        {
            "text": [text[begin:end] for begin, end in ranges],
            "begin": part.begins,
            "end": part.ends,
            "embedding": list(part.embeddings),
        }
    )


def embed_file(
    *sources: Source,
    to: str | Path,
    level: str = "note",
    model: str | None = None,
    pooling: str = "mean",
    format: str | None = None,  # noqa: A002 - the name of the command's option
    mapping: Mapping[str, str] | None = None,
) -> EmbedReport:
    """Write the embeddings of all notes of some sources as one Parquet file.

    Columns: note_id, patient_id, text, begin, end, embedding. The file is whole or absent.

    Raises:
        ReaderError: A source as a whole can't be read.
        UsageError: There is no such level or pooling, or no folder to write in.
    """
    opened = [open_source(one, format=format, mapping=mapping) for one in sources]
    wanted = _level(level)
    return embedding.write(opened, _encoder(model, pooling), wanted, Path(to))


@functools.lru_cache(maxsize=1)
def _encoder(model: str | None, pooling: str) -> NoteEncoder:
    """Return an encoder without a store; the last one asked for is kept."""
    settings = read_settings()
    return NoteEncoder.load(
        model or settings.model,
        settings.cache,
        pooling=pooling_named(pooling),
        precision=settings.precision,
        device=settings.device,
    )


def _level(name: str) -> Level:
    if name not in list(Level):
        raise UsageError(f"There is no level {name}: say {', '.join(Level)}.")
    return Level(name)
