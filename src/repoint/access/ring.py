"""Keys as the API looks them up: exactly, yet with one statement for all calls that are waiting.

Nothing about a key's status is remembered. Calls that arrive while a statement is under way wait for the next one,
since that statement may have been begun before a key was revoked. Only opened secrets are kept, by their sealed
bytes.
"""

import asyncio
from dataclasses import dataclass

from repoint.access.seal import MasterKeyError, Seal, load_seal
from repoint.db.pool import Database, Db, Row
from repoint.db.queries import load_queries
from repoint.operation import Principal
from repoint.settings import Settings

_queries = load_queries("repoint.access")

# More keys than these are not forgotten, only opened again.
_OPENED = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """A key in use and who calls with it."""

    principal: Principal
    secret: str


_Waiting = tuple[str, asyncio.Future[Key | None]]


class KeyRing:
    """The keys of one database, for one process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._waiting: list[_Waiting] = []
        self._loading: asyncio.Task[None] | None = None
        self._opened: dict[tuple[str, bytes], Key] = {}

    async def find(self, access_key_id: str) -> Key | None:
        """The key of this id, a word of letters and digits; None when there is none or it is revoked.

        Raises MasterKeyError when its secret cannot be opened, psycopg's errors when the database cannot be asked.
        """
        found: asyncio.Future[Key | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((access_key_id, found))
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        return await found

    async def _load(self) -> None:
        waiting: list[_Waiting] = []
        try:
            # Calls may come while the connection is given back, hence the outer loop.
            while self._waiting:
                # One connection for as long as calls keep coming; the pool is asked only after a pause.
                async with self._database.connection() as db:
                    while self._waiting:
                        waiting, self._waiting = self._waiting, []
                        await self._answer(db, waiting)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
            for _, found in (*waiting, *self._waiting):
                _settle(found, error)
            self._waiting = []
        finally:
            self._loading = None

    async def _answer(self, db: Db, waiting: list[_Waiting]) -> None:
        # No id holds a comma; one text is cheaper to send than a list.
        ids = ",".join({access_key_id for access_key_id, _ in waiting})
        by_id = {row["access_key_id"]: row for row in await db.rows(_queries.find_keys, {"ids": ids})}
        for access_key_id, found in waiting:
            try:
                _settle(found, self._open(by_id.get(access_key_id)))
            except MasterKeyError as error:
                _settle(found, error)

    def _open(self, row: Row | None) -> Key | None:
        if row is None:
            return None
        place = (row["access_key_id"], row["secret"])
        key = self._opened.get(place)
        if key is None:
            if len(self._opened) >= _OPENED:
                self._opened.clear()
            key = self._opened[place] = _opened(load_seal(self._settings), row, self._settings.account_id)
        return key


def _settle(found: asyncio.Future[Key | None], outcome: Key | Exception | None) -> None:
    if found.done():  # its caller has gone
        return
    if isinstance(outcome, Exception):
        found.set_exception(outcome)
    else:
        found.set_result(outcome)


def _opened(seal: Seal, row: Row, account_id: str) -> Key:
    access_key_id, name = row["access_key_id"], row["name"]
    # A key is a user of the account, as policies will name it.
    principal = Principal(access_key_id, name, f"arn:aws:iam::{account_id}:user/{name}")
    return Key(principal, seal.open(row["secret"], access_key_id))


async def check_master_key(settings: Settings, db: Db) -> None:
    """Raise MasterKeyError when this process cannot open the secrets that the database holds."""
    seal = load_seal(settings)
    row = await db.row(_queries.any_key)
    if row is not None:
        seal.open(row["secret"], row["access_key_id"])
