"""A request as the API's steps see it: its head, read once."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import getrandbits
from typing import Any

from repoint.contract.signature import merge_headers

Scope = MutableMapping[str, Any]


@dataclass(slots=True)
class Request:
    """The head of one request, and the id it is answered and logged under."""

    request_id: str
    method: str
    # As it came, before percent-decoding and without the query; what is signed and routed.
    raw_path: bytes
    raw_query: bytes
    headers: dict[bytes, bytes]
    # Address of the connection's other end, empty for one that has none.
    peer: str
    received_at: datetime
    # Whether the connection is TLS up to here.
    is_secure: bool = False

    @property
    def path(self) -> str:
        """The raw path for the router, bytes beyond ASCII as Latin-1."""
        return self.raw_path.decode("latin-1")


def read_head(scope: Scope) -> Request:
    """The request that an ASGI server has received the head of."""
    client = scope.get("client")
    return Request(
        new_request_id(),
        scope["method"],
        scope["raw_path"],
        scope["query_string"],
        merge_headers(scope["headers"]),
        client[0] if client else "",
        datetime.now(UTC),
        scope["scheme"] == "https",
    )


def new_request_id() -> str:
    """A random UUID of version 4. It names a call and guards nothing, so it need not be secret."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
