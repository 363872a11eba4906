"""Custom channels of journeys: users' code takes the place of a provider (journeys.md section 8)."""

from collections.abc import Iterator, Mapping, Sequence

from repoint.delivery.caps import limited_scopes
from repoint.delivery.message import Custom, Message
from repoint.delivery.recipient import Source
from repoint.journeys.activities.kind import Group, Members, performs
from repoint.journeys.activities.messenger import Attempt
from repoint.journeys.sending.addressed import Addressed, Addressing
from repoint.journeys.sending.dispatch import GroupDispatch
from repoint.journeys.sending.limits import caps_of
from repoint.journeys.sending.payload import custom_definition, custom_envelope
from repoint.journeys.sending.told import CUSTOM_METRICS, step_of, teller_of


class CustomActivity:
    """Hands participants to a function or webhook, which may answer something about each for later splits."""

    name = "CUSTOM"
    activity_type = "MESSAGE"

    def metrics(self, _activity: Members) -> Sequence[str]:
        """See Kind."""
        return CUSTOM_METRICS

    async def dispatch(self, group: Group, message_ids: Mapping[str, str]) -> GroupDispatch:
        """See Messenger."""
        application_id = group.journey.application_id
        addressing = Addressing(group, group.activity.get("EndpointTypes") or ("CUSTOM",), message_ids)
        async with group.context.database.connection() as db:
            caps = caps_of(group.journey, await limited_scopes(db, application_id))
            await addressing.load(db)
        wanted, others = addressing.split(lambda recipient: recipient.address or None)
        source = Source(application_id, {}, {}, {}, origin=step_of(group).attributes())
        return GroupDispatch(group, [*_make(group, wanted), *others], caps, teller_of(group, "CUSTOM", source))


def _make(group: Group, wanted: Sequence[Addressed]) -> Iterator[Attempt]:
    """Messages that travel together as far as one call has room for them."""
    application_id, activity, settings = group.journey.application_id, group.activity, group.context.settings
    data = (activity.get("MessageConfig") or {}).get("Data", "")
    envelope = custom_envelope(application_id, step_of(group), group.now, data)
    place = f"apps/{application_id}/journeys/{group.journey.id}"
    arn = f"arn:aws:mobiletargeting:{settings.regions[0]}:{settings.account_id}:{place}"
    for each in wanted:
        recipient = each.recipient
        definition = custom_definition(recipient.data)
        content = Custom(recipient.client_id, definition, envelope, activity["DeliveryUri"], arn)
        message = Message(recipient.message_id, application_id, "CUSTOM", recipient.address, content)
        yield Attempt(each.visit, each.endpoint_key, recipient, message)


performs(CustomActivity())
