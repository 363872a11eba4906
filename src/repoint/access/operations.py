"""Access keys made, listed and revoked, and what they may do: operations of ours, for `repoint keys`."""

import json
import re
import secrets
import string
from collections.abc import Mapping
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from repoint.access.document import Document, read_document
from repoint.access.remarks import remarks
from repoint.access.ring import check_master_key
from repoint.access.seal import load_seal
from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException, ForbiddenException, NotFoundException
from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.operation import Call, Input, Output, extension

_queries = load_queries("repoint.access")

# A key is a user of the account in policies and ARNs; these are the names that IAM allows a user.
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_ID_LETTERS = string.ascii_uppercase + "234567"
_PAGE = 1000

MAX_TAGS = 50
_TAG_KEY = re.compile(r"[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")


@extension("POST", "/repoint/v1/keys", resource="keys", status=201)
async def create_key(call: Call, arguments: Input) -> Output:
    """Make a key. The only answer that ever holds its SecretAccessKey.

    `Policy` says what it may do, and without one it may do everything; `Tags` are what policies call
    `aws:PrincipalTag/…`. Raises BadRequestException for a Name that no IAM user could have, bad tags and a bad policy,
    ForbiddenException when a key that has a policy makes one that is not like itself, MasterKeyError when this process
    holds another master key than the one that the database's secrets are sealed with.
    """
    name = _checked_name(arguments.get("Name"))
    tags = _checked_tags(arguments.get("Tags", {}))
    policy, document = _checked_policy(arguments["Policy"]) if "Policy" in arguments else (None, None)
    if document is None:
        _require_all_rights(call)
    else:
        await _check_likeness(call, name, tags, document)
    await check_master_key(call.settings, call.db)
    access_key_id = "AKIA" + "".join(secrets.choice(_ID_LETTERS) for _ in range(16))
    secret = secrets.token_urlsafe(30)
    row = {
        "access_key_id": access_key_id,
        "secret": load_seal(call.settings).close(secret, access_key_id),
        "name": name,
        "status": "ACTIVE",
        "created_at": call.now,
        "policy": policy,
        "has_policy": policy is not None,
        "tags": Jsonb(tags),
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


@extension("DELETE", "/repoint/v1/keys/{AccessKeyId}")
async def revoke_key(call: Call, arguments: Input) -> Output:
    """Revoke a key for ever: its next call is refused in every process. Revoking it again changes nothing."""
    return _document(_found(await call.db.row(_queries.revoke_key, _key(arguments) | {"now": call.now})))


@extension("GET", "/repoint/v1/keys/{AccessKeyId}/policy", resource="keys/{AccessKeyId}")
async def get_key_policy(call: Call, arguments: Input) -> Output:
    """The key, with its `Policy` as it was written; without one when it may do everything."""
    row = _found(await call.db.row(_queries.get_policy, _key(arguments)))
    policy = {} if row["policy"] is None else {"Policy": msgspec.Raw(row["policy"].encode())}
    return _document(row) | policy


@extension("PUT", "/repoint/v1/keys/{AccessKeyId}/policy", resource="keys/{AccessKeyId}")
async def put_key_policy(call: Call, arguments: Input) -> Output:
    """Give a key another `Policy`, an IAM policy as JSON or as text with JSON in it; it counts from the next call on.

    The answer's `Warnings` say what in it can never match. Raises BadRequestException that names the statement and the
    member at fault.
    """
    if "Policy" not in arguments:
        raise BadRequestException("Missing Policy")
    policy, document = _checked_policy(arguments["Policy"])
    row = _found(await call.db.row(_queries.set_policy, _key(arguments) | {"policy": policy}))
    return _document(row) | {"Warnings": list(remarks(document, call.settings))}


@extension("DELETE", "/repoint/v1/keys/{AccessKeyId}/policy", resource="keys/{AccessKeyId}")
async def delete_key_policy(call: Call, arguments: Input) -> Output:
    """Take a key's policy away, so that it may do everything; only a key that may do so itself can give that."""
    _require_all_rights(call)
    return _document(_found(await call.db.row(_queries.set_policy, _key(arguments) | {"policy": None})))


def _require_all_rights(call: Call) -> None:
    if call.principal.rights is not None:
        raise ForbiddenException("Only a key without a policy may make or leave a key without one: give a Policy")


async def _check_likeness(call: Call, name: str, tags: dict[str, str], document: Document) -> None:
    """A key that has a policy makes keys like itself only: with other rights it would have these rights, too.

    Name and tags are part of the rights, as policies speak of them.
    """
    if call.principal.rights is None:
        return
    [own] = await call.db.rows(_queries.find_policies, {"ids": call.principal.access_key_id})
    is_like = own["policy"] is not None and read_document(own["policy"]) == document
    if not is_like or own["tags"] != tags or call.principal.name != name:
        raise ForbiddenException("A key with a policy may only make keys with its own Name, Tags and Policy")


def _key(arguments: Input) -> dict[str, object]:
    access_key_id = arguments["AccessKeyId"]
    if re.fullmatch(r"\w{1,128}", access_key_id, re.ASCII) is None:
        raise NotFoundException
    return {"access_key_id": access_key_id}


def _found(row: Row | None) -> Row:
    if row is None:
        raise NotFoundException
    return row


def _checked_name(name: object) -> str:
    if name is None:
        raise BadRequestException("Missing Name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise BadRequestException("Name must be 1 to 64 letters, digits or any of _+=,.@-")
    return name


def _checked_tags(tags: object) -> dict[str, str]:
    if not isinstance(tags, Mapping) or len(tags) > MAX_TAGS:
        raise BadRequestException(f"Tags must be a JSON object of at most {MAX_TAGS} texts")
    for key, value in tags.items():
        if not isinstance(value, str) or not _TAG_KEY.fullmatch(key) or not _TAG_VALUE.fullmatch(value):
            raise BadRequestException(f"Tags: {key} or its value has signs or a length that tags can't have")
    return dict(tags)


def _checked_policy(policy: Any) -> tuple[str, Document]:
    """The policy's text and what is in it."""
    text = policy if isinstance(policy, str) else json.dumps(policy, ensure_ascii=False)
    return text, read_document(text)


def _document(row: Mapping[str, Any]) -> dict[str, Output]:
    return {
        "AccessKeyId": row["access_key_id"],
        "Name": row["name"],
        "Status": row["status"],
        "HasPolicy": row["has_policy"],
        "CreationDate": format_instant(row["created_at"]),
    }
