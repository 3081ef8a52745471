"""Where a model's files are: built in, in a folder, or on the hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from notekin.errors import ModelUnavailableError
from notekin.indexer.longformer.builtin import builtin_folder
from notekin.indexer.longformer.config import read_config
from notekin.indexer.longformer.hub import fetch

BUILTIN = "builtin"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A Longformer's files on this machine.

    Attributes:
        name: As the person gave it, for messages.
        revision: The hub's commit, where it came from there.
    """

    path: Path
    name: str
    revision: str | None


def resolve(model: str, cache: Path) -> ModelFolder:
    """Return the folder of the Longformer that a person names.

    Args:
        model: ``builtin``, a folder, or a name on the hub such as
            ``yikuan8/Clinical-Longformer``.
        cache: Where the built-in model is kept once made.

    Raises:
        ModelUnavailableError: It is not on this machine and can't be fetched.
        EncoderError: It is no Longformer, or damaged.
    """
    found = _find(model, cache)
    read_config(found.path)
    return found


def _find(model: str, cache: Path) -> ModelFolder:
    if model == BUILTIN:
        return ModelFolder(builtin_folder(cache), BUILTIN, None)
    folder = Path(model).expanduser()
    if folder.is_dir():
        return ModelFolder(folder, model, None)
    if _looks_like_a_path(model):
        raise ModelUnavailableError(
            f"There is no folder {folder}. Give the folder of a downloaded model, or use the "
            "one that comes with Notekin: --model builtin"
        )
    fetched = fetch(model)
    return ModelFolder(fetched, model, fetched.name)  # the hub's cache names folders by commit


def _looks_like_a_path(model: str) -> bool:
    return model.startswith((".", "~", "/")) or "\\" in model or model.count("/") > 1
