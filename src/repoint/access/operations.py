"""Access keys made, listed and revoked: operations of ours, for `repoint keys` and the console."""

import re
import secrets
import string

from repoint.access.ring import check_master_key
from repoint.access.seal import load_seal
from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.operation import Call, Input, Output, extension

_queries = load_queries("repoint.access")

# A key is a user of the account in policies and ARNs; these are the names that IAM allows a user.
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_ID_LETTERS = string.ascii_uppercase + "234567"
_PAGE = 1000


@extension("POST", "/repoint/v1/keys", resource="keys", status=201)
async def create_key(call: Call, arguments: Input) -> Output:
    """Make a key. The only answer that ever holds its SecretAccessKey.

    Raises BadRequestException for a Name that no IAM user could have, MasterKeyError when this process holds another
    master key than the one that the database's secrets are sealed with.
    """
    name = _checked_name(arguments.get("Name"))
    await check_master_key(call.settings, call.db)
    access_key_id = "AKIA" + "".join(secrets.choice(_ID_LETTERS) for _ in range(16))
    secret = secrets.token_urlsafe(30)
    row = {
        "access_key_id": access_key_id,
        "secret": load_seal(call.settings).close(secret, access_key_id),
        "name": name,
        "status": "ACTIVE",
        "created_at": call.now,
    }
    await call.db.execute(_queries.insert_key, row)
    return _document(row) | {"SecretAccessKey": secret}


@extension("GET", "/repoint/v1/keys", resource="keys")
async def list_keys(call: Call, arguments: Input) -> Output:
    """A page of keys, revoked ones too, without their secrets; `token` is the NextToken of the page before."""
    token = arguments.get("token", "")
    if re.fullmatch(r"\w*", token, re.ASCII) is None:
        raise BadRequestException("Invalid token")
    rows = await call.db.rows(_queries.list_keys, {"after": token, "limit": _PAGE + 1})
    page: dict[str, Output] = {"Item": [_document(row) for row in rows[:_PAGE]]}
    if len(rows) > _PAGE:
        page["NextToken"] = rows[_PAGE - 1]["access_key_id"]
    return page


@extension("DELETE", "/repoint/v1/keys/{AccessKeyId}", resource="keys/{AccessKeyId}")
async def revoke_key(call: Call, arguments: Input) -> Output:
    """Revoke a key for ever: its next call is refused in every process. Revoking it again changes nothing."""
    access_key_id = arguments["AccessKeyId"]
    if re.fullmatch(r"\w{1,128}", access_key_id, re.ASCII) is None:
        raise NotFoundException
    row = await call.db.row(_queries.revoke_key, {"access_key_id": access_key_id, "now": call.now})
    if row is None:
        raise NotFoundException
    return _document(row)


def _checked_name(name: object) -> str:
    if name is None:
        raise BadRequestException("Missing Name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise BadRequestException("Name must be 1 to 64 letters, digits or any of _+=,.@-")
    return name


def _document(row: Row) -> dict[str, Output]:
    return {
        "AccessKeyId": row["access_key_id"],
        "Name": row["name"],
        "Status": row["status"],
        "CreationDate": format_instant(row["created_at"]),
    }
