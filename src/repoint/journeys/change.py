"""How a journey comes to be, is edited, and changes its state (journeys.md section 3)."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from repoint.contract.errors import BadRequestException, ConflictException
from repoint.contract.shapes import JourneyResponse, State
from repoint.journeys.answer import answer
from repoint.journeys.checks.draft import check_draft
from repoint.journeys.journey import JOURNEYS, Members, read_journey, read_refresh
from repoint.journeys.publish import Asked, check, over_at, publish
from repoint.journeys.standing import Q, Standing, key_of, lock_standing
from repoint.operation import Call
from repoint.resources.documents import Document
from repoint.resources.lock import hold_application

_WRITABLE = ("DRAFT", "ACTIVE")
_SETTABLE = ("ACTIVE", "PAUSED", "CANCELLED")
# Of a request these say nothing that is stored.
_TOLD_BY_US = frozenset({"State", "CreationDate", "LastModifiedDate"})
# What a published journey keeps: whom it takes in, when, and what becomes of them.
_KEPT = (
    "Activities",
    "JourneyChannelSettings",
    "LocalTime",
    "RefreshFrequency",
    "RefreshOnSegmentUpdate",
    "StartActivity",
    "StartCondition",
)
_KEPT_OF_SCHEDULE = ("StartTime", "Timezone")


async def create(call: Call, application_id: str, request: Members, asked: Asked) -> JourneyResponse:
    """Store a draft, or publish at once. Raises what `check` does."""
    state = _written_state(request) or "DRAFT"
    content = _content(request)
    await hold_application(call.db, application_id)
    references = await check(call, application_id, content, asked) if state == "ACTIVE" else None
    journey = await JOURNEYS.create(call, content, document_id=call.new_id(), application_id=application_id)
    if references is not None:
        await publish(call, journey, references)
    return answer(journey, state)


async def update(call: Call, journey: Document, request: Members, asked: Asked) -> JourneyResponse:
    """Replace a locked journey wholly, and publish it if that is asked for."""
    wanted, content = _written_state(request), _content(request)
    standing = await lock_standing(call.db, journey)
    if standing is not None:
        if standing.state != "ACTIVE" or wanted == "DRAFT" or _kept(content) != _kept(journey.content):
            raise ConflictException(f"Journey can't be updated in state {standing.state}")
        return await _edit_published(call, journey, standing, content, asked)
    is_published = wanted == "ACTIVE"
    references = await check(call, journey.application_id, content, asked) if is_published else None
    changed = await JOURNEYS.replace(call, journey.id, content)
    if references is not None:
        await publish(call, changed, references)
    return answer(changed, "ACTIVE" if is_published else "DRAFT")


async def change_state(call: Call, journey: Document, request: Members, asked: Asked) -> JourneyResponse:
    """Publish, pause, resume or cancel a locked journey; nothing happens to one that stands there already."""
    wanted = request.get("State")
    if wanted is None:
        raise BadRequestException("Missing State")
    if wanted not in _SETTABLE:
        raise _unsupported(wanted)
    standing = await lock_standing(call.db, journey)
    state: State = "DRAFT" if standing is None else standing.state
    if wanted == state:
        return answer(journey, state)
    if standing is None and wanted == "ACTIVE":
        references = await check(call, journey.application_id, journey.content, asked)
        await publish(call, journey, references)
    else:
        move = _MOVES.get((state, wanted))
        if standing is None or move is None:
            raise BadRequestException(f"Journey in state {state} can't be changed to {wanted}")
        await move(call, journey, standing)
    return answer(await JOURNEYS.replace(call, journey.id, journey.content), wanted)


async def _edit_published(
    call: Call, journey: Document, standing: Standing, content: Members, asked: Asked
) -> JourneyResponse:
    await check(call, journey.application_id, content, asked, standing)
    changed = await JOURNEYS.replace(call, journey.id, content)
    ends_at = over_at(read_journey(changed, standing.defaults), standing.starts_at, call.settings)
    await call.db.execute(Q.move_end, key_of(changed) | {"ends_at": ends_at})
    return answer(changed, "ACTIVE")


async def _pause(call: Call, journey: Document, _standing: Standing) -> None:
    is_of_events = "EventStartCondition" in journey.content["StartCondition"]
    if is_of_events or read_refresh(journey.content) is None:
        raise BadRequestException("Only journeys with a segment refresh interval can be paused")
    await call.db.execute(Q.pause, key_of(journey) | {"now": call.now})


async def _resume(call: Call, journey: Document, standing: Standing) -> None:
    least_s = call.settings.journey_resume_delay_s
    if standing.paused_at is not None and call.now < standing.paused_at + timedelta(seconds=least_s):
        raise BadRequestException(f"A paused journey can be resumed after {_minutes(least_s)}")
    await call.db.execute(Q.resume, key_of(journey) | {"now": call.now})


async def _cancel(call: Call, journey: Document, _standing: Standing) -> None:
    await cancel(call, journey, is_deleted=False)


async def cancel(call: Call, journey: Document, *, is_deleted: bool) -> None:
    """Stop a journey; the engine drops those who are inside, and then, if it was deleted, all there is of it."""
    await call.db.execute(Q.cancel, key_of(journey) | {"now": call.now, "is_deleted": is_deleted})
    await call.db.execute(Q.cancel_runs, key_of(journey) | {"now": call.now})


_MOVES: Mapping[tuple[State, str], Callable[[Call, Document, Standing], Awaitable[None]]] = {
    ("ACTIVE", "PAUSED"): _pause,
    ("PAUSED", "ACTIVE"): _resume,
    ("ACTIVE", "CANCELLED"): _cancel,
    ("PAUSED", "CANCELLED"): _cancel,
    ("CLOSED", "CANCELLED"): _cancel,
}


def _written_state(request: Members) -> State | None:
    state: State | None = request.get("State")
    if state is not None and state not in _WRITABLE:
        raise _unsupported(state)
    return state


def _unsupported(state: str) -> BadRequestException:
    return BadRequestException(f"State {state} isn't supported in this request")


def _content(request: Members) -> dict[str, Any]:
    check_draft(request)
    return {member: value for member, value in request.items() if member not in _TOLD_BY_US}


def _kept(content: Members) -> list[Any]:
    """What must not change, in a form in which it compares: nothing, false and empty are the same."""
    schedule = content.get("Schedule", {})
    return [
        *(content.get(member) or None for member in _KEPT),
        *(schedule.get(member) or None for member in _KEPT_OF_SCHEDULE),
    ]


def _minutes(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:g} minutes"
