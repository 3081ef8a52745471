"""The headings of one note: one writer's habits, the same from top to bottom."""

from __future__ import annotations

from notekin.samples import phrases
from notekin.samples.dice import Dice


class Headings:
    """Names the sections of one note, in one style and with one set of words."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._style = dice.below(5)

    def over(self, key: str, text: str) -> str:
        """Return the section's text under its heading; ``key`` may be a heading itself."""
        name = self._dice.pick(phrases.HEADINGS[key]) if key in phrases.HEADINGS else key
        if self._style == 0:
            return f"{name.upper()}:\n{text}"
        if self._style == 1:
            return f"{name}:\n{text}"
        if self._style == 2:
            return f"{name.upper()}: {text}"
        if self._style == 3:
            return f"**{name}**\n{text}"
        return f"{name} - {text}" if "\n" not in text else f"{name} -\n{text}"
