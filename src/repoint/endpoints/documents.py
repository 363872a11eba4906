"""Endpoints as answers show them, many at once: for those who send to them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries

Q = load_queries("repoint.endpoints")


async def documents_by_key(db: Db, application_id: str, keys: Sequence[str]) -> dict[str, Any]:
    """Those of these endpoints that exist, by key."""
    if not keys:
        return {}
    parameters = {"application_id": application_id, "keys": as_json(sorted(keys))}
    _, rows = await db.together((Q.go_by_index, {}), (Q.documents_with_users, parameters))
    return {key: msgspec.json.decode(document) for key, document in rows}


async def documents_by_user(db: Db, application_id: str, users: Mapping[str, str]) -> list[tuple[str, Any]]:
    """Every endpoint of users who are given by id with their keys: the id and the endpoint, oldest first."""
    parameters = {"application_id": application_id, "keys": as_json(sorted(set(users.values())))}
    _, rows = await db.together((Q.go_by_index, {}), (Q.documents_of_users, parameters))
    ids = {key: user for user, key in users.items()}
    return [(ids[key], msgspec.json.decode(document)) for key, document in rows]
