"""What becomes of journeys that are deleted, alone or with their application."""

from repoint.contract.shapes import JourneyResponse, State
from repoint.db.pool import Db
from repoint.delivery.caps import clear_caps
from repoint.journeys.answer import answer
from repoint.journeys.change import cancel
from repoint.journeys.journey import JOURNEYS
from repoint.journeys.standing import Q, Standing, lock_standing
from repoint.operation import Call
from repoint.queue import enqueue
from repoint.resources.clearing import clears
from repoint.resources.documents import on_delete


async def delete(call: Call, application_id: str, journey_id: str) -> JourneyResponse:
    """Delete a journey, which is cancelled first. Raises NotFoundException when there is none."""
    journey = await JOURNEYS.delete(call, journey_id, application_id)
    standing = await lock_standing(call.db, journey)
    if standing is None:
        return answer(journey, "DRAFT")
    await cancel(call, journey, is_deleted=True)
    await enqueue(call.db, clear_caps, application_id=application_id, scope_id=journey_id)
    return answer(journey, _last_state(standing))


def _last_state(standing: Standing) -> State:
    return "COMPLETED" if standing.state == "COMPLETED" else "CANCELLED"


@on_delete("app")
async def stop_journeys(db: Db, _call: Call, application_id: str) -> None:
    """Nobody enters any more and nothing is sent; the rows go in the background."""
    await db.execute(Q.delete_states, {"application_id": application_id})


for _statement in (
    Q.clear_arrivals,
    Q.clear_wakes,
    Q.clear_sweeps,
    Q.clear_lanes,
    Q.clear_visits,
    Q.clear_runs,
    Q.clear_counts,
    Q.clear_states,
):
    clears(_statement)
