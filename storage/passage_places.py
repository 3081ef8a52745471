"""Where passages stand and which family each is of, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from notekin.storage.damage import damaged_catalog
from notekin.storage.keys import Keys
from notekin.storage.schema import PassageRow
from notekin.storage.sets import among

_KEYS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class PassagePlaces:
    """Some passages, in the order asked for; int64, ``family`` -1 where there is none."""

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    family: npt.NDArray[np.int64]


def places_of(connection: Connection, passage_keys: Keys) -> PassagePlaces:
    """Return where some passages stand."""
    wanted = np.unique(passage_keys)
    rows = np.full((len(wanted), 4), -1, np.int64)
    filled = 0
    for first in range(0, len(wanted), _KEYS_AT_ONCE):
        some = wanted[first : first + _KEYS_AT_ONCE]
        found = connection.execute(
            select(PassageRow.passage_key, PassageRow.start, PassageRow.end, PassageRow.family)
            .where(among(PassageRow.passage_key, some))
            .order_by(PassageRow.passage_key)
        )
        for key, start, end, family in found:
            rows[filled] = (key, start, end, -1 if family is None else family)
            filled += 1
    if filled < len(wanted):
        raise damaged_catalog(connection, "does not hold passages of notes with vectors")
    at = np.searchsorted(wanted, passage_keys)
    return PassagePlaces(rows[at, 1], rows[at, 2], rows[at, 3])
