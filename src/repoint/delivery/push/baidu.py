"""Notifications as Baidu's service takes them: parameters of a form, and their signature (channels.md section 6.4)."""

import hashlib
from typing import Any
from urllib.parse import quote_plus

import msgspec

from repoint.delivery.message import Push
from repoint.delivery.push.data import pinpoint_data
from repoint.delivery.push.size import check_payload

_MOST_BYTES = 4096
# Seconds, at most and by default.
_TTL_S = 604_800
# A message that the app alone sees, or one that the system shows.
_QUIET, _SHOWN = "0", "1"


def make_baidu(content: Push) -> dict[str, str]:
    """What is said of a message, as parameters; raises RefusedError."""
    members = content.members
    is_silent = bool(members.get("SilentPush"))
    message = members["RawContent"] if "RawContent" in members else _message(content, is_silent=is_silent)
    check_payload(len(message.encode()), _MOST_BYTES)
    expires_s = min(members.get("TimeToLive", _TTL_S), _TTL_S)
    return {"msg": message, "msg_type": _QUIET if is_silent else _SHOWN, "msg_expires": str(expires_s)}


def signed(url: str, parameters: dict[str, str], secret: str) -> dict[str, str]:
    """Parameters of a POST with their signature: push.baidu.com/doc/restapi/sdk_developer, section on `sign`."""
    told = "".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    # As PHP does it, where a tilde is not left as it is.
    text = quote_plus(f"POST{url}{told}{secret}").replace("~", "%7E")
    # The service's own choice.
    return parameters | {"sign": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}


def _message(content: Push, *, is_silent: bool) -> str:
    members = content.members
    names = {} if is_silent else {"Title": "title", "Body": "description"}
    message: dict[str, Any] = {name: members[member] for member, name in names.items() if members.get(member)}
    return msgspec.json.encode(message | {"custom_content": pinpoint_data(content)}).decode()
