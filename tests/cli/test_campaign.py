import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from repoint.cli import watch
from repoint.cli.campaign_lines import why_lines
from repoint.cli.watch import Rate, watch_campaign
from tests.fixtures.processes import Serve

HELLO = {"EmailMessage": {"Title": "Hello", "HtmlBody": "<p>Hello</p>"}}
EMAIL = {"FromAddress": "news@example.com", "Identity": "example.com"}


@pytest.fixture
def segment(running: Serve, fresh_app: str) -> str:
    """A segment of two endpoints, one of which has opted out."""
    client = running.client()
    items = [{"Id": name, "ChannelType": "EMAIL", "Address": f"{name}@example.com"} for name in ("Ann", "bob")]
    items[1]["OptOut"] = "ALL"
    client.update_email_channel(ApplicationId=fresh_app, EmailChannelRequest=EMAIL)
    client.update_endpoints_batch(ApplicationId=fresh_app, EndpointBatchRequest={"Item": items})
    made = client.create_segment(ApplicationId=fresh_app, WriteSegmentRequest={"Name": "all", "Dimensions": {}})
    return str(made["SegmentResponse"]["Id"])


@pytest.fixture
def create(running: Serve, fresh_app: str, segment: str) -> Callable[..., str]:
    """Makes a campaign, at once unless it says otherwise; its id."""

    def create(**members: Any) -> str:
        usual = {
            "Name": "spring",
            "SegmentId": segment,
            "Schedule": {"StartTime": "IMMEDIATE"},
            "MessageConfiguration": HELLO,
        }
        answer = running.client().create_campaign(ApplicationId=fresh_app, WriteCampaignRequest={**usual, **members})
        return str(answer["CampaignResponse"]["Id"])

    return create


def tomorrow() -> dict[str, str]:
    begins = datetime.now(UTC) + timedelta(days=1)
    return {
        "StartTime": begins.isoformat(),
        "EndTime": (begins + timedelta(days=3)).isoformat(),
        "Frequency": "DAILY",
    }


def test_a_campaign_is_watched_to_its_end_and_its_ledger_asked(
    running: Serve, fresh_app: str, create: Callable[..., str]
) -> None:
    campaign = create()
    named = ("--app", fresh_app, "--campaign", campaign)

    watched = running.repoint("campaign", "watch", *named)
    shown = running.repoint("campaign", "show", *named)
    ann = running.repoint("why", *named, "--endpoint", "ann")
    bob = running.repoint("campaign", "why", *named, "--endpoint", "bob")

    assert (watched.returncode, watched.stdout) == (0, "")
    assert watched.stderr.splitlines()[-1] == "treatment 0 COMPLETED: 2 of 2 endpoints, 1 of 1 sent"
    first, second, run = shown.stdout.splitlines()
    assert (first, second.startswith("segment ")) == ("spring: COMPLETED, version 1", True)
    assert run.split("\t")[1:6] == ["COMPLETED", "SUCCESS", "0", "1", "1"]
    standing, decision = ann.stdout.splitlines()
    assert standing.startswith("Ann: treatment 0, a member of segment ")
    assert "  treatment 0  SUCCESS: the channel accepted the message  EMAIL  " in decision
    assert bob.stdout.splitlines()[1].split("  ")[2] == "ENDPOINT_OPT_OUT: it has opted out of all messages"


def test_what_is_over_is_shown_when_it_is_watched(running: Serve, fresh_app: str, create: Callable[..., str]) -> None:
    named = ("--app", fresh_app, "--campaign", create())
    running.repoint("campaign", "watch", *named)

    again = running.repoint("campaign", "watch", *named)

    assert (again.returncode, again.stderr) == (0, "treatment 0 COMPLETED: 2 of 2 endpoints, 1 of 1 sent\n")


def test_a_run_that_failed_is_told(running: Serve, fresh_app: str, create: Callable[..., str]) -> None:
    running.client().delete_email_channel(ApplicationId=fresh_app)

    watched = running.repoint("campaign", "watch", "--app", fresh_app, "--campaign", create())

    assert watched.returncode == 1
    assert watched.stderr.splitlines()[-1].endswith(" ended COMPLETED, FAIL")


def test_campaigns_are_listed_paused_resumed_and_deleted(
    running: Serve, fresh_app: str, create: Callable[..., str]
) -> None:
    campaign = create(Schedule=tomorrow(), Name="daily")
    named = ("--app", fresh_app, "--campaign", campaign)

    listed = running.repoint("campaign", "list", "--app", fresh_app)
    told = [running.repoint("campaign", word, *named).stdout for word in ("pause", "resume", "delete")]
    gone = running.repoint("campaign", "show", *named)

    assert listed.stdout == f"{campaign}\tdaily\tSCHEDULED\tDAILY\t1\n"
    assert told == ["daily: PAUSED\n", "daily: SCHEDULED\n", "daily: DELETED\n"]
    assert (gone.returncode, gone.stderr) == (1, "Error: NotFoundException: Resource not found\n")


def test_treatments_are_shown(running: Serve, fresh_app: str, create: Callable[..., str]) -> None:
    other = [{"SizePercent": 40, "MessageConfiguration": HELLO}]
    campaign = create(Schedule=tomorrow(), HoldoutPercent=10, AdditionalTreatments=other)
    named = ("--app", fresh_app, "--campaign", campaign)

    lines = running.repoint("campaign", "show", *named).stdout.splitlines()
    document = json.loads(running.repoint("campaign", "show", *named, "--json").stdout)

    assert lines[2:5] == ["held out: 10 %", "treatment 0: 50 %, SCHEDULED", "treatment 1: 40 %, SCHEDULED"]
    assert [line.split("\t")[1] for line in lines[5:]] == ["PENDING", "PENDING"]
    assert [each["State"] for each in document["Activities"]] == ["PENDING", "PENDING"]


