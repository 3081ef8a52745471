"""What a store's files hold, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from notekin.types import Encoder


def traces(encoder: Encoder, text: str, *ids: str) -> dict[str, bytes]:
    """Return what a note may leave in a file: its text, its ids and each of its vectors."""
    encoded = encoder.encode_notes([text])[0]
    vectors = {
        f"passage vector {place}": vector.tobytes()
        for place, vector in enumerate(encoded.passage_vectors)
    }
    words = {f"word {word}": word.encode() for word in text.split()}
    names = {f"id {name}": name.encode() for name in ids}
    return names | words | vectors | {"note vector": encoded.vector.tobytes()}


def found_in(folder: Path, traces: Mapping[str, bytes]) -> set[str]:
    """Return which of these byte strings stand in any file under a folder, or in its names."""
    data = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    data += [str(path.relative_to(folder)).encode() for path in folder.rglob("*")]
    return {name for name, trace in traces.items() if any(trace in part for part in data)}
