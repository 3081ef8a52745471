"""Models fetched by name from the Hugging Face hub, where it can be reached."""

from __future__ import annotations

from pathlib import Path

from notekin.errors import ModelUnavailableError
from notekin.indexer.longformer.files import INDEX, PICKLE, SAFETENSORS, TOKENIZER_FILES

ANSWER_TIMEOUT_S = 4.0
_SAFE = ("config.json", *TOKENIZER_FILES, SAFETENSORS, INDEX, "model-*.safetensors")


def fetch(name: str) -> Path:
    """Return the folder of a model on the hub, downloaded unless it already was.

    Weights come as safetensors; a pickle is fetched only where there are none.

    Raises:
        ModelUnavailableError: It is not on this machine and can't be fetched.
    """
    folder = _download(name, _SAFE)
    if not any(folder.glob("*.safetensors")):
        folder = _download(name, (*_SAFE, PICKLE))
    return folder


def _download(name: str, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import snapshot_download  # slow to import, and a folder needs none of it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(
            snapshot_download(name, allow_patterns=list(patterns), etag_timeout=ANSWER_TIMEOUT_S)
        )
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        raise ModelUnavailableError(
            f"The model {name} is not on this machine and could not be fetched. "
            "Give the folder of a downloaded model, or use the one that comes with Notekin: "
            "--model builtin"
        ) from error
