"""What a campaign sends, in the form that messages are composed from, and what may be said in it (campaigns.md 7).

A DirectMessageConfiguration has no name for all that a campaign may say of a notification. What it lacks, the composer
knows by the campaign's own names: the Title of DefaultMessage, JsonBody, MediaUrl.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from repoint.campaigns.campaign import Members, Treatment
from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import ChannelType
from repoint.delivery.recipient import NO_MEMBERS, Template
from repoint.functions.custom_url import is_custom_url
from repoint.functions.webhook import RefusedUrlError, read_url
from repoint.tables import FUNCTION_NAME
from repoint.templates.check import check_compiles, check_count, check_length
from repoint.templates.escape import Escape
from repoint.templates.mime import MAX_HEADERS, MAX_NAME_LENGTH, MAX_VALUE_LENGTH

MAX_PUSH_BODY = 200
MAX_DATA_BYTES = 5 * 1024

# By channel: the campaign's message, and the template's part.
_PUSH: dict[ChannelType, tuple[str, str]] = {
    "GCM": ("GCMMessage", "GCM"),
    "APNS": ("APNSMessage", "APNS"),
    "APNS_SANDBOX": ("APNSMessage", "APNS"),
    "APNS_VOIP": ("APNSMessage", "APNS"),
    "APNS_VOIP_SANDBOX": ("APNSMessage", "APNS"),
    "ADM": ("ADMMessage", "ADM"),
    "BAIDU": ("BaiduMessage", "Baidu"),
}
# Of the shape Message.
_MESSAGES = ("ADMMessage", "APNSMessage", "BaiduMessage", "GCMMessage", "DefaultMessage")
_PUSH_CONTENT = ("RawContent", "Title", "Body", "JsonBody", "SilentPush")
_PUSH_TEXTS = ("Title", "Body", "Url", "ImageUrl", "ImageIconUrl", "ImageSmallIconUrl", "MediaUrl")
_PUSH_JSON = ("JsonBody", "RawContent")
# Where a campaign's e-mail has its texts, and a direct one.
_EMAIL_PARTS = {"Title": "Subject", "HtmlBody": "HtmlPart", "Body": "TextPart"}
_ENDPOINT_TYPES = frozenset(get_args(ChannelType)) - {"PUSH", "IN_APP"}
_FUNCTION = re.compile(FUNCTION_NAME)


def is_custom(treatment: Treatment) -> bool:
    """Whether everything goes through the custom channel; what else the message says is for nobody then."""
    return "CustomMessage" in treatment.message


def channels_with_content(treatment: Treatment, templates: Mapping[str, Template]) -> frozenset[ChannelType]:
    """The channels of endpoints that this treatment has something for; `templates` by kind."""
    if is_custom(treatment):
        return frozenset(treatment.custom_delivery.get("EndpointTypes") or ("CUSTOM",))
    message, default = treatment.message, _of(treatment.message, "DefaultMessage")
    contents = {kind: template.content for kind, template in templates.items()}
    email, sms, push = (_of(contents, kind) for kind in ("EMAIL", "SMS", "PUSH"))
    found: set[ChannelType] = set()
    if default.get("Body") or _says(_of(message, "SMSMessage"), "Body") or _says(sms, "Body"):
        found.add("SMS")
    own = _of(message, "EmailMessage")
    if default.get("Body") or _says(own, "Body", "HtmlBody") or _says(email, "HtmlPart", "TextPart"):
        found.add("EMAIL")
    for channel_type, (member, part) in _PUSH.items():
        levels = (default, _of(push, "Default"), _of(push, part), _of(message, member))
        if any(_says(level, *_PUSH_CONTENT) for level in levels):
            found.add(channel_type)
    return frozenset(found)


def direct_message(treatment: Treatment) -> dict[str, Any]:
    """The treatment's message as a DirectMessageConfiguration, without what templates say."""
    given = treatment.message
    found = {name: _notification(given[name]) for name in _MESSAGES if given.get(name)}
    if email := given.get("EmailMessage"):
        found["EmailMessage"] = _email(email)
    if sms := given.get("SMSMessage"):
        found["SMSMessage"] = dict(sms)
    return found


