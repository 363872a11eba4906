"""Which events a client has sent before (events.md section 1.5): asked in the transaction that logs them."""

import zlib
from collections.abc import Iterable

import msgspec

from repoint.db.pool import Parameters
from repoint.db.queries import Query, load_queries

Q = load_queries("repoint.events")

# Endpoints share this many locks, so that a large group holds not more of them than the server has room for.
_STRIPES = 1024


def ask_to_be_alone(application_id: str, endpoint_keys: Iterable[str]) -> tuple[Query, Parameters]:
    """The statement that makes this transaction the only one to take events of these endpoints, until its end."""
    start = zlib.crc32(application_id.encode())
    stripes = sorted({zlib.crc32(key.encode(), start) % _STRIPES for key in endpoint_keys})
    return Q.be_alone_with, {"stripes": msgspec.json.encode(stripes).decode()}


def ask_for_place() -> tuple[Query, Parameters]:
    """The statement with which those who look into the log before they append to it ask for leave to append first.

    Otherwise whoever gives a day its place waits for our look to end, and our appending waits for that place.
    """
    return Q.take_place, {}


def ask_which_are_known(hashes: list[str]) -> tuple[Query, Parameters]:
    """The statement that tells which of these events (emit.event_hash) arrived in the last 24 hours; one column."""
    return Q.known_hashes, {"hashes": f"{{{','.join(hashes)}}}"}
