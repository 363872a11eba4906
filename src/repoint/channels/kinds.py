"""The kinds of channels an application has settings for: one row each (channels.md section 1)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import ChannelType

Members = Mapping[str, Any]

# What Pinpoint's samples show; how fast we really send is a matter of providers.
_EMAILS_PER_SECOND = 1
_SMS_PER_SECOND = 20

_ADDRESS = re.compile(r"""[^\s@<>"(),:;\\\[\]]+@[^\s@<>"(),:;\\\[\]]+""")
_MAILBOX = re.compile(rf"""(?:[^<>\r\n]*<(?P<bracketed>{_ADDRESS.pattern})>|(?P<bare>{_ADDRESS.pattern}))""")
_DOMAIN = re.compile(r"[^\s@/:]+")
_SES_IDENTITY = re.compile(r"arn:aws[a-z-]*:ses:[a-z0-9-]*:\d{12}:identity/(?P<name>.+)")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
# One letter at least: docs.aws.amazon.com/pinpoint/latest/userguide/channels-sms-setup.html
SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9-]{1,11}")
_SERVICE_ACCOUNT = ("project_id", "client_email", "private_key")
_MAX_SECRET_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of channel."""

    # As the contract's operations have it: `Email` of UpdateEmailChannel.
    name: str
    # Of the response's Platform; the Id is the same in lower case.
    type: ChannelType
    # Members that are sealed, and never answered but by `describe`.
    secrets: frozenset[str]
    # Raises BadRequestException; given all members as they would be stored, secrets in plain.
    check: Callable[[Members], None]
    # What answers have beside the members that all channels have.
    describe: Callable[[Members], dict[str, Any]]


def _check_email(members: Members) -> None:
    sender = _MAILBOX.fullmatch(members["FromAddress"])
    if sender is None:
        raise BadRequestException(f"Invalid FromAddress: {members['FromAddress'][:200]}")
    identity = _SES_IDENTITY.fullmatch(members["Identity"])
    name = identity["name"] if identity else members["Identity"]
    if not (_ADDRESS.fullmatch(name) or _DOMAIN.fullmatch(name)):
        raise BadRequestException(f"Invalid Identity: {members['Identity'][:200]}")
    for member in ("RoleArn", "OrchestrationSendingRoleArn"):
        if members.get(member) and not _ROLE.fullmatch(members[member]):
            raise BadRequestException(f"Invalid {member}: {members[member][:200]}")


def _check_sms(members: Members) -> None:
    if members.get("SenderId") and not SENDER_ID.fullmatch(members["SenderId"]):
        raise BadRequestException(f"Invalid SenderId: {members['SenderId'][:200]}")
    if members.get("ShortCode") and not members["ShortCode"].isalnum():
        raise BadRequestException(f"Invalid ShortCode: {members['ShortCode'][:200]}")


def _check_gcm(members: Members) -> None:
    _check_method(members, ("KEY", "TOKEN"))
    if not members.get("ApiKey") and not members.get("ServiceJson"):
        raise BadRequestException("Missing ApiKey or ServiceJson")
    if members.get("ServiceJson"):
        _check_service_account(members["ServiceJson"])


def _check_service_account(text: str) -> None:
    try:
        account = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        account = None
    if not isinstance(account, dict):
        raise BadRequestException("Invalid ServiceJson: not the JSON object of a service account's file")
    for name in _SERVICE_ACCOUNT:
        if not isinstance(account.get(name), str) or not account[name]:
            raise BadRequestException(f"Invalid ServiceJson: {name} is missing")


def _check_apns(members: Members) -> None:
    _check_method(members, ("CERTIFICATE", "KEY", "TOKEN"))
    _check_whole(members, ("Certificate", "PrivateKey"))
    _check_whole(members, ("TokenKey", "TokenKeyId", "TeamId"))
    if not members.get("Certificate") and not members.get("TokenKey"):
        raise BadRequestException("Missing Certificate or TokenKey")
    if members.get("TokenKey") and not members.get("BundleId"):
        raise BadRequestException("Missing BundleId")


