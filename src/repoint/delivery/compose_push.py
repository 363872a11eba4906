"""Notifications: merged and filled in; what each platform's payload looks like is its provider's (channels.md 4, 6)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from repoint.delivery.message import Push
from repoint.delivery.recipient import Members, Recipient, Source, own_context
from repoint.templates.errors import RenderError
from repoint.templates.escape import Escape
from repoint.templates.text import compile_text
from repoint.templates.values import Values

# Members with variables in them.
_TEXTS = ("Title", "Body", "Url", "ImageUrl", "ImageIconUrl", "SmallImageIconUrl", "IconReference", "MediaUrl")
# Members of which one is enough for there to be a notification.
_CONTENT = {"RawContent", "Title", "Body", "Data", "JsonBody"}
# By the template's name of a platform, the configuration's.
_MESSAGES = {"GCM": "GCMMessage", "APNS": "APNSMessage", "ADM": "ADMMessage", "Baidu": "BaiduMessage"}


class PushComposer:
    """Notifications of one platform."""

    def __init__(self, source: Source, platform: str) -> None:
        self._source = source
        template = source.template("PUSH")
        levels: tuple[Members, ...] = (
            source.member("DefaultMessage"),
            template.get("Default") or {},
            template.get(platform) or {},
            source.member("DefaultPushNotificationMessage"),
            source.member(_MESSAGES[platform]),
        )
        self._members: dict[str, Any] = {}
        for level in levels:
            self._members = _over(self._members, level)
        self._members.pop("Substitutions", None)

    @classmethod
    def of(cls, platform: str) -> "Callable[[Source, Members, datetime], PushComposer]":
        """What composes for that platform."""
        return lambda source, _channel, _now: cls(source, platform)

    def address(self, recipient: Recipient) -> str:
        """See `Kind.address`: a token, as it is."""
        if not recipient.address:
            raise RenderError("Missing Address")
        return recipient.address

    def compose(self, recipient: Recipient, values: Values) -> Push | None:
        """See `Kind.compose`."""
        members = self._merged(recipient)
        if not members.keys() & _CONTENT and not members.get("SilentPush"):
            return None
        if members.get("TimeToLive", 0) < 0:
            raise RenderError(f"Invalid TimeToLive: {members['TimeToLive']}")
        filled = self._filled(members, values)
        if filled.get("Action") in {"URL", "DEEP_LINK"} and not filled.get("Url") and "RawContent" not in filled:
            raise RenderError(f"Missing Url for the action {filled['Action']}")
        return Push(
            filled,
            own_context(self._source, recipient),
            dict(self._source.origin),
            None if recipient.endpoint is None else recipient.endpoint["Id"],
        )

    def _merged(self, recipient: Recipient) -> dict[str, Any]:
        """What the recipient's own content leaves of the common one; a raw payload stands for all else."""
        own = recipient.own
        if own.get("RawContent"):
            return self._members | {"RawContent": own["RawContent"]}
        return _over(self._members, {"Body": own.get("BodyOverride"), "Title": own.get("TitleOverride")})

    def _filled(self, members: dict[str, Any], values: Values) -> dict[str, Any]:
        if "RawContent" in members:
            raw = compile_text(members["RawContent"], part="RawContent", escape=Escape.JSON_STRING)
            return members | {"RawContent": raw.render(values)}
        filled: dict[str, Any] = {
            name: compile_text(members[name], part=name, escape=Escape.NONE).render(values)
            for name in _TEXTS
            if name in members
        }
        if "Data" in members:
            # Values are texts here and become JSON with the payload, so nothing is escaped twice.
            filled["Data"] = {
                name: compile_text(value, part="Data", escape=Escape.NONE).render(values)
                for name, value in members["Data"].items()
            }
        if "JsonBody" in members:
            filled["Data"] = _json_body(members["JsonBody"], values)
        return {name: value for name, value in members.items() if name != "JsonBody"} | filled


def _json_body(text: str, values: Values) -> Any:
    """Data as a campaign has them, an object in a text; values are escaped, so that it stays one."""
    rendered = compile_text(text, part="JsonBody", escape=Escape.JSON_STRING).render(values)
    try:
        return msgspec.json.decode(rendered, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise RenderError("Invalid JsonBody: no JSON object") from error


def _over(members: Members, level: Members) -> dict[str, Any]:
    """Members with those of a higher level; what this one says in words goes before a raw payload of a lower one."""
    given = {name: value for name, value in level.items() if value is not None and value != ""}
    says = given.keys() & {"Title", "Body"}
    return {name: value for name, value in members.items() if name != "RawContent" or not says} | given
