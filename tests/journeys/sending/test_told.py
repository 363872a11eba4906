"""Each outcome as a status and a metric (journeys.md sections 11 and 12)."""

import pytest

from repoint.delivery.finished import LOST, Finished
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.records import Delivered
from repoint.events.records import JourneyStatus
from repoint.journeys.activities.kind import kind_of
from repoint.journeys.activities.messenger import Refusal
from tests.journeys.sending.conftest import NOON, Stage

EMAIL = {"EMAIL": {"TemplateName": "hello"}}
CUSTOM = {"CUSTOM": {"DeliveryUri": "note", "EndpointTypes": ["EMAIL"]}}
METRICS = {
    "SUCCESS",
    "QUIET_TIME",
    "DAILY_CAP",
    "THROTTLED",
    "TRANSIENT_FAILURE",
    "SERVICE_FAILURE",
    "FAILURE_PERMANENT",
    "UNSUPPORTED_CHANNEL",
    "UNKNOWN",
}


@pytest.mark.parametrize(
    ("outcome", "of_email", "metric", "of_custom"),
    [
        (Outcome(Status.SUCCESSFUL, 200), "SUCCESS", "SUCCESS", "SUCCESS"),
        (Outcome(Status.THROTTLED, 429), "THROTTLED", "THROTTLED", "CUSTOM_DELIVERY_FAILURE"),
        (Outcome(Status.TEMPORARY_FAILURE, 500), "FAILURE", "TRANSIENT_FAILURE", "CUSTOM_DELIVERY_FAILURE"),
        (Outcome(Status.PERMANENT_FAILURE, 400), "FAILURE_PERMANENT", "FAILURE_PERMANENT", "CUSTOM_DELIVERY_FAILURE"),
        (Outcome(Status.PERMANENT_FAILURE, 403), "FAILURE_PERMANENT", "FAILURE_PERMANENT", "FAILURE_PERMANENT"),
        (Outcome(Status.UNKNOWN_FAILURE, 500), "FAILURE", "UNKNOWN", "CUSTOM_DELIVERY_FAILURE"),
        (LOST, "FAILURE", "UNKNOWN", "CUSTOM_DELIVERY_FAILURE"),
        (Outcome(Status.OPT_OUT, 400), "FAILURE_PERMANENT", "FAILURE_PERMANENT", "CUSTOM_DELIVERY_FAILURE"),
    ],
)
async def test_what_was_handed_over(stage: Stage, outcome: Outcome, of_email: str, metric: str, of_custom: str) -> None:
    stage.put("ann")
    stage.template()
    told = []
    for activity in (EMAIL, CUSTOM):
        dispatch = await stage.dispatch(stage.group(await stage.journey(**activity), ["ann"]))
        [attempt] = dispatch.attempts
        finished = Finished(NOON)
        dispatch.delivered(finished, attempt, Delivered(attempt.recipient, outcome, NOON))
        [entry] = finished.entries
        told.append((entry.status, finished.counts, entry.is_in_doubt))

    doubt = outcome.is_in_doubt
    assert told == [(of_email, {metric: 1}, doubt), (of_custom, {of_custom: 1}, doubt)]


@pytest.mark.parametrize(
    ("status", "metric"),
    [
        ("UNSUPPORTED_CHANNEL", "UNSUPPORTED_CHANNEL"),
        ("DAILY_CAP", "DAILY_CAP"),
        ("QUIET_TIME", "QUIET_TIME"),
        ("QUIET_TIME_MISSING_TIMEZONE", "QUIET_TIME"),
        ("FAILURE", "SERVICE_FAILURE"),
    ],
)
async def test_what_was_not(stage: Stage, status: JourneyStatus, metric: str) -> None:
    stage.put("ann")
    stage.template()
    dispatch = await stage.dispatch(stage.group(await stage.journey(**EMAIL), ["ann"]))
    [attempt] = dispatch.attempts
    finished = Finished(NOON)

    dispatch.refused(finished, attempt, Refusal(status, "because"), NOON)
    await stage.write(finished)

    assert finished.counts == {metric: 1}
    [record] = stage.records()
    assert record["attributes"]["journey_send_status"] == status
    [entry] = await stage.ledger()
    assert (entry["status"], entry["detail"], entry["message_id"]) == (status, "because", None)


async def test_the_metrics_of_each_activity(stage: Stage) -> None:
    found = {}
    for kind in ("EMAIL", "SMS", "PUSH", "CUSTOM"):
        content = {"DeliveryUri": "note"} if kind == "CUSTOM" else {"TemplateName": "hello"}
        journey = await stage.journey(**{kind: content})
        activity = journey.activities["m1"]
        found[kind] = (kind_of(activity).activity_type, set(kind_of(activity).metrics(activity.content)))

    assert found == dict.fromkeys(("EMAIL", "SMS", "PUSH"), ("MESSAGE", METRICS)) | {
        "CUSTOM": ("MESSAGE", METRICS | {"CUSTOM_DELIVERY_FAILURE"})
    }


async def test_hooks_are_for_campaigns(stage: Stage) -> None:
    hook = {"LambdaFunctionName": "fail", "Mode": "FILTER"}
    stage.client.update_application_settings(
        ApplicationId=stage.id, WriteApplicationSettingsRequest={"CampaignHook": hook}
    )
    stage.put("ann")
    stage.template()

    played = await stage.play(stage.group(await stage.journey(**EMAIL), ["ann"]))

    assert played.counts == {"SUCCESS": 1}
