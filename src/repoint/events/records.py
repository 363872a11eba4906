"""Records of the event stream (events.md sections 5 and 6): the envelope, and those of apps, campaigns and journeys.

A record is made once, as text, and is what the log keeps and every stream carries. Keys stand in the order of
events.md, unknown ones are left out; values of attributes are strings.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import msgspec

from repoint.contract.shapes import EndpointResponse, Event

JsonObject = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LOCALE = re.compile(r"([A-Za-z]+)(?:[_-]([A-Za-z]+))?")

# What of an endpoint its records tell, in this order; no Address, and neither id.
_TOLD = (
    "ChannelType",
    "EndpointStatus",
    "OptOut",
    "EffectiveDate",
    "RequestId",
    "Attributes",
    "Metrics",
    "Demographic",
    "Location",
    "User",
    "CreationDate",
)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose events these are."""

    account_id: str
    application_id: str


class Subject(msgspec.Struct):
    """Whom events are about, as their records tell it: made once for all events of an endpoint."""

    client_id: str
    # Of an endpoint; empty for whom there is none.
    demographic: JsonObject
    # `{"custom": {"endpoint": "…"}}`, the endpoint as JSON in a string; None for whom there is no endpoint.
    client_context: msgspec.Raw | None
    _device: msgspec.Raw | None = None

    @property
    def device(self) -> msgspec.Raw:
        """What an app told of its device; `{"platform": {}}` for nothing. Only records of apps tell it."""
        if self._device is None:
            self._device = msgspec.Raw(_encode(_device(self.demographic)))
        return self._device

    @classmethod
    def of(cls, endpoint: EndpointResponse) -> "Subject":
        """A stored endpoint, as GetEndpoint answers it."""
        told = {member: endpoint[member] for member in _TOLD if endpoint.get(member)}  # type: ignore[literal-required]  # the names are ours
        context = {"custom": {"endpoint": _encode(told).decode()}}
        demographic: JsonObject = endpoint.get("Demographic", {})  # type: ignore[assignment]  # read by name below
        return cls(endpoint["Id"], demographic, msgspec.Raw(_encode(context)))

    @classmethod
    def unknown(cls, client_id: str) -> "Subject":
        """Somebody who is no endpoint."""
        return cls(client_id, {}, None)


