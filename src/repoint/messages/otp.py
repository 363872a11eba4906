"""One-time passwords: SendOTPMessage and VerifyOTPMessage (channels.md section 8).

A code is in the message and nowhere else: what is stored is a salted hash under a key of the installation, since there
are too few codes for a hash that anybody can compute.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from repoint.access.seal import load_seal
from repoint.channels.kinds import SENDER_ID
from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import MessageResponse, VerificationResponse
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.delivery.phone_number import InvalidNumberError, e164
from repoint.messages.direct import direct_source, send_direct
from repoint.messages.otp_texts import TEXTS
from repoint.messages.recipients import of_address
from repoint.messages.results import result
from repoint.operation import Call, Input, operation
from repoint.queue import TaskContext, every
from repoint.queue.forget import forget_old
from repoint.resources.clearing import clears
from repoint.settings import Settings
from repoint.tables import OtpLanguage

Q = load_queries("repoint.messages")

clears(Q.clear_otps)

_DEFAULTS = {"CodeLength": 6, "ValidityPeriod": 15, "AllowedAttempts": 3}
_RANGES = {"CodeLength": range(5, 9), "ValidityPeriod": range(5, 61), "AllowedAttempts": range(1, 6)}
_LENGTHS = {"BrandName": range(1, 21), "ReferenceId": range(1, 49)}
_DEFAULT_LANGUAGE: OtpLanguage = "en-US"
# A short code, or a number as E.164.
_ORIGINATION_NUMBER = re.compile(r"[0-9]{3,8}|\+?[1-9][0-9]{7,14}")
_MOST_SHOWN = 200
_SALT_BYTES = 16
_PURPOSE = "one-time password"

Parameters = Mapping[str, Any]


@operation(in_steps=True)
async def send_otp_message(call: Call, arguments: Input) -> MessageResponse:
    """Send a new code, which takes the place of one that was sent before to this number under this reference."""
    application_id, asked = arguments["ApplicationId"], arguments["SendOTPMessageRequestParameters"]
    destination = _checked(asked)
    code = _new_code(_number(asked, "CodeLength"))
    request = {"MessageConfiguration": {"SMSMessage": _message(asked, code, call.settings)}}
    async with call.step() as db:
        # Before it is sent: who has the message can say the code.
        await _keep(db, call, _key(application_id, asked, destination), asked, code)
        source = await direct_source(call, application_id, request)
    recipient = of_address(asked["DestinationIdentity"], {"ChannelType": "SMS"})
    [outcome] = await send_direct(call, source, [recipient])
    return {
        "ApplicationId": application_id,
        "RequestId": call.request_id,
        "Result": {recipient.address: result(recipient, outcome)},
    }


@operation()
async def verify_otp_message(call: Call, arguments: Input) -> VerificationResponse:
    """Whether this is the code; said once, it is used up. Of calls at the same time, one is told so."""
    asked = arguments["VerifyOTPMessageRequestParameters"]
    _check_length(asked, "ReferenceId")
    key = _key(arguments["ApplicationId"], asked, _destination(asked))
    held = await call.db.row(Q.hold_otp, {**key, "now": call.now})
    if held is None:
        return {"Valid": False}
    is_right = hmac.compare_digest(_hash(call.settings, held["salt"], asked["Otp"]), held["hash"])
    is_over = is_right or held["attempts_left"] == 1
    await call.db.execute(Q.use_up_otp if is_over else Q.count_attempt, key)
    return {"Valid": is_right}


@every(seconds=3600)
async def forget_otps(context: TaskContext) -> None:
    """Delete codes that nobody can use any more, some at a time."""
    await forget_old(context, Q.forget_otps, 0)


def _checked(asked: Parameters) -> str:
    """The number that is sent to; raises BadRequestException for the first member that may not be so."""
    for member in _LENGTHS:
        _check_length(asked, member)
    if asked["Channel"] != "SMS":
        raise _invalid(asked, "Channel")
    destination = _destination(asked)
    origination = asked["OriginationIdentity"]
    if not _ORIGINATION_NUMBER.fullmatch(origination) and not SENDER_ID.fullmatch(origination):
        raise _invalid(asked, "OriginationIdentity")
    for member, allowed in _RANGES.items():
        if _number(asked, member) not in allowed:
            raise _invalid(asked, member)
    if _language(asked) not in TEXTS:
        raise _invalid(asked, "Language")
    return destination


def _check_length(asked: Parameters, member: str) -> None:
    if len(asked[member]) not in _LENGTHS[member]:
        raise _invalid(asked, member)


def _destination(asked: Parameters) -> str:
    """DestinationIdentity as E.164; two ways to write a number are one."""
    try:
        return e164(asked["DestinationIdentity"])
    except InvalidNumberError:
        raise _invalid(asked, "DestinationIdentity") from None


def _invalid(asked: Parameters, member: str) -> BadRequestException:
    return BadRequestException(f"Invalid {member}: {str(asked[member])[:_MOST_SHOWN]}")


def _number(asked: Parameters, member: str) -> int:
    given: int = asked.get(member, _DEFAULTS[member])
    return given


def _language(asked: Parameters) -> OtpLanguage:
    """As asked for: before it is checked, it may be another text."""
    language: OtpLanguage = asked.get("Language") or _DEFAULT_LANGUAGE
    return language


def _new_code(digits: int) -> str:
    return f"{secrets.randbelow(10**digits):0{digits}}"


def _message(asked: Parameters, code: str, settings: Settings) -> dict[str, Any]:
    """The SMSMessage. The code is a value of a variable, so that no compiled text is kept that has it."""
    origination = asked["OriginationIdentity"]
    is_number = _ORIGINATION_NUMBER.fullmatch(origination)
    india = {name: asked[name] for name in ("EntityId", "TemplateId") if asked.get(name)}
    return {
        "Body": _text(_language(asked), settings),
        "MessageType": "TRANSACTIONAL",
        "OriginationNumber" if is_number else "SenderId": origination,
        "Substitutions": {"otp": [code], "brand": [asked["BrandName"]]},
        **india,
    }


def _text(language: OtpLanguage, settings: Settings) -> str:
    return settings.otp_texts.get(language) or TEXTS[language]


def _key(application_id: str, asked: Parameters, destination: str) -> dict[str, Any]:
    return {"application_id": application_id, "destination": destination, "reference_id": asked["ReferenceId"]}


async def _keep(db: Db, call: Call, key: dict[str, Any], asked: Parameters, code: str) -> None:
    salt = secrets.token_bytes(_SALT_BYTES)
    known = {
        "salt": salt,
        "hash": _hash(call.settings, salt, code),
        "attempts_left": _number(asked, "AllowedAttempts"),
        "expires_at": call.now + timedelta(minutes=_number(asked, "ValidityPeriod")),
    }
    await db.execute(Q.keep_otp, key | known)


def _hash(settings: Settings, salt: bytes, code: str) -> bytes:
    return hmac.digest(load_seal(settings).derive(_PURPOSE), salt + code.encode(), "sha256")
