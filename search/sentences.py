"""Where the sentences of a clinical text begin and end: abbreviations, wrapped lines, lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from notekin.types import Span

WIDEST = 1500
"""How far a sentence is looked for to either side; a longer one is cut there."""

_NEVER_LAST = re.compile(
    r"(?i:dr|mr|mrs|ms|prof|vs|e\.g|i\.e|approx|fig|p\.r\.n|st|e|poss|prob|susp|prev)"
)
"""Abbreviations after which the sentence goes on, whatever follows."""
_SELDOM_LAST = re.compile(
    r"(?i:pts?|dept|no|inc|m[gl]|kg|hrs?|min|[wh]t|temp|resp|abd|ext|neuro|[hdtrsf]x|[jqs]r?|p\.o|b\.i\.d|"
    r"[tq]\.i\.d|q\.[dh]|i\.[vm]|[ap]\.m|etc|al|esp|incl|neg|pos|hist|s\.p|h\.o|c\.o|u\.s|[md]\.[do]|d\.c|"
    r"n\.p\.o|b\.p|[a-z])"
)
"""Abbreviations after which the sentence ends only where a capital follows."""
_ANSWER = re.compile(
    r"\s*(?:yes|no|none|denies|denied|neg(?:ative)?|pos(?:itive)?)\b", re.IGNORECASE
)
_OPEN_END = re.compile(
    r"(?:,|/|-|(?<![:?-] )\b(?:and|or|nor|of|the|a|an|no|with|without|to|in|for|on|at|by|"
    r"from|his|her|is|was|has|had|denies|any|not|that|which|who))$",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[ \t]*(?:[-*•·o]|\d{1,2}[.)]|[a-z][.)])[ \t]+", re.IGNORECASE)
_SPACE = re.compile(r"\s*")
_LAST_WORD = re.compile(r"[^\s(\[]+$")
_LONGEST_WORD = 40
_LONGEST_LIST = 40
_WRAPPED = 55
"""A line of this many characters may have been wrapped: what follows can go on with it."""


@cache
def _end() -> re.Pattern[str]:
    return re.compile(r"""[.!?\n](?:(?<=\n)\s*|(?<!\n)[.!?]*["')\]]*(?=\s|$))""")


def sentence_around(text: str, start: int, end: int) -> Span:
    """Return the sentence that holds ``text[start:end]``, or those that do together.

    Items of a list belong to the line that introduces them with a colon, so that ``Denies:``
    holds for each of them.
    """
    first, last = max(0, start - WIDEST), min(len(text), end + WIDEST)
    before: list[re.Match[str]] = []
    until = last
    for mark in _end().finditer(text, first, last):
        if mark.end() <= start:
            before.append(mark)
        if mark.end() >= end and _ends(text, mark):
            until = mark.end()
            break
    begin = next((mark.end() for mark in reversed(before) if _ends(text, mark)), first)
    found = next(_stripped(text, begin, until), (start, end))
    return min(found[0], start), max(found[1], end)


def sentences_of(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Return the sentences of ``text[start:end]`` in order, without the space around them."""
    return list(_sentences(text, start, len(text) if end is None else end))


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    begins = start
    for match in _end().finditer(text, start, end):
        if match.start() < begins:
            continue
        if _ends(text, match):
            yield from _stripped(text, begins, match.end())
            begins = match.end()
    yield from _stripped(text, begins, end)


def _stripped(text: str, begin: int, end: int) -> Iterator[Span]:
    """Give the stretch without the space around it; nothing where there is nothing else."""
    begin = _SPACE.match(text, begin, end).end()  # type: ignore[union-attr]  # matches anything
    end = begin + len(text[begin:end].rstrip())
    if end > begin:
        yield begin, end


def _ends(text: str, match: re.Match[str]) -> bool:
    """Say whether a sentence ends at this mark or line break."""
    if "\n" in match[0]:
        return _line_ends(text, match)
    if match[0].startswith("?"):
        asks = not text[max(0, match.start() - 1) : match.start()].strip()
        return not asks and _ANSWER.match(text, match.end()) is None
    return not match[0].startswith(".") or _stop_ends(text, match)


def _stop_ends(text: str, match: re.Match[str]) -> bool:
    """Say whether a full stop ends the sentence, and not an abbreviation or a list's number."""
    word = _LAST_WORD.search(text, max(0, match.start() - _LONGEST_WORD), match.start())
    if word is None or _NEVER_LAST.fullmatch(word[0]):
        return word is None
    if word[0].isdigit() and len(word[0]) < 3:
        before = text[max(0, word.start() - 3) : word.start()].rstrip(" \t")
        return bool(before) and not before.endswith((":", "\n", ".", ";"))
    following = text[match.end() : match.end() + 3].lstrip()[:1]
    return following.isupper() or not _SELDOM_LAST.fullmatch(word[0])


def _line_ends(text: str, match: re.Match[str]) -> bool:
    """Say whether a sentence ends with its line: not where the line was wrapped or opens a list."""
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].rstrip(" \t")
    if match[0].count("\n") > 1 and not line.endswith(":"):
        return True
    bulleted = _BULLET.match(text, match.end()) is not None
    if line.endswith(":"):
        return not bulleted
    if bulleted:
        return not _is_listed(text, match.start())
    following = text[match.end() : match.end() + 1]
    if following.islower() or _OPEN_END.search(line):
        return False
    return len(line) < _WRAPPED or line[-1:] in ".:;?!"


def _is_listed(text: str, end: int) -> bool:
    """Say whether the line that ends here is an item of a list that a colon introduces."""
    for _ in range(_LONGEST_LIST):
        begin = text.rfind("\n", 0, end) + 1
        if not _BULLET.match(text, begin):
            return text[begin:end].rstrip().endswith(":")
        if not begin:
            return False
        end = begin - 1
    return False