# Asked some times for each record of a group, all of one instant.
@lru_cache(maxsize=64)
def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970, what is finer cut off."""
    return (at - _EPOCH) // _MILLISECOND


def app_record(
    origin: Origin, subject: Subject, event: Event, at: tuple[datetime, datetime], session: JsonObject
) -> str:
    """What an app reported by PutEvents, when it says that it happened and when it arrived.

    `session` is what `app_session` makes.
    """
    application = _application(
        origin.application_id,
        event.get("AppPackageName"),
        event.get("AppTitle"),
        subject.demographic.get("AppVersion"),
        event.get("AppVersionCode"),
        event.get("SdkName"),
        event.get("ClientSdkVersion"),
    )
    document = {
        "event_type": event["EventType"],
        "event_timestamp": milliseconds(at[0]),
        "arrival_timestamp": milliseconds(at[1]),
        "event_version": "3.0",
        "application": application,
        "client": {"client_id": subject.client_id},
        "device": subject.device,
        "session": session,
        "attributes": event.get("Attributes", {}),
        "metrics": event.get("Metrics", {}),
    }
    return _finished(origin, document, subject.client_context)


# The events of an app tell the same of it, mostly.
@lru_cache(maxsize=1024)
def _application(  # noqa: PLR0913, PLR0917 - the members of the document
    application_id: str,
    package_name: str | None,
    title: str | None,
    version_name: str | None,
    version_code: str | None,
    sdk_name: str | None,
    sdk_version: str | None,
) -> msgspec.Raw:
    document = {
        "app_id": application_id,
        "package_name": package_name,
        "title": title,
        "version_name": version_name,
        "version_code": version_code,
        "sdk": _present({"name": sdk_name, "version": sdk_version}),
    }
    return msgspec.Raw(_encode(_present(document)))


def app_session(session_id: str, started_at: datetime, stopped_at: datetime | None) -> JsonObject:
    """A session that an app reported; its duration is not written."""
    found: JsonObject = {"session_id": session_id, "start_timestamp": milliseconds(started_at)}
    return found if stopped_at is None else found | {"stop_timestamp": milliseconds(stopped_at)}


def service_record(  # noqa: PLR0913 - an envelope
    origin: Origin,
    subject: Subject,
    event_type: str,
    at: tuple[datetime, datetime],
    attributes: dict[str, str],
    *,
    metrics: dict[str, float] | None = None,
    client_context: object = None,
    facets: JsonObject | None = None,
) -> str:
    """What the service itself reports; `at` is when it happened and when the service got to know."""
    rest = rest_of_record(origin, subject, attributes, metrics=metrics, client_context=client_context, facets=facets)
    return begin_of_record(event_type, at) + rest


def begin_of_record(event_type: str, at: tuple[datetime, datetime]) -> str:
    """What records about one thing do not share; `event_type` is one of ours, with nothing that JSON escapes."""
    happened, told = milliseconds(at[0]), milliseconds(at[1])
    return f'{{"event_type":"{event_type}","event_timestamp":{happened},"arrival_timestamp":{told},'


def rest_of_record(  # noqa: PLR0913 - an envelope
    origin: Origin,
    subject: Subject,
    attributes: Mapping[str, str | msgspec.Raw],
    *,
    metrics: dict[str, float] | None = None,
    client_context: object = None,
    facets: JsonObject | None = None,
) -> str:
    """What follows `begin_of_record`."""
    document: JsonObject = {
        "event_version": "3.1",
        "application": {"app_id": origin.application_id, "sdk": {}},
        "client": {"client_id": subject.client_id},
        "device": {"platform": {}},
        "session": {},
        "attributes": attributes,
    }
    if metrics is not None:
        document["metrics"] = metrics
    return _finished(origin, document, client_context, facets)[1:]


def _finished(origin: Origin, document: JsonObject, client_context: object, facets: JsonObject | None = None) -> str:
    if client_context is not None:
        document["client_context"] = client_context
    document["awsAccountId"] = origin.account_id
    if facets is not None:
        document["facets"] = facets
    return _encode(document).decode()


def stream_test(origin: Origin, at: datetime) -> str:
    """What a new stream is tried with, `_test.event_stream`; consumers skip it."""
    return service_record(origin, Subject.unknown(""), "_test.event_stream", (at, at), {})


CampaignStatus = Literal[
    "SUCCESS",
    "FAILURE",
    "DAILY_CAP",
    "CAMPAIGN_CAP",
    "EXPIRED",
    "QUIET_TIME",
    "HOLDOUT",
    "DUPLICATE_ADDRESS",
    "FAILURE_PERMANENT",
    "TRANSIENT_FAILURE",
    "THROTTLED",
    "UNKNOWN",
    "HOOK_FAILURE",
    "CUSTOM_DELIVERY_FAILURE",
    "RECOMMENDATION_FAILURE",
    "UNSUPPORTED_CHANNEL",
]


@dataclass(frozen=True, slots=True)
class CampaignRun:
    """Which run of which campaign a record comes from, and which treatment."""

    campaign_id: str
    activity_id: str
    # "0" for the standard one, which is all there is without A/B tests.
    treatment_id: str = "0"

    def attributes(self) -> dict[str, str]:
        """As records tell it."""
        return {
            "campaign_id": self.campaign_id,
            "campaign_activity_id": self.activity_id,
            "treatment_id": self.treatment_id,
        }


def campaign_send(  # noqa: PLR0913 - what it tells
    origin: Origin,
    subject: Subject,
    at: datetime,
    run: CampaignRun,
    *,
    delivery_type: str,
    status: CampaignStatus,
    status_message: str | None = None,
) -> str:
    """One endpoint of one run, whatever became of it; the channel's own records come beside it.

    `delivery_type` is the channel, CUSTOM for a custom one whatever the endpoint's is; `status_message` what a push
    platform said.
    """
    attributes = run.attributes() | {"delivery_type": delivery_type, "campaign_send_status": status}
    if status_message is not None:
        attributes["status_message"] = status_message
    return service_record(
        origin, subject, "_campaign.send", (at, at), attributes, client_context=subject.client_context
    )


JourneyStatus = Literal[
    "SUCCESS",
    "FAILURE",
    "CUSTOM_DELIVERY_FAILURE",
    "FAILURE_PERMANENT",
    "THROTTLED",
    "UNSUPPORTED_CHANNEL",
    "DAILY_CAP",
    "QUIET_TIME",
    "QUIET_TIME_MISSING_TIMEZONE",
    "QUIET_TIME_WAIT_FINISHED",
]
JourneyActivityType = Literal["EMAIL", "SMS", "PUSH", "CONTACT_CENTER", "CUSTOM"]


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """Which activity of which run of a journey a record comes from."""

    journey_id: str
    run_id: str
    activity_id: str

    def attributes(self) -> dict[str, str]:
        """As records tell it."""
        return {
            "journey_id": self.journey_id,
            "journey_run_id": self.run_id,
            "journey_activity_id": self.activity_id,
        }


def journey_send(  # noqa: PLR0913 - what it tells
    origin: Origin,
    subject: Subject,
    at: datetime,
    step: JourneyStep,
    *,
    activity_type: JourneyActivityType,
    status: JourneyStatus,
    code: int | None = None,
    message: str | None = None,
    answered: Mapping[str, str] | None = None,
) -> str:
    """A message activity of a journey for one endpoint.

    Code and message of the provider or function are told of a custom activity always, of others when they failed.
    `answered` are the EventAttributes that the user's code gave of the endpoint, which later splits ask for
    (journeys.md section 9); they replace nothing of ours.
    """
    attributes = step.attributes()
    if status != "QUIET_TIME_WAIT_FINISHED":
        attributes["journey_activity_type"] = activity_type
    attributes["journey_send_status"] = status
    if code is not None and (activity_type == "CUSTOM" or status != "SUCCESS"):
        attributes["journey_send_status_code"] = str(code)
        attributes["journey_send_status_message"] = str(code) if message is None else message
    told = {**attributes, **(answered or {}), **attributes}
    return service_record(origin, subject, "_journey.send", (at, at), told, client_context=subject.client_context)


def _device(demographic: JsonObject) -> JsonObject:
    platform = {"name": demographic.get("Platform"), "version": demographic.get("PlatformVersion")}
    device = {
        "locale": _locale(demographic.get("Locale", "")),
        "make": demographic.get("Make"),
        "model": demographic.get("Model"),
        "platform": _present(platform),
    }
    return _present(device)


def _locale(code: str) -> JsonObject | None:
    """`en_GB` as `{"code", "country", "language"}`; None for none."""
    if not code:
        return None
    found = _LOCALE.fullmatch(code)
    language, country = found.groups() if found else (None, None)
    return _present({"code": code, "country": country, "language": language})


def _present(document: JsonObject) -> JsonObject:
    return {key: value for key, value in document.items() if value is not None}
