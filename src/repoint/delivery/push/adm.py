"""Notifications as Amazon Device Messaging takes them (channels.md section 6.4)."""

import re
from typing import Any

import msgspec

from repoint.delivery.message import Push
from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.data import pinpoint_data
from repoint.delivery.push.failure import read_object
from repoint.delivery.push.size import check_body, check_payload

_MOST_BYTES = 6 * 1024
_SECONDS = re.compile(r"[0-9]{1,18}")


def make_adm(content: Push) -> bytes:
    """The body of a message; raises RefusedError."""
    members = content.members
    if "RawContent" in members:
        raw = check_body(members["RawContent"].encode())
        data = read_object(raw).get("data")
        if not isinstance(data, dict):
            raise RefusedError.permanent("Invalid RawContent: data must be an object")
        check_payload(len(msgspec.json.encode(data)), _MOST_BYTES)
        return raw
    body: dict[str, Any] = {"data": pinpoint_data(content)}
    check_payload(len(msgspec.json.encode(body["data"])), _MOST_BYTES)
    if members.get("ConsolidationKey"):
        body["consolidationKey"] = members["ConsolidationKey"]
    if expires_after := members.get("ExpiresAfter"):
        if not _SECONDS.fullmatch(expires_after):
            raise RefusedError.permanent("Invalid ExpiresAfter: not a number of seconds")
        body["expiresAfter"] = int(expires_after)
    if members.get("MD5"):
        body["md5"] = members["MD5"]
    return check_body(msgspec.json.encode(body))