def _check_method(members: Members, methods: tuple[str, ...]) -> None:
    method = members.get("DefaultAuthenticationMethod")
    if method and method.upper() not in methods:
        raise BadRequestException("Invalid DefaultAuthenticationMethod")


def _check_whole(members: Members, group: tuple[str, ...]) -> None:
    """Credentials of several parts are there with all of them, or not at all."""
    missing = [name for name in group if not members.get(name)]
    if missing and len(missing) < len(group):
        raise BadRequestException(f"Missing {missing[0]}")


def _check_nothing(_members: Members) -> None:
    """The contract has seen to all that is required."""


def check_lengths(kind: Kind, members: Members) -> None:
    """Raises BadRequestException for a secret that is longer than any can be."""
    for name in kind.secrets:
        if len(members.get(name, "")) > _MAX_SECRET_CHARACTERS:
            raise BadRequestException(f"{name} exceeds the maximum of {_MAX_SECRET_CHARACTERS} characters")


_SHOWN_OF_EMAIL = ("FromAddress", "Identity", "RoleArn", "ConfigurationSet", "OrchestrationSendingRoleArn")


def _describe_email(members: Members) -> dict[str, Any]:
    return {name: members.get(name) for name in _SHOWN_OF_EMAIL} | {"MessagesPerSecond": _EMAILS_PER_SECOND}


def _describe_sms(members: Members) -> dict[str, Any]:
    return {
        "SenderId": members.get("SenderId"),
        "ShortCode": members.get("ShortCode"),
        "PromotionalMessagesPerSecond": _SMS_PER_SECOND,
        "TransactionalMessagesPerSecond": _SMS_PER_SECOND,
    }


def _describe_voice(_members: Members) -> dict[str, Any]:
    return {}


def _describe_gcm(members: Members) -> dict[str, Any]:
    return {
        "HasCredential": True,
        "HasFcmServiceCredentials": bool(members.get("ServiceJson")),
        "DefaultAuthenticationMethod": (members.get("DefaultAuthenticationMethod") or "KEY").upper(),
        "Credential": members.get("ApiKey"),
    }


def _describe_apns(members: Members) -> dict[str, Any]:
    usual = "CERTIFICATE" if members.get("Certificate") else "KEY"
    return {
        "HasCredential": True,
        "HasTokenKey": bool(members.get("TokenKey")),
        "DefaultAuthenticationMethod": (members.get("DefaultAuthenticationMethod") or usual).upper(),
    }


def _describe_adm(_members: Members) -> dict[str, Any]:
    return {"HasCredential": True}


def _describe_baidu(members: Members) -> dict[str, Any]:
    return {"HasCredential": True, "Credential": members.get("ApiKey")}


_OF_APNS = frozenset({"Certificate", "PrivateKey", "TokenKey"})

KINDS = (
    Kind("Adm", "ADM", frozenset({"ClientId", "ClientSecret"}), _check_nothing, _describe_adm),
    Kind("Apns", "APNS", _OF_APNS, _check_apns, _describe_apns),
    Kind("ApnsSandbox", "APNS_SANDBOX", _OF_APNS, _check_apns, _describe_apns),
    Kind("ApnsVoip", "APNS_VOIP", _OF_APNS, _check_apns, _describe_apns),
    Kind("ApnsVoipSandbox", "APNS_VOIP_SANDBOX", _OF_APNS, _check_apns, _describe_apns),
    Kind("Baidu", "BAIDU", frozenset({"ApiKey", "SecretKey"}), _check_nothing, _describe_baidu),
    Kind("Email", "EMAIL", frozenset(), _check_email, _describe_email),
    Kind("Gcm", "GCM", frozenset({"ApiKey", "ServiceJson"}), _check_gcm, _describe_gcm),
    Kind("Sms", "SMS", frozenset(), _check_sms, _describe_sms),
    Kind("Voice", "VOICE", frozenset(), _check_nothing, _describe_voice),
)
