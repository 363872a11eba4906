"""What an activity does with those who come to it; one file a kind, found by the contract's member name.

A kind decides, and writes nothing: the engine writes what it answers, for a whole group in one transaction. It may be
asked again about the same participants when their worker has died, so it sends nothing and draws nothing but by
`Visit.draw`. Message activities do more (`messenger.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from repoint.queue.tasks import TaskContext
from repoint.segments.members import Batch as SomeMembers
from repoint.segments.sources import Version

if TYPE_CHECKING:
    from repoint.journeys.journey import Activity, Journey

Members = Mapping[str, Any]

# More than a journey has.
MOST_ACTIVITIES = 1000


@dataclass(frozen=True, slots=True)
class Visit:
    """A participant inside a journey."""

    # The key of an endpoint, or of a user, whose endpoints move together.
    participant: str
    run_id: str
    entered_at: datetime
    # How often it has entered, this time included.
    entries: int
    # Where it stands, and since when.
    activity_id: str
    arrived_at: datetime
    # It was told to wait here, and now the time has come, or an event: otherwise it has just arrived.
    is_waiting: bool
    seed: int
    # When message activities were performed since it entered, by their ids.
    performed: Mapping[str, datetime]
    # What custom channels answered about its endpoints since it entered: `{activity id: [{"status": "ok"}]}`.
    answers: Mapping[str, Sequence[Mapping[str, str]]]
    # By key: the endpoints as answers show them; one of an endpoint that is gone is empty.
    endpoints: Mapping[str, Members] = field(default_factory=dict)
    # Of one who waits for an event: when its waiting ends without one, by the clock; pauses have put that off.
    waits_until: datetime | None = None
    # The version of the imported segment that holds it without its being registered; None for all others.
    snapshot_of: Version | None = None

    def draw(self, activity_id: str) -> float:
        """What chance decides at an activity, in [0, 1): always the same until it enters again."""
        drawn = blake2b(f"{self.seed}/{activity_id}".encode(), digest_size=7).digest()
        return int.from_bytes(drawn) / (1 << 56)


@dataclass(frozen=True, slots=True)
class Group:
    """Participants who stand at one activity in one run of a journey."""

    context: TaskContext
    journey: "Journey"
    run_id: str
    activity_id: str
    # What stands under the kind's name.
    activity: Members
    visits: Sequence[Visit]
    now: datetime

    def keys(self) -> SomeMembers:
        """The keys of all endpoints of these participants, for statements on members of segments."""
        keys = sorted({key for visit in self.visits for key in visit.endpoints})
        snapshots = {visit.participant: visit.snapshot_of for visit in self.visits if visit.snapshot_of is not None}
        return SomeMembers(keys, snapshots)

    def occurrence(self, visit: Visit) -> int:
        """Under which number the ledger tells of a participant's coming here in this run."""
        return visit.entries * MOST_ACTIVITIES + self.journey.activities[self.activity_id].number


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one participant at an activity: it goes on, waits here, or leaves the journey."""

    participant: str
    # Names of the activity's metrics to be raised by one (journeys.md section 12), without ENDPOINT_ENTERED.
    counts: tuple[str, ...] = ()
    # Where it goes; None leaves the journey, unless it waits.
    next_id: str | None = None
    # Until when it stays here, by the clock; then it is asked about again, with `is_waiting`.
    waits_until: datetime | None = None
    # A pause of the journey does not put that off.
    is_absolute: bool = False
    # It is asked about before, whenever something is told of a message to it (`listening/wakes.py`).
    waits_for_event: bool = False
    # Of a message activity: it has been performed now.
    is_performed: bool = False
    # What a custom channel answered about its endpoints.
    answers: Sequence[Mapping[str, str]] = ()


class Kind(Protocol):
    """A kind of activity: a Performer, or a Messenger (messenger.py)."""

    # The contract's member: EMAIL, Wait and so on.
    name: str
    # As metrics tell it: MESSAGE, WAIT and so on.
    activity_type: str

    def metrics(self, activity: Members) -> Sequence[str]:
        """The names of what is counted here, but for ENDPOINT_ENTERED, which all have."""


@runtime_checkable
class Performer(Kind, Protocol):
    """A kind that decides by itself."""

    async def perform(self, group: Group) -> Sequence[Move]:
        """One move for each visit, in any order."""


@runtime_checkable
class AsksLog(Performer, Protocol):
    """A kind that may ask what was told of messages: those who come from one come to it when that is written."""

    def asks_log(self, activity: Members) -> bool:
        """Whether an activity does."""


_kinds: dict[str, Kind] = {}


def performs(kind: Kind) -> None:
    """Register what activities of a kind do."""
    _kinds[kind.name] = kind


def kind_of(activity: "Activity") -> Kind:
    """Of which kind an activity is; raises KeyError for one that nobody performs."""
    return kind_named(activity.kind)


def kind_named(name: str) -> Kind:
    """The kind of this name; raises KeyError for one that nobody performs."""
    return _kinds[name]
