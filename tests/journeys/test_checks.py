"""What keeps a journey from being published, and in which words (journeys.md section 14 and Errors)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.receiver import Answer, Received, Receiver
from tests.fixtures.server import Raw, Serve, make_client
from tests.journeys.conftest import FILTER, WAIT, Club, after, bad, make_club, missing, told

UNKNOWN = "0123456789abcdef0123456789abcdef"
HEADER = "X-Amz-Pinpoint-AccountId"
ROLE = "arn:aws:iam::123456789012:role/connect"
MET = {"Dimensions": {"EventType": {"Values": ["_email.open"]}}}
CHANNEL_SETTINGS = {"ConnectCampaignArn": "arn:aws:connect-campaigns:x", "ConnectCampaignExecutionRoleArn": ROLE}
SCHEDULED = {"SendingSchedule": True, "QuietTime": {"Start": "21:00", "End": "08:00"}}


def one(activity: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    """A journey that begins with `a`; `others` are activities, too."""
    return {"StartActivity": "a", "Activities": {"a": activity, **others}}


def wait(**time: str) -> dict[str, Any]:
    return one({"Wait": {"WaitTime": time}})


def split(*conditions: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A yes/no split with a wait behind Yes."""
    usual = {"Condition": {"Conditions": [*conditions]}, "TrueActivity": "w1"}
    return one({"ConditionalSplit": {**usual, **members}}, w1=WAIT)


def random(*shares: int | None) -> dict[str, Any]:
    branches = [{} if share is None else {"Percentage": share} for share in shares]
    return one({"RandomSplit": {"Branches": branches}})


def multi(branches: int, **members: Any) -> dict[str, Any]:
    return one({"MultiCondition": {"Branches": [{}] * branches, **members}})


def open_hours(*ranges: tuple[str, str], **members: Any) -> dict[str, Any]:
    rules = [{"StartTime": start, "EndTime": end} for start, end in ranges]
    return {**SCHEDULED, "OpenHours": {"EMAIL": {"MONDAY": rules}}, **members}


def closed(*days: tuple[str, str]) -> dict[str, Any]:
    rules = [{"Name": "n", "StartDateTime": start, "EndDateTime": end} for start, end in days]
    return {**SCHEDULED, "ClosedDays": {"SMS": rules}}


