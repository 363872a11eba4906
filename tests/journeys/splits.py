"""What tests of splits have in common: a journey, participants at one of its activities, and what was told of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from repoint.contract.shapes import EndpointResponse
from repoint.db.pool import Database
from repoint.events.emit import Event, emit
from repoint.events.records import JourneyStep, Origin, Subject, service_record
from repoint.journeys.activities.conditional_split import ConditionalSplit
from repoint.journeys.activities.kind import Group, Move, Visit
from repoint.journeys.activities.multi_condition import MultiCondition
from repoint.journeys.journey import Journey, read_journey
from repoint.queue.tasks import TaskContext
from repoint.resources.documents import Document
from repoint.settings import Settings

JOURNEY, RUN, OTHER_RUN = "a" * 32, "b" * 32, "c" * 32
NOW = datetime.now(UTC)
_KINDS = {kind.name: kind for kind in (ConditionalSplit(), MultiCondition())}


def was(event_type: str, of: str | None = "mail", **dimensions: Any) -> dict[str, Any]:
    """A SimpleCondition on events of a type."""
    named = {"MessageActivity": of} if of is not None else {}
    return {"EventCondition": {**named, "Dimensions": {"EventType": {"Values": [event_type]}, **dimensions}}}


def split(*conditions: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """A ConditionalSplit."""
    condition = {"Conditions": list(conditions)} | (
        {"Operator": members.pop("operator")} if members.get("operator") else {}
    )
    return {"ConditionalSplit": {"Condition": condition, "TrueActivity": "yes", "FalseActivity": "no", **members}}


def branches(*conditions: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """A MultiCondition that leads to b1, b2 and so on."""
    found = [{"Condition": each, "NextActivity": f"b{number}"} for number, each in enumerate(conditions, 1)]
    return {"MultiCondition": {"Branches": found, "DefaultActivity": "else", **members}}


def visit(participant: str, *keys: str, **members: Any) -> Visit:
    """Somebody who has come to the activity `split`, and has got a mail a minute ago unless it is said otherwise."""
    usual = {
        "run_id": RUN,
        "entered_at": NOW - timedelta(minutes=2),
        "entries": 1,
        "activity_id": "split",
        "arrived_at": NOW,
        "is_waiting": False,
        "seed": 1,
        "performed": {"mail": NOW - timedelta(minutes=1)},
        "answers": {},
        "endpoints": {key: {"Id": key} for key in keys or (participant,)},
    }
    return Visit(participant, **{**usual, **members})


def waiting(visits: Iterable[Visit]) -> list[Visit]:
    """The same, once the time has come for which they waited."""
    return [replace(each, is_waiting=True) for each in visits]


@dataclass(frozen=True)
class Scene:
    """An application whose participants stand at a split."""

    database: Database
    settings: Settings
    id: str

    async def decide(
        self, activity: Mapping[str, Any], *visits: Visit, now: datetime = NOW, **content: Any
    ) -> dict[str, Move]:
        """What becomes of each participant."""
        [kind] = activity
        context = TaskContext(self.database, self.settings, "worker")
        group = Group(context, self.journey(activity, **content), RUN, "split", activity[kind], visits, now)
        return {move.participant: move for move in await _KINDS[kind].perform(group)}

    async def ways(self, activity: Mapping[str, Any], *visits: Visit, **more: Any) -> dict[str, str | None]:
        """Where each goes; nobody may stay."""
        moves = await self.decide(activity, *visits, **more)
        assert all(move.waits_until is None for move in moves.values())
        return {participant: move.next_id for participant, move in moves.items()}

    def journey(self, activity: Mapping[str, Any], **content: Any) -> Journey:
        """A mail and a custom message before the split, and nothing behind it."""
        usual = {
            "StartActivity": "mail",
            "StartCondition": {"SegmentStartCondition": {"SegmentId": "s"}},
            "Activities": {
                "mail": {"EMAIL": {"TemplateName": "t", "NextActivity": "call"}},
                "call": {"CUSTOM": {"DeliveryUri": "f", "NextActivity": "split"}},
                "split": activity,
            },
        }
        document = Document(JOURNEY, self.id, {**usual, **content}, {}, NOW, NOW, None)
        return read_journey(document, {})

    async def tell(self, key: str, *event_types: str, **told: Any) -> None:
        """Log events about messages of `mail` to an endpoint, with these attributes."""
        attributes = JourneyStep(JOURNEY, told.pop("run", RUN), told.pop("of", "mail")).attributes()
        origin, at = Origin("0" * 12, self.id), told.pop("at", NOW)
        metrics = told.pop("metrics", None)
        subject = Subject.of(EndpointResponse(Id=key))
        async with self.database.transaction() as db:
            await emit(
                db,
                [
                    Event(
                        self.id,
                        each,
                        at,
                        service_record(origin, subject, each, (at, at), {**attributes, **told}, metrics=metrics),
                        key,
                    )
                    for each in event_types
                ],
            )
