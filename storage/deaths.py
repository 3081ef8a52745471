"""The notes that died so far: the tombstones, read once each."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection

from notekin.storage import reading
from notekin.storage.keys import Keys


class Deaths:
    """Remembers the dead notes, so that a new generation costs only its own tombstones.

    What a purge removed stays remembered: its keys are never used again.
    """

    def __init__(self) -> None:
        self._generation = 0
        self._keys: Keys = np.empty(0, np.int64)

    def up_to(self, connection: Connection, generation: int) -> Keys:
        """Return the keys of all notes that died by a generation, ascending.

        Args:
            connection: A transaction that sees the generation.
            generation: Not below the one asked for last.
        """
        new = reading.dead_keys(connection, generation, since=self._generation)
        if len(new):
            self._keys = np.union1d(self._keys, new)
        self._generation = generation
        return self._keys