REFUSED: list[tuple[dict[str, Any], str]] = [
    # Activities and how they hang together.
    ({"Activities": None}, "Invalid journey: Missing Activities"),
    ({"Activities": {}}, "Invalid journey: Missing Activities"),
    (
        {"Activities": {f"w{number}": WAIT for number in range(41)}},
        "Invalid journey: Activities exceeds the maximum of 40 items",
    ),
    ({"StartActivity": None}, "Invalid journey: Missing StartActivity"),
    ({"StartActivity": ""}, "Invalid journey: Missing StartActivity"),
    ({"StartActivity": "w2"}, "Invalid journey: StartActivity w2 isn't in Activities"),
    (one({}), "Invalid journey: Missing type of activity (activity a)"),
    (one({"Description": "x"}), "Invalid journey: Missing type of activity (activity a)"),
    (
        one({"Wait": {}, "Holdout": {"Percentage": 1}}),
        "Invalid journey: Specify Wait or Holdout, not both (activity a)",
    ),
    (
        one({"Wait": {"WaitTime": {"WaitFor": "PT1H"}, "NextActivity": "b"}}),
        "Invalid journey: Activity b isn't in Activities (activity a)",
    ),
    (split({"EventCondition": MET}, FalseActivity="b"), "Invalid journey: Activity b isn't in Activities (activity a)"),
    (multi(1, DefaultActivity="b"), "Invalid journey: Activity b isn't in Activities (activity a)"),
    (
        one({"RandomSplit": {"Branches": [{"Percentage": 50, "NextActivity": "b"}, {"Percentage": 50}]}}),
        "Invalid journey: Activity b isn't in Activities (activity a)",
    ),
    (
        one(
            {"Wait": {"WaitTime": {"WaitFor": "PT1H"}, "NextActivity": "b"}},
            b={"Holdout": {"Percentage": 1, "NextActivity": "c"}},
            c={"Wait": {"WaitTime": {"WaitFor": "PT1H"}, "NextActivity": "b"}},
        ),
        "Invalid journey: Activities can't lead back to themselves (activity b)",
    ),
    # StartCondition.
    (
        {"StartCondition": None},
        "Invalid journey: StartCondition must have either SegmentStartCondition or EventStartCondition",
    ),
    (
        {
            "StartCondition": {
                "EventStartCondition": {"EventFilter": FILTER},
                "SegmentStartCondition": {"SegmentId": "x"},
            }
        },
        "Invalid journey: StartCondition must have either SegmentStartCondition or EventStartCondition",
    ),
    ({"StartCondition": {"EventStartCondition": {}}}, "Invalid journey: Missing EventFilter"),
    (
        {"StartCondition": {"EventStartCondition": {"EventFilter": {"FilterType": "ENDPOINT", "Dimensions": {}}}}},
        "Invalid journey: Missing EventType",
    ),
    (
        {"StartCondition": {"EventStartCondition": {"EventFilter": {**FILTER, "FilterType": "SYSTEM"}}}},
        "Invalid journey: Invalid EventType: joined",
    ),
    # Messages.
    (one({"EMAIL": {}}), "Invalid journey: Missing TemplateName (activity a)"),
    (one({"SMS": {"TemplateName": ""}}), "Invalid journey: Missing TemplateName (activity a)"),
    (
        one({"PUSH": {"TemplateName": "t", "TemplateVersion": "latest"}}),
        "Invalid journey: Invalid TemplateVersion (activity a)",
    ),
    (one({"CUSTOM": {}}), "Invalid journey: Invalid DeliveryUri (activity a)"),
    (
        one({"CUSTOM": {"DeliveryUri": "https://a.example/?k=v"}}),
        "Invalid journey: Invalid DeliveryUri (activity a)",
    ),
    (one({"CUSTOM": {"DeliveryUri": "http://a.example/"}}), "Invalid journey: Invalid DeliveryUri (activity a)"),
    (
        one({"CUSTOM": {"DeliveryUri": "f", "EndpointTypes": ["PUSH"]}}),
        "Invalid journey: Invalid EndpointTypes: PUSH (activity a)",
    ),
    (
        one({"CUSTOM": {"DeliveryUri": "f", "MessageConfig": {"Data": "x" * 5001}}}),
        "Invalid journey: MessageConfig.Data exceeds 5000 characters (activity a)",
    ),
    # Waits.
    (one({"Wait": {}}), "Invalid journey: Missing WaitTime (activity a)"),
    (wait(), "Invalid journey: Missing WaitTime (activity a)"),
    (wait(WaitFor="", WaitUntil=""), "Invalid journey: Missing WaitTime (activity a)"),
    (wait(WaitFor="an hour"), "Invalid WaitFor: an hour"),
    (wait(WaitFor="P1M"), "Invalid WaitFor: P1M"),
    (wait(WaitFor="PT"), "Invalid WaitFor: PT"),
    (wait(WaitFor="P999999999D"), "Invalid WaitFor: P999999999D"),
    (wait(WaitFor="PT59S"), "Invalid journey: WaitFor must be between PT1M and P365D (activity a)"),
    (wait(WaitFor="P366D"), "Invalid journey: WaitFor must be between PT1M and P365D (activity a)"),
    (wait(WaitUntil="tomorrow"), "Invalid WaitUntil: tomorrow"),
    (wait(WaitUntil="tomorrow", WaitFor="PT1H"), "Invalid WaitUntil: tomorrow"),
    (
        {**wait(WaitUntil=after(days=3)), "Schedule": {"EndTime": after(days=2)}},
        "Invalid journey: WaitUntil must be before the journey's EndTime (activity a)",
    ),
    # Splits.
    (split(), "Invalid journey: Missing Condition (activity a)"),
    (split(*[{}] * 101), "Invalid journey: Conditions exceeds the maximum of 100 items (activity a)"),
    (split({}, {}), "Invalid journey: Missing Condition (activity a)"),
    (
        split({"EventCondition": MET}, TrueActivity=""),
        "Invalid journey: Missing TrueActivity or FalseActivity (activity a)",
    ),
    (split({"EventCondition": MET}, EvaluationWaitTime={"WaitFor": "soon"}), "Invalid WaitFor: soon"),
    (
        split({"EventCondition": MET}, EvaluationWaitTime={"WaitFor": "P366D"}),
        "Invalid journey: WaitFor must be between PT0S and P365D (activity a)",
    ),
    (split({"EventCondition": {}}), "Invalid journey: Missing EventType (activity a)"),
    (
        split({"EventCondition": {**MET, "MessageActivity": "w1"}}),
        "Invalid journey: MessageActivity w1 isn't a message activity earlier on the path (activity a)",
    ),
    (
        split({"EventCondition": {**MET, "MessageActivity": "a9"}}),
        "Invalid journey: MessageActivity a9 isn't a message activity earlier on the path (activity a)",
    ),
    (
        one(
            {"RandomSplit": {"Branches": [{"Percentage": 50, "NextActivity": x} for x in ("m", "s")]}},
            m={"CUSTOM": {"DeliveryUri": "f"}},
            s={"MultiCondition": {"Branches": [{"Condition": {"EventCondition": {**MET, "MessageActivity": "m"}}}]}},
        ),
        "Invalid journey: MessageActivity m isn't a message activity earlier on the path (activity s)",
    ),
    (
        split({"segmentDimensions": {"Attributes": {"a": {"Values": []}}}}),
        "Invalid journey: Invalid Values for a (activity a)",
    ),
    (multi(0), "Invalid journey: There must be 1 to 4 Branches (activity a)"),
    (multi(5), "Invalid journey: There must be 1 to 4 Branches (activity a)"),
    (multi(1, EvaluationWaitTime={"WaitUntil": "soon"}), "Invalid WaitUntil: soon"),
    (random(100), "Invalid journey: There must be 2 to 5 Branches (activity a)"),
    (random(50, 10, 10, 10, 10, 10), "Invalid journey: There must be 2 to 5 Branches (activity a)"),
    (random(50, 49), "Invalid journey: The sum of Percentage must be 100 (activity a)"),
    (random(0, 100), "Invalid journey: Percentage must be between 1 and 99 (activity a)"),
    (random(50, None), "Invalid journey: Percentage must be between 1 and 99 (activity a)"),
    (one({"Holdout": {"Percentage": 101}}), "Invalid journey: Percentage must be between 0 and 100 (activity a)"),
    (one({"Holdout": {"Percentage": -1}}), "Invalid journey: Percentage must be between 0 and 100 (activity a)"),
    # Contact centers.
    (one({"ContactCenter": {}}), "Invalid journey: Missing JourneyChannelSettings.ConnectCampaignArn (activity a)"),
    (
        {**one({"ContactCenter": {}}), "JourneyChannelSettings": {"ConnectCampaignArn": "arn"}},
        "Invalid journey: Invalid JourneyChannelSettings.ConnectCampaignExecutionRoleArn (activity a)",
    ),
    (
        {
            **one({"ContactCenter": {}}),
            "JourneyChannelSettings": {
                "ConnectCampaignArn": "arn",
                "ConnectCampaignExecutionRoleArn": ROLE.replace("connect", "path/connect"),
            },
        },
        "Invalid journey: Invalid JourneyChannelSettings.ConnectCampaignExecutionRoleArn (activity a)",
    ),
    (
        {
            **one(
                {"ContactCenter": {"NextActivity": "b"}},
                b={"ContactCenter": {"NextActivity": "c"}},
                c={"ContactCenter": {"NextActivity": "d"}},
                d={"ContactCenter": {}},
            ),
            "JourneyChannelSettings": CHANNEL_SETTINGS,
        },
        "Invalid journey: A journey can have at most 3 contact center activities",
    ),
    # Schedule and refresh.
    ({"Schedule": {"Timezone": "CET"}}, "Invalid Timezone: CET"),
    (
        {"Schedule": {"StartTime": after(days=2), "EndTime": after(days=1)}},
        "Invalid journey: EndTime must be after StartTime and in the future",
    ),
    (
        {"Schedule": {"StartTime": after(days=-2), "EndTime": after(days=-1)}},
        "Invalid journey: EndTime must be after StartTime and in the future",
    ),
    ({"Schedule": {"EndTime": after(days=541)}}, "Invalid journey: EndTime must be at most 540 days after the start"),
    (
        {"Schedule": {"StartTime": after(days=9), "EndTime": after(days=550)}},
        "Invalid journey: EndTime must be at most 540 days after the start",
    ),
    (
        {"LocalTime": True, "StartCondition": {"EventStartCondition": {"EventFilter": FILTER}}},
        "Invalid journey: LocalTime isn't supported with an EventStartCondition",
    ),
    ({"RefreshFrequency": "daily"}, "Invalid RefreshFrequency: daily"),
    ({"RefreshFrequency": "PT59M"}, "Invalid journey: RefreshFrequency must be at least PT1H"),
    # Limits.
    ({"Limits": {"DailyCap": 101}}, "Invalid journey: Limits.DailyCap must be between 0 and 100"),
    ({"Limits": {"TotalCap": -1}}, "Invalid journey: Limits.TotalCap must be between 0 and 100"),
    ({"Limits": {"EndpointReentryCap": 101}}, "Invalid journey: Limits.EndpointReentryCap must be between 0 and 100"),
    (
        {"Limits": {"MessagesPerSecond": 0}},
        "Invalid journey: Limits.MessagesPerSecond must be between 1 and 20000",
    ),
    (
        {"Limits": {"TimeframeCap": {"Cap": 101}}},
        "Invalid journey: Limits.TimeframeCap.Cap must be between 0 and 100",
    ),
    (
        {"Limits": {"TimeframeCap": {"Days": 31}}},
        "Invalid journey: Limits.TimeframeCap.Days must be between 0 and 30",
    ),
    ({"Limits": {"EndpointReentryInterval": "often"}}, "Invalid EndpointReentryInterval: often"),
    # Hours.
    ({"QuietTime": {"Start": "9", "End": "10:00"}}, "Invalid QuietTime: 9"),
    ({"SendingSchedule": True}, "Invalid journey: SendingSchedule needs a QuietTime"),
    (open_hours(("9", "10:00")), "Invalid OpenHours.EMAIL.MONDAY: 9"),
    (open_hours(("09:00", "24:00")), "Invalid OpenHours.EMAIL.MONDAY: 24:00"),
    (
        open_hours(("09:00", "09:00")),
        "Invalid journey: EndTime must be another than StartTime in OpenHours.EMAIL.MONDAY",
    ),
    (open_hours(("07:59", "20:00")), "Invalid journey: OpenHours.EMAIL.MONDAY must be outside of QuietTime"),
    (open_hours(("09:00", "21:01")), "Invalid journey: OpenHours.EMAIL.MONDAY must be outside of QuietTime"),
    (open_hours(("22:00", "23:00")), "Invalid journey: OpenHours.EMAIL.MONDAY must be outside of QuietTime"),
    (open_hours(("20:00", "03:00")), "Invalid journey: OpenHours.EMAIL.MONDAY must be outside of QuietTime"),
    (
        open_hours(*[(f"1{number}:00", f"1{number}:30") for number in range(5)]),
        "Invalid journey: OpenHours.EMAIL.MONDAY exceeds the maximum of 4 ranges",
    ),
    (closed(("2030-12-24", "2030-12-25T00:00")), "Invalid ClosedDays.SMS: 2030-12-24"),
    (closed(("2030-12-24T00:00", "2030-13-25T00:00")), "Invalid ClosedDays.SMS: 2030-13-25T00:00"),
    (
        closed(("2030-12-26T00:00", "2030-12-25T00:00")),
        "Invalid journey: EndDateTime must be after StartDateTime in ClosedDays.SMS",
    ),
    (
        closed(*[("2030-12-24T00:00", "2030-12-25T00:00")] * 21),
        "Invalid journey: ClosedDays.SMS exceeds the maximum of 20 items",
    ),
]

