"""Whether a journey may be published (journeys.md section 14)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import structlog

from repoint.contract.errors import ContractError
from repoint.journeys.checks.activities import activity_faults
from repoint.journeys.checks.hours import hour_faults
from repoint.journeys.checks.start import start_faults
from repoint.journeys.checks.structure import structure_faults
from repoint.journeys.checks.timing import limit_faults, refresh_faults, schedule_faults
from repoint.journeys.journey import Members
from repoint.journeys.references import References
from repoint.settings import Settings

log = structlog.get_logger()

_MOST_LOGGED = 100


@dataclass(frozen=True, slots=True)
class Occasion:
    """When a journey is judged, and by which settings."""

    settings: Settings
    now: datetime
    # When its first participant may enter at the soonest, or could do so.
    earliest: datetime


def check_published(content: Members, references: References, occasion: Occasion) -> None:
    """Raises the first of all that is wrong with a journey of no great size; the log tells the others."""
    faults = list(islice(_faults(content, references, occasion), _MOST_LOGGED))
    if faults:
        log.info("A journey can't be published", faults=[fault.message for fault in faults])
        raise faults[0]


def _faults(content: Members, references: References, occasion: Occasion) -> Iterator[ContractError]:
    settings = occasion.settings
    hanging = list(structure_faults(content))
    yield from hanging
    yield from start_faults(content, references.segments, settings)
    # Of activities that go in circles it cannot be told which come before which.
    if not hanging:
        yield from activity_faults(content, references, settings)
    yield from schedule_faults(content, settings, occasion.now, occasion.earliest)
    yield from refresh_faults(content)
    yield from limit_faults(content.get("Limits", {}))
    yield from hour_faults(content, references.defaults)
