"""HTML to the text that a reader of the page would see."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_UNSEEN = frozenset({"script", "style", "head", "template"})
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "footer"}
    | {"form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol"}
    | {"p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul"}
)
_CELLS = frozenset({"td", "th"})


def text_of_html(html: str) -> str:
    """Return the page's text: a line for each block, a tab between a table's cells."""
    page = _Page()
    page.feed(html)
    page.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(page.parts).rstrip(" ")).strip("\n")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0
        self._kept_as_is = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._unseen += tag in _UNSEEN
        self._kept_as_is += tag == "pre"
        self._space(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._space(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._kept_as_is -= tag == "pre" and self._kept_as_is > 0
        if tag in _BLOCKS:
            self._space(tag)

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if not self._kept_as_is:
            data = re.sub(r"[ \t\r\n\f]+", " ", data)
            data = data.lstrip(" ") if self._begins_line() else data
        self.parts.append(data)

    def _begins_line(self) -> bool:
        return not self.parts or self.parts[-1].endswith(("\n", "\t"))

    def _space(self, tag: str) -> None:
        if tag in _CELLS and not self._begins_line():
            self.parts.append("\t")
        elif tag in _BLOCKS:
            if self.parts and not self._kept_as_is:
                self.parts[-1] = self.parts[-1].rstrip(" ")
            self.parts.append("\n")
