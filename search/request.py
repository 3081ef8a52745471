"""What is asked of a search beside its text."""

from __future__ import annotations

from dataclasses import dataclass

from notekin.errors import UsageError
from notekin.search.asserted import Asserted
from notekin.search.grouping import Grouping
from notekin.search.mode import Mode
from notekin.storage.conditions import Condition


@dataclass(frozen=True, slots=True)
class Request:
    """How many rows of which notes, and what of them.

    Attributes:
        k: Rows; fewer come back only where there are fewer.
        condition: What notes must meet; None lets all pass.
        mode: Which channels are listened to; nothing for examples.
        sections: Titles; only passages that begin in one of these are looked at. None for all.
        asserted: What notes must say of what the query speaks of, one of these; empty for no
            matter what.
        by: What a row stands for.
        context: Sentences that are shown to either side of a passage.
    """

    k: int = 10
    condition: Condition | None = None
    mode: Mode = Mode.HYBRID
    sections: tuple[str, ...] | None = None
    asserted: tuple[Asserted, ...] = ()
    by: Grouping = Grouping.NOTE
    context: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be done.

        Raises:
            UsageError: ``k`` is below 1, or ``context`` below 0.
        """
        if self.k < 1:
            raise UsageError(f"k is {self.k}; ask for at least one hit.")
        if self.context < 0:
            raise UsageError(f"context is {self.context}; ask for 0 sentences or more.")
