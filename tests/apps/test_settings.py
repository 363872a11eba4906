import time
from typing import Any

import pytest

from tests.fixtures.server import Raw


@pytest.fixture
def app(client: Any) -> Any:
    return client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]


def update(raw: Raw, app: Any, body: dict[str, Any]) -> Any:
    answer = raw.send("PUT", f"/v1/apps/{app['Id']}/settings", body)
    assert answer.status == 200, answer.json
    return answer.json


def get(raw: Raw, app: Any) -> Any:
    return raw.send("GET", f"/v1/apps/{app['Id']}/settings").json


def test_settings_of_a_new_application_are_empty_and_as_old_as_it(raw: Raw, app: Any) -> None:
    assert get(raw, app) == {
        "ApplicationId": app["Id"],
        "CampaignHook": {},
        "Limits": {},
        "QuietTime": {},
        "LastModifiedDate": app["CreationDate"],
    }


def test_update_replaces_given_members_wholly_and_keeps_the_others(raw: Raw, app: Any) -> None:
    update(
        raw,
        app,
        {
            "Limits": {"Daily": 3, "Total": 10},
            "QuietTime": {"Start": "21:00", "End": "08:00"},
            "CampaignHook": {"LambdaFunctionName": "offers", "Mode": "FILTER"},
            "JourneyLimits": {"DailyCap": 1, "TimeframeCap": {"Cap": 5, "Days": 7}},
        },
    )

    answer = update(raw, app, {"Limits": {"MessagesPerSecond": 50}, "QuietTime": {}})

    del answer["LastModifiedDate"]
    assert answer == {
        "ApplicationId": app["Id"],
        "CampaignHook": {"LambdaFunctionName": "offers", "Mode": "FILTER"},
        "Limits": {"MessagesPerSecond": 50},
        "QuietTime": {},
        "JourneyLimits": {"DailyCap": 1, "TimeframeCap": {"Cap": 5, "Days": 7}},
    }


def test_update_answers_what_get_answers_then(raw: Raw, app: Any) -> None:
    answer = update(raw, app, {"Limits": {"Session": 5}})

    assert get(raw, app) == answer


def test_update_dates_the_settings(raw: Raw, app: Any) -> None:
    time.sleep(0.002)

    assert update(raw, app, {})["LastModifiedDate"] > app["CreationDate"]


def test_journey_limits_are_absent_again_when_cleared(raw: Raw, app: Any) -> None:
    update(raw, app, {"JourneyLimits": {"TotalCap": 9}})

    assert "JourneyLimits" not in update(raw, app, {"JourneyLimits": {}})


def test_empty_texts_clear_what_they_stand_for(raw: Raw, app: Any) -> None:
    update(raw, app, {"CampaignHook": {"LambdaFunctionName": "offers"}})

    answer = update(
        raw,
        app,
        {
            "CampaignHook": {"LambdaFunctionName": "", "WebUrl": "https://example.com/hook"},
            "QuietTime": {"Start": "", "End": ""},
        },
    )

    assert answer["CampaignHook"] == {"WebUrl": "https://example.com/hook"}
    assert answer["QuietTime"] == {}


def test_switches_without_a_place_in_the_answer_are_accepted_and_not_returned(raw: Raw, app: Any) -> None:
    answer = update(raw, app, {"CloudWatchMetricsEnabled": True, "EventTaggingEnabled": True})

    assert answer.keys() == {"ApplicationId", "CampaignHook", "Limits", "QuietTime", "LastModifiedDate"}


def test_limits_may_be_anywhere_in_their_ranges(raw: Raw, app: Any) -> None:
    least = {"Daily": 0, "Total": 0, "MessagesPerSecond": 1, "MaximumDuration": 60, "Session": 0}
    most = {
        "Daily": 100,
        "Total": 100,
        "MessagesPerSecond": 20000,
        "MaximumDuration": 2147483647,
        "Session": 2147483647,
    }

    assert update(raw, app, {"Limits": least})["Limits"] == least
    assert update(raw, app, {"Limits": most})["Limits"] == most


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"Limits": {"Daily": -1}}, "Limits.Daily must be between 0 and 100"),
    ({"Limits": {"Daily": 101}}, "Limits.Daily must be between 0 and 100"),
    ({"Limits": {"Total": 101}}, "Limits.Total must be between 0 and 100"),
    ({"Limits": {"MessagesPerSecond": 0}}, "Limits.MessagesPerSecond must be between 1 and 20000"),
    ({"Limits": {"MessagesPerSecond": 20001}}, "Limits.MessagesPerSecond must be between 1 and 20000"),
    ({"Limits": {"MaximumDuration": 59}}, "Limits.MaximumDuration must be between 60 and 2147483647"),
    ({"Limits": {"Session": -1}}, "Limits.Session must be between 0 and 2147483647"),
    ({"JourneyLimits": {"DailyCap": 101}}, "JourneyLimits.DailyCap must be between 0 and 100"),
    ({"JourneyLimits": {"TotalCap": -1}}, "JourneyLimits.TotalCap must be between 0 and 100"),
    (
        {"JourneyLimits": {"TimeframeCap": {"Cap": 101}}},
        "JourneyLimits.TimeframeCap.Cap must be between 0 and 100",
    ),
    (
        {"JourneyLimits": {"TimeframeCap": {"Days": 31}}},
        "JourneyLimits.TimeframeCap.Days must be between 0 and 30",
    ),
    ({"QuietTime": {"Start": "24:00", "End": "08:00"}}, "Invalid QuietTime: 24:00"),
    ({"QuietTime": {"Start": "21:00", "End": "8:00"}}, "Invalid QuietTime: 8:00"),
    ({"QuietTime": {"Start": "21:00", "End": "08:60"}}, "Invalid QuietTime: 08:60"),
    ({"QuietTime": {"Start": "21:00", "End": "08:00\n"}}, "Invalid QuietTime: 08:00\n"),
    ({"QuietTime": {"Start": "٢١:00", "End": "08:00"}}, "Invalid QuietTime: ٢١:00"),
    ({"QuietTime": {"Start": "21:00"}}, "Invalid QuietTime: End is missing"),
    ({"QuietTime": {"End": "08:00"}}, "Invalid QuietTime: Start is missing"),
    (
        {"CampaignHook": {"LambdaFunctionName": "offers", "WebUrl": "https://example.com/hook"}},
        "Specify LambdaFunctionName or WebUrl, not both",
    ),
    (
        {"CampaignHook": {"LambdaFunctionName": "offers", "Mode": "DELIVERY"}},
        "Campaign hook mode DELIVERY is not supported",
    ),
    ({"CampaignHook": {"Mode": "SOMETIMES"}}, "Invalid Mode: SOMETIMES"),
    ({"Limits": {"Daily": "many"}}, "Invalid Daily: many"),
]


def test_update_refuses_what_may_not_be_and_changes_nothing(raw: Raw, app: Any) -> None:
    before = update(raw, app, {"Limits": {"Daily": 3}, "QuietTime": {"Start": "21:00", "End": "08:00"}})

    told = [raw.send("PUT", f"/v1/apps/{app['Id']}/settings", body) for body, _ in REFUSED]

    assert [answer.json["Message"] for answer in told] == [message for _, message in REFUSED]
    assert {(answer.status, answer.headers["x-amzn-errortype"]) for answer in told} == {(400, "BadRequestException")}
    assert get(raw, app) == before
