"""Query and body of a request as the arguments of an operation that is ours and not Amazon's."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from repoint.contract.errors import BadRequestException
from repoint.contract.json_text import broken, refuse_repeated, refuse_unreadable, refuse_unreadable_text
from repoint.operation import Extension, Input

Pairs = Sequence[tuple[str, str]]


def read_query(raw_query: bytes) -> Pairs:
    """Names and values in their order, percent-decoded; what was no UTF-8 stands in them as lone surrogates."""
    if not raw_query:
        return ()
    return parse_qsl(raw_query.decode("latin-1"), keep_blank_values=True, errors="surrogateescape")


def read_extension(extension: Extension, labels: Mapping[str, str], query: Pairs, body: bytes) -> Input:
    """Labels, parameters and the body's members in one dict, the first of these going before the others.

    A raw body goes before them all. Raises BadRequestException for text that no request may hold, and for a body that
    is no JSON object or repeats a member.
    """
    for text in (*labels.values(), *(part for pair in query for part in pair)):
        refuse_unreadable_text(text)
    if extension.raw_body:
        return {**dict(query), **labels, "Body": body}
    return {**_read_body(extension, body), **dict(query), **labels}


def _read_body(extension: Extension, body: bytes) -> dict[str, Any]:
    if not body or extension.method in ("GET", "DELETE"):
        return {}
    refuse_unreadable(body)
    try:
        members = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise broken(body, str(error)) from error
    if not isinstance(members, dict):
        raise BadRequestException("The body must be a JSON object")
    # A policy is passed on as it was parsed: what is written twice in it must not be lost before it is read.
    refuse_repeated(body)
    return members
