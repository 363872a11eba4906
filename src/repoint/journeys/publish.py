"""How a journey is published (journeys.md sections 3, 4 and 14): it is judged, webhooks are asked, and the engine told.

Webhooks are asked with no transaction open, so whoever publishes does it in an attempt that may be repeated: one that
finds webhooks that were not asked changes nothing, and comes again when they were.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.shapes import JourneyResponse
from repoint.db.pool import Db
from repoint.delivery.custom_delivery import ask_webhooks, is_webhook
from repoint.journeys.checks.published import Occasion, check_published
from repoint.journeys.checks.structure import check_size
from repoint.journeys.journey import JOURNEYS, Journey, Members, read_journey
from repoint.journeys.listening.reader import listen
from repoint.journeys.references import References, activities_of, load_references, start_segments
from repoint.journeys.standing import LANES, Q, Standing, key_of
from repoint.operation import Call
from repoint.resources.documents import Document
from repoint.resources.lock import lock_quota
from repoint.segments.segment import SEGMENTS
from repoint.settings import Settings

# The webhooks that were asked.
Asked = frozenset[str]


class UnaskedError(Exception):
    """Webhooks of a journey that is right otherwise were not asked whether they expect us."""

    def __init__(self, webhooks: Asked) -> None:
        super().__init__(f"{len(webhooks)} webhooks were not asked")
        self.webhooks = webhooks


async def attempt(call: Call, change: Callable[[Asked], Awaitable[JourneyResponse]]) -> JourneyResponse:
    """Make a change in a transaction of its own, recorded with it, as often as it finds webhooks to be asked first."""
    asked: Asked = frozenset()
    while True:
        try:
            async with call.step():
                changed = await change(asked)
                await call.record(changed)
        except UnaskedError as error:
            await ask_webhooks(error.webhooks, call.settings)
            asked |= error.webhooks
        else:
            return changed


async def check(
    call: Call, application_id: str, content: Members, asked: Asked, standing: Standing | None = None
) -> References:
    """What a journey refers to that may be published, or with its `standing` go on with this content.

    Raises what journeys.md lists under Errors, and UnaskedError.
    """
    check_size(content, call.settings)
    references = await load_references(call.db, application_id, content)
    if standing is not None:
        references = replace(references, defaults=standing.defaults)
    earliest = _earliest(call) if standing is None else standing.starts_at
    check_published(content, references, Occasion(call.settings, call.now, earliest))
    unasked = _webhooks(content) - asked
    if unasked:
        raise UnaskedError(unasked)
    return references


async def publish(call: Call, document: Document, references: References) -> None:
    """Have the engine start a journey that was checked. Raises BadRequestException when there are too many."""
    journey = read_journey(document, references.defaults)
    await _hold_segments(call.db, document)
    starts_at = journey.schedule.first_entry(_earliest(call))
    parameters = {
        "now": call.now,
        "starts_at": starts_at,
        "ends_at": over_at(journey, starts_at, call.settings),
        "is_of_events": journey.is_of_events,
        "defaults": Jsonb(references.defaults),
        "lanes": LANES,
        "run_id": call.new_id(),
    }
    await call.db.execute(Q.publish, key_of(document) | parameters)
    await listen(call.db, document)
    await _check_quotas(call, journey)


def over_at(journey: Journey, starts_at: datetime, settings: Settings) -> datetime:
    """From when on nobody enters a journey whose first participants enter at `starts_at`."""
    return journey.schedule.over_at(starts_at, timedelta(days=settings.max_journey_days))


def _earliest(call: Call) -> datetime:
    return call.now + timedelta(seconds=call.settings.journey_start_delay_s)


def _webhooks(content: Members) -> Asked:
    uris = (each.get("CUSTOM", {}).get("DeliveryUri", "") for each in activities_of(content).values())
    return frozenset(uri for uri in uris if is_webhook(uri))


async def _hold_segments(db: Db, document: Document) -> None:
    """Keep the segments of the start from being deleted until the transaction ends."""
    for segment_id in start_segments(document.content):
        if not await SEGMENTS.hold(db, segment_id, document.application_id):
            raise NotFoundException(f"Segment not found: {segment_id}")


async def _check_quotas(call: Call, journey: Journey) -> None:
    """Whoever publishes one at the same time waits here, and then counts this one too."""
    await lock_quota(call.db, JOURNEYS.kind)
    [row] = await call.db.rows(Q.count_active)
    most, most_of_events = call.settings.max_active_journeys, call.settings.max_event_journeys
    if row["active"] > most:
        raise BadRequestException(f"Exceeded maximum number of active journeys: {most}")
    if journey.is_of_events and row["of_events"] > most_of_events:
        raise BadRequestException(f"Exceeded maximum number of event-triggered journeys: {most_of_events}")