TAKEN: list[dict[str, Any]] = [
    {"Activities": {f"w{number}": WAIT for number in range(40)}},
    # Nobody comes to these.
    {"Activities": {"w1": WAIT, "x": {}, "y": {"Wait": {"NextActivity": "z"}}, "z": {"Wait": {"NextActivity": "y"}}}},
    # Paths that join.
    one(
        {"RandomSplit": {"Branches": [{"Percentage": 50, "NextActivity": x} for x in ("b", "c")]}},
        b={"Holdout": {"Percentage": 0, "NextActivity": "d"}},
        c={"Holdout": {"Percentage": 100, "NextActivity": "d"}},
        d=WAIT,
    ),
    one(
        {"RandomSplit": {"Branches": [{"Percentage": 50, "NextActivity": x} for x in ("m", "s")]}},
        m={"CUSTOM": {"DeliveryUri": "f", "NextActivity": "s"}},
        s={"MultiCondition": {"Branches": [{"Condition": {"EventCondition": {**MET, "MessageActivity": "m"}}}]}},
    ),
    one({"CUSTOM": {"DeliveryUri": "f", "EndpointTypes": ["EMAIL"], "MessageConfig": {"Data": "x" * 5000}}}),
    {"StartCondition": {"Description": "x", "EventStartCondition": {"EventFilter": FILTER}}},
    wait(WaitFor="PT1M"),
    wait(WaitFor="P365D"),
    wait(WaitFor="P1W"),
    wait(WaitFor="P1DT1H1M1.5S"),
    wait(WaitUntil="2020-01-01T00:00:00"),
    wait(WaitUntil=after(days=1), WaitFor="no matter"),
    split({"segmentDimensions": {}}, {}, EvaluationWaitTime={"WaitFor": "PT0S"}),
    multi(4, DefaultActivity=""),
    random(1, 99),
    random(20, 20, 20, 20, 20),
    {**one({"ContactCenter": {}}), "JourneyChannelSettings": CHANNEL_SETTINGS},
    {"Schedule": {"Timezone": "utc-02:30", "EndTime": after(days=539)}},
    {"Schedule": {"StartTime": after(days=9), "EndTime": after(days=548)}},
    # Clocks in the west still show an hour before EndTime.
    {"LocalTime": True, "Schedule": {"StartTime": after(days=-1), "EndTime": after(hours=-11)}},
    {"RefreshFrequency": "PT1H"},
    {"Limits": {"DailyCap": 0, "TotalCap": 100, "EndpointReentryCap": 0, "EndpointReentryInterval": "P7D"}},
    {"Limits": {"MessagesPerSecond": 20000, "TimeframeCap": {"Cap": 100, "Days": 30}}},
    # Without SendingSchedule they are only kept.
    {"OpenHours": {"EMAIL": {"MONDAY": [{}]}}, "ClosedDays": {"SMS": [{}]}},
    open_hours(("08:00", "12:00"), ("13:00", "21:00")),
    open_hours(("20:00", "03:00"), QuietTime={"Start": "04:00", "End": "05:00"}),
    open_hours(("20:00", "03:00"), QuietTime={"Start": "03:00", "End": "20:00"}),
    closed(("2030-12-24T00:00", "2030-12-24T23:59:59"), ("2030-12-31T00:00Z", "2031-01-01T00:00+01:00")),
]


