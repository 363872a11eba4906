"""Keys as the API looks them up: exactly, yet with one statement for all calls that are waiting.

Nothing about a key's status is remembered. Calls that arrive while a statement is under way wait for the next one,
since that statement may have been begun before a key was revoked. Only what is dear to make is kept: the opened secret
and the policy made ready, for as long as the statement says that they are still the same.
"""

import asyncio
from dataclasses import dataclass

from repoint.access.document import read_document
from repoint.access.rights import KeyRights
from repoint.access.seal import MasterKeyError, load_seal
from repoint.contract.errors import BadRequestException
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
    # What it was made of: the sealed secret, and the version of the policy.
    made_of: tuple[bytes, int]


class StoredPolicyError(Exception):
    """A policy that was accepted once is not understood, as one that a later version of Repoint has stored."""


_Waiting = tuple[str, asyncio.Future[Key | None]]


class KeyRing:
    """The keys of one database, for one process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._waiting: list[_Waiting] = []
        self._loading: asyncio.Task[None] | None = None
        self._opened: dict[str, Key] = {}

    async def find(self, access_key_id: str) -> Key | None:
        """The key of this id, a word of letters and digits; None when there is none or it is revoked.

        Raises MasterKeyError when its secret cannot be opened, StoredPolicyError when its policy cannot be read,
        psycopg's errors when the database cannot be asked.
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
        policies = await self._find_policies(db, by_id)
        for access_key_id, found in waiting:
            try:
                _settle(found, self._open(by_id.get(access_key_id), policies.get(access_key_id)))
            except (MasterKeyError, StoredPolicyError) as error:
                _settle(found, error)

    async def _find_policies(self, db: Db, by_id: dict[str, Row]) -> dict[str, Row]:
        """The policies of those keys that are not known in this version; of nearly no call."""
        new = [row["access_key_id"] for row in by_id.values() if row["policy_version"] and self._known(row) is None]
        if not new:
            return {}
        return {row["access_key_id"]: row for row in await db.rows(_queries.find_policies, {"ids": ",".join(new)})}

    def _known(self, row: Row) -> Key | None:
        known = self._opened.get(row["access_key_id"])
        return known if known and known.made_of == (row["secret"], row["policy_version"]) else None

    def _open(self, row: Row | None, policy: Row | None) -> Key | None:
        if row is None:
            return None
        key = self._known(row)
        if key is None:
            if len(self._opened) >= _OPENED:
                self._opened.clear()
            key = self._opened[row["access_key_id"]] = _opened(self._settings, row, policy)
        return key


def _settle(found: asyncio.Future[Key | None], outcome: Key | Exception | None) -> None:
    if found.done():  # its caller has gone
        return
    if isinstance(outcome, Exception):
        found.set_exception(outcome)
    else:
        found.set_result(outcome)


def _opened(settings: Settings, row: Row, policy: Row | None) -> Key:
    access_key_id, name = row["access_key_id"], row["name"]
    # A key is a user of the account, as policies name it.
    arn = f"arn:aws:iam::{settings.account_id}:user/{name}"
    rights = None if policy is None else _rights(policy, arn, name)
    # The policy may have been changed once more since the first look.
    version = row["policy_version"] if policy is None else policy["policy_version"]
    secret = load_seal(settings).open(row["secret"], access_key_id)
    return Key(Principal(access_key_id, name, arn, rights), secret, (row["secret"], version))


def _rights(policy: Row, arn: str, name: str) -> KeyRights | None:
    if policy["policy"] is None:
        return None
    try:
        document = read_document(policy["policy"])
    except BadRequestException as error:
        raise StoredPolicyError(f"the policy of {policy['access_key_id']} cannot be read: {error.message}") from error
    return KeyRights(document, arn=arn, user_name=name, user_id=policy["access_key_id"], tags=policy["tags"])


async def check_master_key(settings: Settings, db: Db) -> None:
    """Raise MasterKeyError when this process cannot open the secrets that the database holds."""
    seal = load_seal(settings)
    row = await db.row(_queries.any_key)
    if row is not None:
        seal.open(row["secret"], row["access_key_id"])