def _notification(message: Members) -> dict[str, Any]:
    """One member has another name in direct messages."""
    return {"SmallImageIconUrl" if name == "ImageSmallIconUrl" else name: value for name, value in message.items()}


def _email(message: Members) -> dict[str, Any]:
    simple: dict[str, Any] = {part: {"Data": message[name]} for name, part in _EMAIL_PARTS.items() if message.get(name)}
    if message.get("Headers"):
        simple["Headers"] = message["Headers"]
    found = {"SimpleEmail": simple} if simple else {}
    return found | ({"FromAddress": message["FromAddress"]} if message.get("FromAddress") else {})


def check_message(configuration: Mapping[str, Any]) -> None:
    """Raise BadRequestException for a MessageConfiguration that could not be sent (campaigns.md section 7.2)."""
    for name in _MESSAGES:
        _check_notification(name, _of(configuration, name))
    _check_email(_of(configuration, "EmailMessage"))
    check_compiles("SMSMessage.Body", _of(configuration, "SMSMessage").get("Body", ""))
    data = _of(configuration, "CustomMessage").get("Data", "")
    if len(data.encode()) > MAX_DATA_BYTES:
        raise BadRequestException(f"CustomMessage.Data exceeds the maximum of {MAX_DATA_BYTES} bytes")


def check_custom_delivery(configuration: Mapping[str, Any], custom: Mapping[str, Any]) -> None:
    """Raise BadRequestException for a CustomDeliveryConfiguration that is needed or there, and cannot be used.

    Whether a URL is one that we call, and who answers there, is asked by `check_custom_url`.
    """
    if not custom:
        if "CustomMessage" in configuration:
            raise BadRequestException("Missing CustomDeliveryConfiguration")
        return
    if not custom.get("DeliveryUri"):
        raise BadRequestException("Missing DeliveryUri")
    if not _leads_somewhere(custom["DeliveryUri"]):
        raise BadRequestException("Invalid DeliveryUri")
    for endpoint_type in custom.get("EndpointTypes") or ():
        if endpoint_type not in _ENDPOINT_TYPES:
            raise BadRequestException(f"Invalid EndpointTypes: {endpoint_type}")


def _leads_somewhere(target: str) -> bool:
    """Whether this is the name or ARN of a function, or a URL in letters that Pinpoint takes."""
    if not is_custom_url(target):
        return _FUNCTION.fullmatch(target) is not None
    try:
        read_url(target)
    except RefusedUrlError:
        return False
    return True


def _check_notification(name: str, message: Members) -> None:
    check_length(MAX_PUSH_BODY, f"{name}.Body", message.get("Body"))
    if message.get("TimeToLive", 0) < 0:
        raise BadRequestException(f"{name}.TimeToLive must be at least 0")
    for member in _PUSH_TEXTS:
        check_compiles(f"{name}.{member}", message.get(member, ""))
    for member in _PUSH_JSON:
        if text := message.get(member):
            _check_json(f"{name}.{member}", text)


def _check_json(member: str, text: str) -> None:
    """An object; with variables in it, that is known when they have values."""
    check_compiles(member, text, Escape.JSON_STRING)
    if "{{" in text:
        return
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise BadRequestException(f"{member} must be a JSON object") from None


def _check_email(message: Members) -> None:
    headers = message.get("Headers", [])
    check_count(MAX_HEADERS, "EmailMessage.Headers", headers)
    for header in headers:
        if not header.get("Name"):
            raise BadRequestException("Missing EmailMessage.Headers.Name")
        check_length(MAX_NAME_LENGTH, "EmailMessage.Headers.Name", header["Name"])
        check_length(MAX_VALUE_LENGTH, "EmailMessage.Headers.Value", header.get("Value"))
        check_compiles("EmailMessage.Headers", header.get("Value", ""))
    for member in _EMAIL_PARTS:
        escape = Escape.HTML if member == "HtmlBody" else Escape.NONE
        check_compiles(f"EmailMessage.{member}", message.get(member, ""), escape)


def _of(members: Members, name: str) -> Members:
    """What is held under a name; empty when it is not there."""
    return members.get(name) or NO_MEMBERS


def _says(members: Members, *names: str) -> bool:
    return any(members.get(name) for name in names)
