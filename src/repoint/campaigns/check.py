"""What a campaign may say (campaigns.md sections 2, 5 to 7, 10), as far as it can be told without looking anywhere."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from repoint.apps.settings import LIMITS, check_hook, check_ranges
from repoint.campaigns.campaign import Members, full_schedule, with_inherited
from repoint.campaigns.schedule import IMMEDIATE, check_schedule, read_schedule
from repoint.campaigns.treatments import ON_EVENTS
from repoint.contract.errors import BadRequestException
from repoint.delivery.custom_delivery import check_custom_delivery
from repoint.settings import Settings
from repoint.templates.mime import MAX_HEADERS, MAX_NAME_LENGTH

log = structlog.get_logger()

MAX_NAME = 128
MAX_DESCRIPTION = 256
MAX_TREATMENTS = 5
MAX_PUSH_BODY = 200
MAX_CUSTOM_DATA_BYTES = 5 << 10
# How long before its start Amazon's console wants a campaign on events.
EVENT_NOTICE = timedelta(minutes=15)

_LENGTHS = {
    "Name": MAX_NAME,
    "Description": MAX_DESCRIPTION,
    "TreatmentName": MAX_NAME,
    "TreatmentDescription": MAX_DESCRIPTION,
}
_PERCENT = 100
_PUSH = ("DefaultMessage", "ADMMessage", "APNSMessage", "BaiduMessage", "GCMMessage")
_SECONDS = {"TimeToLive": (0, 2**31 - 1)}
# They lead nowhere without a Url.
_LEADS_TO_URL = ("DEEP_LINK", "URL")


def check_campaign(content: Members, settings: Settings) -> None:
    """Raises BadRequestException for the first thing that a campaign may not say, all its members together."""
    for member in ("Name", "SegmentId", "Schedule"):
        _require(content, member)
    check_hook(content.get("Hook", {}))
    check_ranges("Limits", content.get("Limits", {}), LIMITS)
    _check_range("Priority", content.get("Priority", 1), 1, 5)
    _check_sizes(content)
    for each in (content, *content.get("AdditionalTreatments", [])):
        _check_lengths(each)
    for treatment in with_inherited(content):
        _check_treatment(treatment, settings)
    if content.get("IsPaused") and any(each["StartTime"] == IMMEDIATE for each in schedules_of(content)):
        raise BadRequestException("A campaign with an IMMEDIATE start can't be paused")


def check_schedules(content: Members, settings: Settings, now: datetime, *, known: Sequence[Members] = ()) -> None:
    """Raises BadRequestException for a schedule that may not be so; those that the campaign had before may stay."""
    for schedule in schedules_of(content):
        if schedule not in known:
            check_schedule(schedule, now)
            _check_notice(schedule, settings, now)


def _check_notice(schedule: Members, settings: Settings, now: datetime) -> None:
    plan = read_schedule(schedule)
    if plan.frequency not in ON_EVENTS or (plan.starts_at or now) >= now + EVENT_NOTICE:
        return
    if settings.strict_event_start:
        raise BadRequestException("StartTime must be at least 15 minutes in the future.")
    log.warning("A campaign on events starts in less than 15 minutes", frequency=plan.frequency)


def schedules_of(content: Members) -> list[dict[str, Any]]:
    """What the treatments of a campaign go by, the standard one's first; they compare."""
    return [full_schedule(each["Schedule"]) for each in with_inherited(content)]


def delivery_uris(content: Members) -> set[str]:
    """Where custom messages of a campaign go; an empty text for where none do."""
    return {each.get("CustomDeliveryConfiguration", {}).get("DeliveryUri", "") for each in with_inherited(content)}


def _check_sizes(content: Members) -> None:
    held_out = content.get("HoldoutPercent", 0)
    additional = content.get("AdditionalTreatments", [])
    if len(additional) >= MAX_TREATMENTS:
        raise BadRequestException(f"A campaign can have at most {MAX_TREATMENTS} treatments")
    _check_range("HoldoutPercent", held_out, 0, _PERCENT)
    for each in additional:
        _check_range("SizePercent", each["SizePercent"], 1, _PERCENT)
    if held_out + sum(each["SizePercent"] for each in additional) > _PERCENT:
        raise BadRequestException("The sum of SizePercent and HoldoutPercent can't exceed 100")


def _check_treatment(treatment: Members, settings: Settings) -> None:
    message, templates = treatment.get("MessageConfiguration", {}), treatment.get("TemplateConfiguration", {})
    if "VoiceTemplate" in templates:
        raise BadRequestException("VoiceTemplate isn't supported")
    if not any(message.values()) and not templates:
        raise BadRequestException("Missing MessageConfiguration")
    _check_custom(message, treatment.get("CustomDeliveryConfiguration", {}), settings)
    _check_email(message.get("EmailMessage", {}))
    for member in _PUSH:
        _check_push(member, message.get(member, {}), has_template="PushTemplate" in templates)


def _check_custom(message: Members, delivery: Members, settings: Settings) -> None:
    if "CustomMessage" in message and not delivery:
        raise BadRequestException("Missing CustomDeliveryConfiguration")
    if len(message.get("CustomMessage", {}).get("Data", "").encode()) > MAX_CUSTOM_DATA_BYTES:
        raise BadRequestException(f"CustomMessage.Data exceeds {MAX_CUSTOM_DATA_BYTES} bytes")
    if delivery:
        check_custom_delivery(delivery, settings)


def _check_email(email: Members) -> None:
    """Values of headers have their length when they are rendered."""
    headers = email.get("Headers", [])
    if len(headers) > MAX_HEADERS:
        raise BadRequestException(f"EmailMessage.Headers exceeds the maximum of {MAX_HEADERS} items")
    for header in headers:
        _at_most(MAX_NAME_LENGTH, "EmailMessage.Headers.Name", header.get("Name", ""))


def _check_push(member: str, push: Members, *, has_template: bool) -> None:
    _at_most(MAX_PUSH_BODY, f"{member}.Body", push.get("Body", ""))
    check_ranges(member, push, _SECONDS)
    if push.get("Action") in _LEADS_TO_URL and not push.get("Url") and not has_template:
        raise BadRequestException(f"Missing {member}.Url")


def _check_lengths(members: Members) -> None:
    for member, most in _LENGTHS.items():
        _at_most(most, member, members.get(member, ""))


def _at_most(most: int, member: str, text: str) -> None:
    if len(text) > most:
        raise BadRequestException(f"{member} exceeds {most} characters")


def _check_range(member: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise BadRequestException(f"{member} must be between {least} and {most}")


def _require(content: Members, member: str) -> None:
    if not content.get(member):
        raise BadRequestException(f"Missing {member}")
