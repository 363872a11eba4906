"""Recommendations for those who get messages of a journey (templates.md section 9)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec.structs import replace as with_members

from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.recommending import open_recommending
from repoint.functions.opened import functions_of
from repoint.journeys.activities.kind import Group, Members
from repoint.journeys.activities.messenger import Attempt
from repoint.journeys.sending.addressed import Addressed
from repoint.journeys.sending.payload import transformer_envelope
from repoint.journeys.sending.told import step_of
from repoint.recommenders.ask import NotRecommended, Recommended
from repoint.resources.documents import Document


async def recommend(
    group: Group,
    message: Members,
    recommenders: Mapping[str, Document | None],
    wanted: Sequence[Addressed],
) -> tuple[list[Addressed], list[Attempt]]:
    """Recipients with what is recommended to them, and attempts for those who get no message for want of it.

    `recommenders` are asked whose items the messages show; within a run each is asked once about an endpoint or user.
    """
    if not recommenders:
        return [*wanted], []
    context = group.context
    envelope = transformer_envelope(group.journey.application_id, step_of(group), group.now, message)
    functions = functions_of(context.database, context.settings)
    async with open_recommending(recommenders, functions, context.settings, run_id=group.run_id) as recommending:
        answers = await recommending.ask(envelope, [each.recipient for each in wanted])
    ready: list[Addressed] = []
    without: list[Attempt] = []
    for each in wanted:
        recipient = each.recipient
        match answers.get(recipient.client_id):
            case NotRecommended(reason):
                why = Outcome(Status.TEMPORARY_FAILURE, 500, reason)
                without.append(Attempt(each.visit, each.endpoint_key, recipient, why, "FAILURE"))
            case Recommended(members):
                shown = with_members(recipient, endpoint={**recipient.data, **members})
                ready.append(replace(each, recipient=shown))
            case None:
                ready.append(each)
    return ready, without