@pytest.mark.parametrize(("members", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_may_be_stored_but_not_published(club: Club, members: dict[str, Any], message: str) -> None:
    draft = club.create(**members)

    request = club.request(**members, State="ACTIVE")

    assert told(club.send("POST", "", request)) == bad(message)
    assert told(club.send("PUT", f"/{draft['Id']}", request)) == bad(message)
    assert told(club.move(draft["Id"], "ACTIVE")) == bad(message)
    assert club.send("GET", "").json == {"Item": [draft]}


@pytest.mark.parametrize("members", TAKEN, ids=range(len(TAKEN)))
def test_what_may_be_published(club: Club, members: dict[str, Any]) -> None:
    assert club.create(**members, State="ACTIVE")["State"] == "ACTIVE"


def test_end_times_are_before_nobody_can_have_entered(client: Any, raw: Raw, database_url: str) -> None:
    club = make_club(client, raw, database_url)

    answer = club.send("POST", "", club.request(State="ACTIVE", Schedule={"EndTime": after(minutes=4)}))

    assert told(answer) == bad("Invalid journey: EndTime must be after StartTime and in the future")


def test_segments_must_be_those_of_the_application(club: Club) -> None:
    other = make_club(club.client, club.raw, club.database_url)

    for segment_id in (UNKNOWN, other.segment_id, "x"):
        named = {"SegmentId": segment_id}
        for members in (
            {"StartCondition": {"SegmentStartCondition": named}},
            {"StartCondition": {"EventStartCondition": {"EventFilter": FILTER, **named}}},
            split({"SegmentCondition": named}),
            one({"MultiCondition": {"Branches": [{}, {"Condition": {"SegmentCondition": named}}]}}),
        ):
            refused = missing(f"Segment not found: {segment_id}")
            assert told(club.send("POST", "", club.request(**members, State="ACTIVE"))) == refused


def make_list(club: Club, size: int = 1) -> str:
    """An imported segment."""
    segment_id = club.create_segment(Name="list")
    for table in ("documents", "document_versions"):
        club.execute(
            f"""UPDATE {table} SET document = jsonb_build_object('ImportDefinition',
                jsonb_build_object('Size', %(size)s::integer)) WHERE id = %(id)s""",  # noqa: S608 - names of tables
            {"id": segment_id, "size": size},
        )
    return segment_id


def test_events_need_a_dynamic_segment(club: Club) -> None:
    imported = make_list(club)
    based = club.create_segment(SegmentGroups={"Groups": [{"SourceSegments": [{"Id": imported}]}]})

    refused = bad("Event-triggered journeys can only use dynamic segments")
    for segment_id in (imported, based, club.segment_id):
        start = {"EventStartCondition": {"EventFilter": FILTER, "SegmentId": segment_id}}
        answer = club.send("POST", "", club.request(StartCondition=start, State="ACTIVE"))
        assert answer.status == 201 if segment_id == club.segment_id else told(answer) == refused


def test_lists_may_have_so_many_endpoints(serve: Serve, database_url: str) -> None:
    server = serve(max_journey_import_endpoints=10)
    club = make_club(make_client(server), Raw(server), database_url)

    good, large = (
        club.send("POST", "", club.request(StartCondition=of_segment(make_list(club, size)), State="ACTIVE"))
        for size in (10, 11)
    )

    assert good.status == 201
    assert told(large) == bad("Invalid journey: The imported segment has more than 10 endpoints")
    club.client.close()


def of_segment(segment_id: str) -> dict[str, Any]:
    return {"SegmentStartCondition": {"SegmentId": segment_id}}


MESSAGES = [
    ("EMAIL", "email", "EmailTemplateRequest", {"Subject": "Hi"}),
    ("SMS", "sms", "SMSTemplateRequest", {"Body": "Hi"}),
    ("PUSH", "push", "PushNotificationTemplateRequest", {"Default": {"Body": "Hi"}}),
]
CHANNELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "EMAIL": ("email", "EmailChannelRequest", {"FromAddress": "a@example.com", "Identity": "example.com"}),
    "SMS": ("sms", "SMSChannelRequest", {}),
    "PUSH": ("adm", "ADMChannelRequest", {"ClientId": "x", "ClientSecret": "y"}),
}


def enable(club: Club, kind: str, *, is_enabled: bool) -> None:
    word, member, members = CHANNELS[kind]
    update = getattr(club.client, f"update_{word}_channel")
    update(ApplicationId=club.id, **{member: {**members, "Enabled": is_enabled}})


@pytest.mark.parametrize(("kind", "word", "member", "content"), MESSAGES)
def test_messages_need_their_template_and_their_channel(
    club: Club, kind: str, word: str, member: str, content: dict[str, Any]
) -> None:
    def publish(**template: str) -> Any:
        members = one({kind: {"TemplateName": "hello", **template}})
        return club.send("POST", "", club.request(**members, State="ACTIVE"))

    enable(club, kind, is_enabled=True)
    assert told(publish()) == missing("Template not found: hello")
    getattr(club.client, f"create_{word}_template")(TemplateName="hello", **{member: content})
    assert publish().status == publish(TemplateVersion="1").status == publish(TemplateVersion="").status == 201
    assert told(publish(TemplateVersion="2")) == missing("Template not found: hello")
    assert told(publish(TemplateName="nobody")) == missing("Template not found: nobody")

    enable(club, kind, is_enabled=False)
    disabled = bad(f"Invalid journey: The {kind} channel isn't enabled (activity a)")
    assert told(publish()) == disabled


def test_a_channel_that_was_never_set_up_is_not_enabled(club: Club) -> None:
    club.client.create_sms_template(TemplateName="hello", SMSTemplateRequest={"Body": "Hi"})

    answer = club.send("POST", "", club.request(**one({"SMS": {"TemplateName": "hello"}}), State="ACTIVE"))

    assert told(answer) == bad("Invalid journey: The SMS channel isn't enabled (activity a)")


def test_time_to_live_is_a_number(club: Club) -> None:
    enable(club, "PUSH", is_enabled=True)
    club.client.create_push_template(TemplateName="hello", PushNotificationTemplateRequest={"Default": {"Body": "Hi"}})

    good, *wrong = (
        club.send("POST", "", club.request(**one({"PUSH": {"TemplateName": "hello", **config}}), State="ACTIVE"))
        for config in ({"MessageConfig": {"TimeToLive": seconds}} for seconds in ("60", "1h", "-1", "9" * 10))
    )

    assert good.status == 201
    assert [told(each) for each in wrong] == [bad(f"Invalid TimeToLive: {each}") for each in ("1h", "-1", "9" * 10)]


def test_the_quiet_time_of_the_application_is_one(club: Club) -> None:
    members = open_hours(("20:00", "22:00"), QuietTime=None)
    club.client.update_application_settings(
        ApplicationId=club.id, WriteApplicationSettingsRequest={"QuietTime": {"Start": "21:00", "End": "23:00"}}
    )

    answer = club.send("POST", "", club.request(**members, State="ACTIVE"))
    none = club.send("POST", "", club.request(State="ACTIVE", SendingSchedule=True, QuietTime={}))

    assert told(answer) == bad("Invalid journey: OpenHours.EMAIL.MONDAY must be outside of QuietTime")
    assert told(none) == bad("Invalid journey: SendingSchedule needs a QuietTime")


def test_the_first_of_all_that_is_wrong_is_told(club: Club) -> None:
    members = {**one({"Wait": {}}), "Limits": {"DailyCap": 101}, "StartCondition": of_segment(UNKNOWN)}

    for expected in (
        missing(f"Segment not found: {UNKNOWN}"),
        bad("Invalid journey: Missing WaitTime (activity a)"),
        bad("Invalid journey: Limits.DailyCap must be between 0 and 100"),
    ):
        assert told(club.send("POST", "", club.request(**members, State="ACTIVE"))) == expected
        members |= {"StartCondition": of_segment(club.segment_id)} if expected[0] == 404 else wait(WaitFor="PT1H")


def own_club(serve: Serve, database_url: str) -> Club:
    """A club whose server may call webhooks on this machine."""
    server = serve(allowed_private_networks=("127.0.0.0/8",), account_id="111122223333")
    return make_club(make_client(server), Raw(server), database_url)


def custom(receiver: Receiver, *paths: str) -> dict[str, Any]:
    """A journey that calls webhooks one after the other."""
    names = [*"abcdefgh"[: len(paths)], ""]
    activities = {
        name: {"CUSTOM": {"DeliveryUri": f"{receiver.url}{path}", "NextActivity": then}}
        for name, then, path in zip(names, names[1:], paths, strict=False)
    }
    return {"StartActivity": "a", "Activities": activities}


def test_webhooks_are_asked_when_a_journey_is_published(serve: Serve, database_url: str, receiver: Receiver) -> None:
    club = own_club(serve, database_url)
    receiver.answer = lambda _: Answer(404, headers={HEADER: "111122223333"})
    members = custom(receiver, "/one", "/two", "/one")

    draft = club.create(**members)
    before = len(receiver.received)
    club.move(draft["Id"], "ACTIVE")
    asked = sorted((each.method, each.path) for each in receiver.received)
    club.update(draft["Id"], **members, Name="other")
    club.create(**members, State="ACTIVE")
    club.update(club.create()["Id"], **members, State="ACTIVE")

    assert before == 0, "a draft needs nobody's consent"
    assert asked == [("HEAD", "/one"), ("HEAD", "/two")]
    assert len(receiver.received) == 8
    club.client.close()


def answering(headers: dict[str, str]) -> Callable[[Received], Answer]:
    return lambda _: Answer(headers=headers)


def test_webhooks_that_do_not_expect_us_are_refused(serve: Serve, database_url: str, receiver: Receiver) -> None:
    club = own_club(serve, database_url)
    members = custom(receiver, "/hook")
    draft = club.create(**members)
    refused = bad("The webhook didn't return the expected X-Amz-Pinpoint-AccountId header")

    for headers in (dict[str, str](), {HEADER: "444455556666"}):
        receiver.answer = answering(headers)
        assert told(club.send("POST", "", club.request(**members, State="ACTIVE"))) == refused
        assert told(club.send("PUT", f"/{draft['Id']}", club.request(**members, State="ACTIVE"))) == refused
        assert told(club.move(draft["Id"], "ACTIVE")) == refused

    assert club.send("GET", "").json == {"Item": [draft]}
    club.client.close()


def test_nobody_is_asked_about_a_journey_that_is_wrong(serve: Serve, database_url: str, receiver: Receiver) -> None:
    club = own_club(serve, database_url)

    answer = club.send("POST", "", club.request(**custom(receiver, "/"), Limits={"DailyCap": 101}, State="ACTIVE"))

    assert answer.status == 400
    assert receiver.received == []
    club.client.close()


def test_a_webhook_that_a_draft_gets_meanwhile_is_asked_too(
    serve: Serve, database_url: str, receiver: Receiver
) -> None:
    club = own_club(serve, database_url)
    draft = club.create(**custom(receiver, "/one"))

    def answer(asked: Received) -> Answer:
        if asked.path == "/one":
            club.update(draft["Id"], **custom(receiver, "/one", "/two"))
        return Answer(headers={HEADER: "111122223333"})

    receiver.answer = answer

    assert club.move(draft["Id"], "ACTIVE").json["State"] == "ACTIVE"

    assert [each.path for each in receiver.received] == ["/one", "/two"]
    assert club.get(draft["Id"])["Activities"].keys() == {"a", "b"}
    club.client.close()
