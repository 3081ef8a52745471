"""The text of a FHIR document: which of its attachments is read, and how."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import NamedTuple

from notekin.indexer.readers.cells import CellError
from notekin.indexer.readers.fhir_paths import FhirObject, objects_at, text_at
from notekin.indexer.readers.html_text import text_of_html

_PLAIN = "text/plain"
_HTML = ("text/html", "application/xhtml+xml")


class DocumentText(NamedTuple):
    """A document's text, and the content types that stand beside it unread."""

    text: str
    unread_types: list[str]


class _Attachment(NamedTuple):
    kind: str
    charset: str
    data: object
    has_url: bool


def read_attachments(document: FhirObject) -> DocumentText:
    """Return the document's text.

    A document's attachments are the same document in several formats (FHIR R4,
    DocumentReference.content). Plain text is read where there is some, else HTML; several
    of the format that is read are parts of it, joined by an empty line.

    Raises:
        CellError: No attachment holds text.
    """
    attachments = [_attachment(found) for found in objects_at(document, "content", "attachment")]
    held = [attachment for attachment in attachments if attachment.data is not None]
    plain = [attachment for attachment in held if attachment.kind == _PLAIN]
    chosen = plain or [attachment for attachment in held if attachment.kind in _HTML]
    if not chosen:
        raise CellError(_why_not(attachments))
    texts = dict.fromkeys(map(_text, chosen))
    unread = [attachment.kind for attachment in attachments if attachment not in chosen]
    return DocumentText("\n\n".join(texts), unread)


def _attachment(found: FhirObject) -> _Attachment:
    """Return the attachment, its type in lower case; UTF-8 where no charset is named."""
    content_type = text_at(found, "contentType") or "unknown"
    charset = re.search(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", content_type, re.I)
    return _Attachment(
        kind=content_type.partition(";")[0].strip().lower(),
        charset="utf-8" if charset is None else charset[1].lower(),
        data=found.get("data"),
        has_url="url" in found,
    )


def _why_not(attachments: Sequence[_Attachment]) -> str:
    if not attachments:
        return "it has no attachment"
    if all(attachment.data is None for attachment in attachments):
        if any(attachment.has_url for attachment in attachments):
            return "its text is not in the file but at a url, which is not fetched"
        return "its attachment has no data"
    return "no attachment is plain text or HTML"


def _text(attachment: _Attachment) -> str:
    charset = "utf-8-sig" if attachment.charset in {"utf-8", "utf8"} else attachment.charset
    text = _in_charset(_bytes(attachment.data), charset)
    return text if attachment.kind == _PLAIN else text_of_html(text)


def _bytes(data: object) -> bytes:
    try:
        if isinstance(data, str):
            return base64.b64decode("".join(data.split()), validate=True)
    except ValueError:
        pass
    raise CellError("the base64 of its attachment is broken")


def _in_charset(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset)
    except LookupError:
        reason = "the charset of its attachment is unknown"
    except ValueError:
        reason = "its attachment is not in the charset that it names"
    raise CellError(reason)
