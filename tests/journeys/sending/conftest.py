"""A stage: one message activity of a journey, whose messages are made, sent and written as the engine has it done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.finished import Finished
from repoint.delivery.in_turn import send_in_turn
from repoint.delivery.message import Message
from repoint.delivery.records import Delivered, delivered_of
from repoint.delivery.write import ask_write_finished
from repoint.discover import discover
from repoint.endpoints.key import endpoint_key
from repoint.journeys.activities.kind import Group, Visit, kind_of
from repoint.journeys.activities.messenger import Attempt, Dispatch, Held, Messenger, Refusal, Verdict
from repoint.journeys.journey import JOURNEYS, Journey, read_journey
from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.fixtures.push_services import PushServices, push_services
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.server import Raw, Serve, make_client

discover()

HANDLERS = Path(__file__).with_name("handlers.py")
RUN = "0123456789abcdef0123456789abcdef"
ENTERED = datetime(2031, 1, 9, tzinfo=UTC)
# Participants: an endpoint, or several of one user.
People = str | Sequence[str]


def at(text: str) -> datetime:
    """An instant in UTC: `2031-01-31 09:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = at("2031-01-10 12:00")


@dataclass
class Played:
    """What came of a group at an activity."""

    counts: dict[str, int] = field(default_factory=dict)
    # By endpoint, until when.
    held: dict[str, datetime] = field(default_factory=dict)
    # By participant.
    answers: dict[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass
class Stage:
    """One application, and journeys with one activity, `m1`."""

    client: Any
    raw: Raw
    database: Database
    context: TaskContext
    id: str

    def put(self, endpoint_id: str, **endpoint: Any) -> None:
        """An e-mail endpoint, unless it says otherwise."""
        usual = {"ChannelType": "EMAIL", "Address": f"{endpoint_id}@example.com"}
        self.client.update_endpoint(ApplicationId=self.id, EndpointId=endpoint_id, EndpointRequest=usual | endpoint)

    def template(self, name: str = "hello", version: str | None = None, **parts: str) -> None:
        """An e-mail template, or its next version."""
        usual = {"Subject": "Hello", "HtmlPart": "<p>Hi</p>"}
        request = {"TemplateName": name, "EmailTemplateRequest": usual | parts}
        if version is None:
            self.client.create_email_template(**request)
        else:
            self.client.update_email_template(**request, CreateNewVersion=True)

    async def journey(self, defaults: Mapping[str, Any] | None = None, **members: Any) -> Journey:
        """One with an activity `m1`: `EMAIL={"TemplateName": …}`, and members of the journey's own."""
        kinds = {kind: members.pop(kind) for kind in ("EMAIL", "SMS", "PUSH", "CUSTOM") if kind in members}
        request = {"Name": "welcome", "StartActivity": "m1", "Activities": {"m1": kinds}, **members}
        answer = self.client.create_journey(ApplicationId=self.id, WriteJourneyRequest=request)["JourneyResponse"]
        async with self.database.connection() as db:
            document = await JOURNEYS.get(db, answer["Id"], self.id)
        start = {"StartCondition": {"SegmentStartCondition": {"SegmentId": "s"}}}
        document.content.update(start)
        return read_journey(document, defaults or {})

    def group(
        self,
        journey: Journey,
        people: Sequence[People],
        moment: datetime = NOON,
        *,
        is_waiting: bool = False,
        entries: int = 1,
    ) -> Group:
        """These at the activity."""
        visits = [self._visit(each, is_waiting=is_waiting, entries=entries) for each in people]
        return Group(self.context, journey, RUN, "m1", journey.activities["m1"].content, visits, moment)

    async def play(self, group: Group, message_ids: Mapping[str, str] | None = None) -> Played:
        """Send what the activity sends to them, and write what becomes of it."""
        dispatch = await self.dispatch(group, message_ids)
        finished, played = Finished(group.now), Played()
        going = []
        for attempt, verdict in await self.decide(dispatch, group.now):
            name = attempt.recipient.client_id
            if isinstance(verdict, Held):
                played.held[name] = verdict.until
            elif isinstance(verdict, Refusal):
                dispatch.refused(finished, attempt, verdict, group.now)
            elif isinstance(attempt.judged, Message):
                going.append((attempt, attempt.judged))
            else:
                dispatch.delivered(finished, attempt, delivered_of(attempt.recipient, attempt.judged, group.now))
        messages = [message for _, message in going]
        outcomes = await send_in_turn(self.database, self.context.settings, messages)
        for (attempt, message), outcome in zip(going, outcomes, strict=True):
            delivered = Delivered(attempt.recipient, outcome, group.now, message)
            dispatch.delivered(finished, attempt, delivered)
            answer = dispatch.answer(attempt, outcome)
            if answer is not None:
                played.answers[attempt.visit.participant] = answer
        await self.write(finished)
        played.counts = finished.counts
        return played

    async def dispatch(self, group: Group, message_ids: Mapping[str, str] | None = None) -> Dispatch:
        """What the activity sends to them."""
        kind = kind_of(group.journey.activities["m1"])
        assert isinstance(kind, Messenger)
        return await kind.dispatch(group, message_ids or {})

    async def decide(self, dispatch: Dispatch, now: datetime) -> list[tuple[Attempt, Verdict]]:
        """What may go now, of all attempts; the caps of that are taken."""
        told = [(each, Refusal(each.status)) for each in dispatch.attempts if each.status is not None]
        others = [each for each in dispatch.attempts if each.status is None and not isinstance(each.judged, Message)]
        asking = [each for each in dispatch.attempts if each.status is None and isinstance(each.judged, Message)]
        async with self.database.transaction() as db:
            verdicts = await dispatch.decide(db, asking, now)
        return [*told, *((each, None) for each in others), *zip(asking, verdicts, strict=True)]

    async def write(self, finished: Finished) -> None:
        """Write what is finished."""
        async with self.database.transaction() as db:
            await db.together(*ask_write_finished(self.id, RUN, finished, suppresses=True))

    def kept(self) -> list[dict[str, Any]]:
        """Messages of the mailbox, oldest first."""
        listed = self.raw.send("GET", f"/repoint/v1/mailbox?app={self.id}&page-size=1000").json["Item"]
        return list(reversed(listed))

    def addresses(self) -> list[str]:
        """To whom messages in the mailbox went, in order."""
        return sorted(each["Address"] for each in self.kept())

    def records(self, event_type: str = "_journey.send") -> list[dict[str, Any]]:
        """What is logged of one kind, oldest first."""
        listed = self.raw.send("GET", f"/repoint/v1/apps/{self.id}/events?type={event_type}&page-size=1000").json
        return sorted((each["Record"] for each in listed["Item"]), key=lambda each: each["arrival_timestamp"])

    def statuses(self) -> list[tuple[str, str]]:
        """Endpoints and journey_send_status of all records, in order."""
        told = [(each["client"]["client_id"], each["attributes"]["journey_send_status"]) for each in self.records()]
        return sorted(told)

    async def ledger(self) -> list[dict[str, Any]]:
        """What the ledger says."""
        sql = """SELECT endpoint_key, occurrence, status, channel_type, message_id, detail, activity_id
                 FROM deliveries WHERE run_id = %(run)s ORDER BY endpoint_key, occurrence"""
        return await self.rows(sql, run=RUN)

    async def rows(self, sql: str, **parameters: object) -> list[dict[str, Any]]:
        """Rows of the database."""
        async with self.database.connection() as db:
            return await db.rows(Query("test", sql), parameters)

    def _visit(self, people: People, *, is_waiting: bool, entries: int) -> Visit:
        names = [people] if isinstance(people, str) else people
        participant = endpoint_key(people) if isinstance(people, str) else f"user-{'-'.join(names)}"
        endpoints = {endpoint_key(name): self._endpoint(name) for name in names}
        return Visit(participant, RUN, ENTERED, entries, "m1", ENTERED, is_waiting, 0, {}, {}, endpoints)

    def _endpoint(self, name: str) -> dict[str, Any]:
        """As answers show it; empty for one that is gone."""
        answer = self.raw.send("GET", f"/v1/apps/{self.id}/endpoints/{name}")
        return answer.json if answer.status == 200 else {}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[PushServices]:
    with push_services(tmp_path) as services:
        yield services


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test's settings, with its own functions, and its own network to be called."""
    functions = {name: {"file": f"{HANDLERS}:{name}", "processes": 1} for name in ("note", "fail", "titles")}
    functions["shut"] = {"file": f"{HANDLERS}:note", "processes": 1, "allow": ["arn:aws:mobiletargeting:*:*:apps/x/*"]}
    networks = (ip_network("127.0.0.0/8"),)
    return Settings(**{**settings.model_dump(), "functions": functions, "allowed_private_networks": networks})


@pytest.fixture
def stage(client: Any, raw: Raw, database: Database, settings: Settings) -> Stage:
    """An application with a channel for e-mail and one for texts."""
    return make_stage(client, raw, database, settings)


@pytest.fixture
def public(serve: Serve, database: Database, settings: Settings) -> Stage:
    """One whose links lead back to it."""
    public = Settings(**{**settings.model_dump(), "public_url": "https://shop.example.com"})
    server = serve(public_url="https://shop.example.com")
    return make_stage(make_client(server), Raw(server), database, public)


@pytest.fixture
def pushing(stage: Stage, services: PushServices) -> Stage:
    """One whose notifications go to these services."""
    settings = services.over(stage.context.settings)
    return replace(stage, context=TaskContext(stage.database, settings, "test"))


def make_stage(client: Any, raw: Raw, database: Database, settings: Settings) -> Stage:
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    email = {"FromAddress": "Shop <news@example.com>", "Identity": "example.com"}
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=email)
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"Enabled": True})
    return Stage(client, raw, database, TaskContext(database, settings, "test"), app)


@pytest.fixture
def webhook(receiver: Receiver) -> Receiver:
    """One that expects us."""
    receiver.answer = lambda _: Answer(200, headers={"X-Amz-Pinpoint-AccountId": "000000000000"})
    return receiver
