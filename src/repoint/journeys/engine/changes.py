"""What a step writes: where participants are from now on, what was counted, and what became of messages."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from repoint.db.parameters import as_json
from repoint.db.pool import Parameters
from repoint.db.queries import Query, load_queries
from repoint.delivery.finished import Finished
from repoint.delivery.write import ask_write_finished
from repoint.journeys.engine.lane import Lane

Q = load_queries("repoint.journeys.engine")

# Counts of a run as a whole stand under no activity.
OF_RUN = ""


class Place(msgspec.Struct, frozen=True):
    """Where a participant is from now on."""

    participant: str
    # None outside.
    activity_id: str | None
    arrived_at: datetime
    is_waiting: bool
    # As the row has it: by the journey's clock, or absolute; None outside.
    due_at: datetime | None
    is_absolute: bool
    waits_for_event: bool
    performed: Mapping[str, datetime]
    answers: Mapping[str, Sequence[Mapping[str, str]]]


@dataclass(slots=True)
class Changes:
    """What is written in the next step of a lane."""

    places: dict[str, Place] = field(default_factory=dict)
    # By run and activity.
    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    # By run.
    finished: dict[str, Finished] = field(default_factory=dict)

    def copy(self) -> "Changes":
        """The same, to be added to."""
        counts = {place: Counter(counts) for place, counts in self.counts.items()}
        finished = {run_id: each.copy() for run_id, each in self.finished.items()}
        return Changes({**self.places}, counts, finished)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be written."""
        return not (self.places or self.counts or self.finished)

    def count(self, run_id: str, activity_id: str, name: str, by: int = 1) -> None:
        """Count something."""
        self.counts.setdefault((run_id, activity_id), Counter())[name] += by

    def take_in(self, run_id: str, activity_id: str, finished: Finished) -> None:
        """Add what became of messages of an activity."""
        found = self.finished.setdefault(run_id, Finished(finished.at))
        found.at = finished.at
        found.entries += finished.entries
        found.events += finished.events
        found.sent += finished.sent
        found.bounced += finished.bounced
        found.gone += finished.gone
        if finished.counts:
            self.counts.setdefault((run_id, activity_id), Counter()).update(finished.counts)

    def ask_write(self, lane: Lane, *, suppresses: bool) -> Iterator[tuple[Query, Parameters]]:
        """The statements that write all of it."""
        if self.places:
            yield Q.go_by_index, {}
            yield Q.move_visits, lane.journey | {"visits": as_json(self.places.values())}
        if self.counts:
            counts = as_json(
                {"run_id": run_id, "activity_id": activity_id, "counts": counts}
                for (run_id, activity_id), counts in sorted(self.counts.items())
            )
            yield Q.add_counts, lane.key | {"counts": counts}
        for run_id, finished in self.finished.items():
            yield from ask_write_finished(lane.application_id, run_id, finished, suppresses=suppresses)
