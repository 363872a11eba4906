"""Payloads about endpoints: those of hooks and of custom channels (campaigns.md sections 9 and 10)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from repoint.functions.result import MOST_BYTES

MOST_ENDPOINTS = 50


def payloads(
    message: Mapping[str, Any], endpoints: Mapping[str, Any], *, most_endpoints: int = MOST_ENDPOINTS
) -> Iterator[tuple[list[str], bytes]]:
    """The payloads that together hold all endpoints as `Endpoints` beside the members of `message`, with their ids.

    Each has `most_endpoints` at most, and fewer where they would not fit into what a function takes. An endpoint that
    does not fit even by itself comes alone, in a payload that a call refuses as too large.
    """
    head = msgspec.json.encode({**message, "Endpoints": {}})[:-2]
    ids: list[str] = []
    parts: list[bytes] = []
    size_bytes = 0
    for endpoint_id, endpoint in endpoints.items():
        part = msgspec.json.encode(endpoint_id) + b":" + msgspec.json.encode(endpoint)
        is_full = len(ids) == most_endpoints or len(head) + size_bytes + len(part) + 2 > MOST_BYTES
        if ids and is_full:
            yield ids, head + b",".join(parts) + b"}}"
            ids, parts, size_bytes = [], [], 0
        ids.append(endpoint_id)
        parts.append(part)
        size_bytes += len(part) + 1
    if ids:
        yield ids, head + b",".join(parts) + b"}}"
