"""Where the real data lies, for the tests that use it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data() -> Path:
    """Return the folder of real notes, or skip the test with the reason."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("NOTEKIN_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; NOTEKIN_DATA names another folder")
    return folder
