"""What lies at a path of a FHIR resource, whatever else lies there instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import cast

FhirObject = Mapping[str, object]

_URN = re.compile(r"urn:(?:uuid|oid):([^\s/?#|]+)")


def objects_at(resource: FhirObject, *path: str) -> Iterator[FhirObject]:
    """Yield the objects at the path; lists on the way are gone through."""
    for value in _values_at(resource, path):
        if isinstance(value, Mapping):
            yield cast(FhirObject, value)


def texts_at(resource: FhirObject, *path: str) -> list[str]:
    """Return the texts at the path that are not blank; lists on the way are gone through."""
    return [
        value for value in _values_at(resource, path) if isinstance(value, str) and value.strip()
    ]


def text_at(resource: FhirObject, *path: str) -> str | None:
    """Return the first text at the path, or None."""
    return next(iter(texts_at(resource, *path)), None)


def _values_at(value: object, path: tuple[str, ...]) -> Iterator[object]:
    if isinstance(value, list):
        for item in cast(list[object], value):
            yield from _values_at(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        yield from _values_at(cast(FhirObject, value).get(path[0]), path[1:])


def referred_id(reference: FhirObject, kind: str) -> str | None:
    """Return the id of the resource that a reference names, if it is of this kind.

    Read are ``Patient/1``, absolute addresses and version-specific ones that end so, and
    ``urn:uuid:1``. A reference by search or to a contained resource names no id.
    """
    text = text_at(reference, "reference") or ""
    if text_at(reference, "type") not in {None, kind}:
        return None
    named = re.fullmatch(rf"(?:.*/)?{kind}/([^/?#|]+)(?:/_history/[^/]+)?", text)
    found = named or _URN.fullmatch(text)
    return None if found is None else found[1]