def test_nothing_is_in_doubt(running: Serve, fresh_app: str, create: Callable[..., str]) -> None:
    campaign = create(Schedule=tomorrow())

    answers = [
        running.repoint("campaign", "doubts", "--app", fresh_app, *more) for more in ((), ("--campaign", campaign))
    ]

    assert [(answer.returncode, answer.stdout) for answer in answers] == [(0, ""), (0, "")]


def test_why_needs_a_segment_or_a_campaign(running: Serve, fresh_app: str) -> None:
    asked = ("why", "--app", fresh_app, "--endpoint", "ann")

    def told(*more: str) -> str:
        answer = running.repoint(*asked, *more)
        assert answer.returncode == 1
        return answer.stderr

    assert told() == "Error: give one of --segment and --campaign\n"
    assert told("--segment", "s", "--campaign", "c") == "Error: give one of --segment and --campaign\n"
    assert told("--campaign", "c", "--version", "1").startswith("Error: --version is of a segment")
    assert told("--campaign", "c") == "Error: NotFoundException: Resource not found\n"


def test_a_line_a_decision() -> None:
    told = {
        "EndpointId": "ann",
        "Exists": True,
        "IsHeldOut": False,
        "TreatmentId": "1",
        "Segment": {"SegmentId": "s", "IsMember": False},
        "Runs": [
            {
                "TreatmentId": "1",
                "ScheduledStart": "2026-11-22T08:00:00.000Z",
                "Deliveries": [
                    {
                        "Status": "UNKNOWN",
                        "Text": "nobody can tell whether the message arrived",
                        "Detail": "its worker died while it was on its way",
                        "DecidedAt": "2026-11-22T08:00:03.000Z",
                        "WasInDoubt": True,
                        "ChannelType": "SMS",
                        "MessageId": "m",
                    }
                ],
            },
            {
                "TreatmentId": "0",
                "ScheduledStart": "2026-11-22T08:00:00.000Z",
                "Deliveries": [],
                "Reason": "OTHER_TREATMENT",
                "Text": "by its cohort it belongs to treatment 1",
            },
        ],
        "Now": {
            "IsQuietTime": True,
            "Suppressed": "BOUNCE",
            "Caps": [
                {"Limit": "Total", "Scope": "CAMPAIGN", "Count": 2, "Most": 2, "IsReached": True},
                {"Limit": "Daily", "Scope": "APPLICATION", "Count": 1, "Most": 3, "IsReached": False},
            ],
        },
    }

    assert list(why_lines(told)) == [
        "ann: treatment 1, not a member of segment s",
        (
            "2026-11-22T08:00:00.000Z  treatment 1  UNKNOWN: nobody can tell whether the message arrived; its worker "
            "died while it was on its way; it was in doubt, so it may have arrived once more  SMS  m  "
            "at 2026-11-22T08:00:03.000Z"
        ),
        "2026-11-22T08:00:00.000Z  treatment 0  OTHER_TREATMENT: by its cohort it belongs to treatment 1",
        "now: it is quiet time",
        "now: its address is suppressed (BOUNCE)",
        "now: 2 of 2 messages (Total), so it gets no more",
        "now: 1 of 3 messages of all campaigns and journeys (Daily)",
    ]


def test_watching_waits_for_the_next_run_and_counts_the_segment_once(capsys: pytest.CaptureFixture[str]) -> None:
    def run(name: str, state: str, handled: int) -> dict[str, Any]:
        counts = {"Handled": handled, "Total": handled, "Successful": handled}
        return {"ActivityId": name, "TreatmentId": "0", "State": state, "IsTriggered": False, **counts}

    before = run("yesterday", "COMPLETED", 4)
    waiting = {"State": "PENDING_NEXT_RUN", "NextStart": "2026-11-22T08:00:00.000Z", "Runs": [before]}
    going = {"State": "EXECUTING", "Runs": [run("today", "RUNNING", 2)]}
    over = {"State": "PENDING_NEXT_RUN", "Runs": [run("today", "COMPLETED", 5)]}
    answers: list[dict[str, Any]] = [waiting, waiting, going, going | {"Members": 5}, over]
    asked: list[dict[str, str]] = []

    def look(query: dict[str, str]) -> dict[str, Any]:
        asked.append(query)
        return answers.pop(0)

    watch_campaign(look)

    assert asked == [{}, {}, {}, {"expected": "true"}, {}]
    assert capsys.readouterr().err.splitlines() == [
        "PENDING_NEXT_RUN, the next run starts at 2026-11-22T08:00:00.000Z",
        "treatment 0 RUNNING: 2 of 5 endpoints, 2 of 2 sent",
        "treatment 0 COMPLETED: 5 of 5 endpoints, 5 of 5 sent",
    ]


def test_on_a_terminal_a_bar_shows_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(file=StringIO(), force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr(watch, "_console", terminal)
    run = {"ActivityId": "r", "TreatmentId": "1", "State": "RUNNING", "IsTriggered": False}
    counts = {"Handled": 50, "Total": 40, "Successful": 39}

    with watch.RunProgress() as progress:
        progress.show({"State": "SCHEDULED"}, [], None)
        progress.show({"State": "EXECUTING"}, [run | counts], 200)

    shown = terminal.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "SCHEDULED\n" in shown
    assert "treatment 1 RUNNING" in shown
    assert " 25% 39 of 40 sent, 0/s" in shown


def test_the_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate(0, 0.0)
    for second in range(1, 31):
        # A hundred a second, and then ten.
        rate.count(100 * second if second <= 15 else 1500 + 10 * (second - 15), float(second))

    assert rate.per_second == 10.0
