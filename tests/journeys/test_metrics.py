"""What the API tells of how a journey went."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import Club
from tests.journeys.engine.conftest import Tour, mail, settings, tour, wait

__all__ = ["settings", "tour"]


async def test_a_journey_and_its_runs_are_counted(tour: Tour) -> None:
    tour.put("ann")
    tour.put("out", OptOut="ALL")
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT90M")}, RefreshFrequency="PT1H")
    await tour.go()
    tour.put("bob")
    await tour.go(minutes=61)
    await tour.go(minutes=100)

    told = tour.client.get_journey_execution_metrics(ApplicationId=tour.id, JourneyId=journey)
    assert told["JourneyExecutionMetricsResponse"]["Metrics"] == {
        "ENDPOINT_ENTERED": "2",
        "ENDPOINT_ACTIVE": "1",
        "ENDPOINT_LEFT": "1",
        "CANCELLED": "0",
        "REENTRY_CAP_EXCEEDED": "0",
        "ACTIVE_ENDPOINT_REJECTED": "1",
    }
    first, second = (of_run(tour, journey, run["RunId"]) for run in reversed(tour.runs(journey)))
    assert (first["ENDPOINT_PRODUCED"], first["ENDPOINT_ENTERED"], first["ENDPOINT_OPT_OUT"]) == ("2", "1", "1")
    assert (second["ENDPOINT_PRODUCED"], second["ENDPOINT_ENTERED"], second["ENDPOINT_OPT_OUT"]) == ("3", "1", "1")
    assert (first["ENDPOINT_ACTIVE"], second["ENDPOINT_ACTIVE"], second["PAUSED"]) == ("0", "1", "0")


async def test_activities_are_counted(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT1H")})
    await tour.go()

    told = tour.client.get_journey_execution_activity_metrics(
        ApplicationId=tour.id, JourneyId=journey, JourneyActivityId="w1"
    )["JourneyExecutionActivityMetricsResponse"]
    assert (told["ActivityType"], told["JourneyActivityId"]) == ("WAIT", "w1")
    assert told["Metrics"] == {
        "ENDPOINT_ENTERED": "1",
        "WAIT_STARTED": "1",
        "WAIT_FINISHED": "0",
        "WAIT_SKIPPED": "0",
    }
    [run] = tour.runs(journey)
    told = tour.client.get_journey_run_execution_activity_metrics(
        ApplicationId=tour.id, JourneyId=journey, RunId=run["RunId"], JourneyActivityId="m1"
    )["JourneyRunExecutionActivityMetricsResponse"]
    assert (told["ActivityType"], told["RunId"]) == ("MESSAGE", run["RunId"])
    assert told["Metrics"] == {
        "ENDPOINT_ENTERED": "1",
        "SUCCESS": "1",
        "QUIET_TIME": "0",
        "DAILY_CAP": "0",
        "THROTTLED": "0",
        "TRANSIENT_FAILURE": "0",
        "SERVICE_FAILURE": "0",
        "FAILURE_PERMANENT": "0",
        "UNSUPPORTED_CHANNEL": "0",
        "UNKNOWN": "0",
    }


def test_a_draft_has_counted_nothing(club: Club) -> None:
    created = club.create(Activities={"w1": {}})

    answer = club.send("GET", f"/{created['Id']}/execution-metrics")
    assert set(answer.json["Metrics"].values()) == {"0"}
    answer = club.send("GET", f"/{created['Id']}/activities/w1/execution-metrics")
    assert (answer.json["ActivityType"], answer.json["Metrics"]) == ("UNKNOWN", {"ENDPOINT_ENTERED": "0"})


@pytest.mark.parametrize(
    "path",
    [
        "/activities/nothing/execution-metrics",
        "/runs/nothing/execution-metrics",
        f"/runs/{'0' * 32}/execution-metrics",
        "/runs/nothing/activities/w1/execution-metrics",
    ],
)
def test_what_is_not_there_has_no_metrics(club: Club, path: str) -> None:
    created = club.create()

    answer = club.send("GET", f"/{created['Id']}{path}")

    assert (answer.status, answer.json["Message"]) == (404, "Resource not found")


async def test_a_run_of_another_journey_is_not_found(tour: Tour) -> None:
    one, other = (tour.publish({"m1": mail()}) for _ in range(2))
    [run] = tour.runs(other)

    with pytest.raises(ClientError, match="Resource not found"):
        of_run(tour, one, run["RunId"])


def of_run(tour: Tour, journey: str, run_id: str) -> dict[str, Any]:
    """GetJourneyRunExecutionMetrics."""
    told = tour.client.get_journey_run_execution_metrics(ApplicationId=tour.id, JourneyId=journey, RunId=run_id)
    metrics: dict[str, Any] = told["JourneyRunExecutionMetricsResponse"]["Metrics"]
    return metrics
