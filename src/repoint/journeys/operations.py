"""The operations on journeys (journeys.md)."""

from repoint.contract.shapes import JourneyResponse, JourneyRunsResponse, JourneysResponse
from repoint.journeys.answer import answer
from repoint.journeys.change import change_state, create, update
from repoint.journeys.delete import delete
from repoint.journeys.journey import JOURNEYS
from repoint.journeys.publish import Asked, attempt
from repoint.journeys.runs import list_runs
from repoint.journeys.standing import read_states
from repoint.operation import Call, Input, operation
from repoint.resources.documents import Document
from repoint.resources.pages import Page, read_page


@operation(in_steps=True)
async def create_journey(call: Call, arguments: Input) -> JourneyResponse:
    """Create a draft, or a journey that is published at once."""

    async def change(asked: Asked) -> JourneyResponse:
        return await create(call, arguments["ApplicationId"], arguments["WriteJourneyRequest"], asked)

    return await attempt(call, change)


async def _find(call: Call, arguments: Input) -> Document:
    return await JOURNEYS.get(call.db, arguments["JourneyId"], arguments["ApplicationId"])


async def _target(call: Call, arguments: Input) -> None:
    await _find(call, arguments)


async def _lock(call: Call, arguments: Input) -> Document:
    return await JOURNEYS.lock(call.db, arguments["JourneyId"], arguments["ApplicationId"])


@operation(in_steps=True, target=_target)
async def update_journey(call: Call, arguments: Input) -> JourneyResponse:
    """Replace a journey wholly: members that the request does not have are gone. A draft can be published by it."""

    async def change(asked: Asked) -> JourneyResponse:
        return await update(call, await _lock(call, arguments), arguments["WriteJourneyRequest"], asked)

    return await attempt(call, change)


@operation(in_steps=True, target=_target)
async def update_journey_state(call: Call, arguments: Input) -> JourneyResponse:
    """Publish, pause, resume or cancel a journey."""

    async def change(asked: Asked) -> JourneyResponse:
        return await change_state(call, await _lock(call, arguments), arguments["JourneyStateRequest"], asked)

    return await attempt(call, change)


@operation()
async def delete_journey(call: Call, arguments: Input) -> JourneyResponse:
    """Delete a journey with all that is known of it; whoever is inside gets nothing more."""
    return await delete(call, arguments["ApplicationId"], arguments["JourneyId"])


@operation()
async def get_journey(call: Call, arguments: Input) -> JourneyResponse:
    """A journey as it is now."""
    journey = await _find(call, arguments)
    states = await read_states(call.db, journey.application_id, [journey.id])
    return answer(journey, states[journey.id])


@operation()
async def list_journeys(call: Call, arguments: Input) -> JourneysResponse:
    """The application's journeys, newest first."""
    application_id = arguments["ApplicationId"]
    journeys, token = await JOURNEYS.newest(call.db, _page(call, arguments, application_id), application_id)
    states = await read_states(call.db, application_id, [journey.id for journey in journeys])
    shown: JourneysResponse = {"Item": [answer(journey, states[journey.id]) for journey in journeys]}
    return shown | {"NextToken": token} if token else shown


@operation()
async def get_journey_runs(call: Call, arguments: Input) -> JourneyRunsResponse:
    """The runs of a journey, newest first; none of one that was never published."""
    page = _page(call, arguments, f"{arguments['ApplicationId']}/{arguments['JourneyId']}")
    return await list_runs(call.db, await _find(call, arguments), page)


def _page(call: Call, arguments: Input, scope: str) -> Page:
    return read_page(call.operation, scope, arguments.get("PageSize"), arguments.get("Token"))
