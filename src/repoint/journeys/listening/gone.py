"""Participants whose endpoints are deleted leave their journeys (journeys.md section 3).

They are noted as those are who are told of: whoever holds their lane looks whether anything of them is left.
"""

from collections.abc import Sequence

from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.endpoints.gone import on_gone

Q = load_queries("repoint.journeys.listening")


@on_gone
async def note_gone(db: Db, application_id: str, keys: Sequence[str], user_keys: Sequence[str]) -> None:
    """Note who is inside a journey and may be gone."""
    parameters = {"application_id": application_id, "keys": list(keys), "user_keys": list(user_keys)}
    await db.execute(Q.insert_gone, parameters)
