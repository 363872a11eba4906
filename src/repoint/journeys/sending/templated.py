"""Activities whose messages are made from a template: EMAIL, SMS and PUSH (journeys.md section 8)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from repoint.channels.stored import load_channels
from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db
from repoint.delivery.caps import Caps, limited_scopes
from repoint.delivery.compose import Composer, refused
from repoint.delivery.judge import judge
from repoint.delivery.outcome import Outcome
from repoint.delivery.recipient import Recipient, Source, Template
from repoint.delivery.recommending import load_recommenders
from repoint.delivery.suppression import suppression_key
from repoint.delivery.tracking import tracking_of
from repoint.journeys.activities.kind import Group, Members
from repoint.journeys.activities.messenger import Attempt
from repoint.journeys.channel_types import CHANNEL_TYPES
from repoint.journeys.sending.addressed import Addressed, Addressing
from repoint.journeys.sending.dispatch import GroupDispatch
from repoint.journeys.sending.limits import caps_of
from repoint.journeys.sending.recommend import recommend
from repoint.journeys.sending.told import METRICS, step_of, teller_of
from repoint.messages.templates import load_templates
from repoint.resources.documents import Document

Name = Literal["EMAIL", "SMS", "PUSH"]
# What stands in MessageConfig, as members of a DirectMessageConfiguration.
Configures = Callable[[Members], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What is needed to make messages."""

    source: Source
    caps: Caps
    recommenders: Mapping[str, Document | None]
    # Why there are none; the template is gone.
    missing: Outcome | None


def configured(member: str) -> Configures:
    """MessageConfig as it is, for messages that have its members under the same names."""
    return lambda config: {member: config} if config else {}


class Templated:
    """A kind of activity with a template."""

    activity_type = "MESSAGE"

    def __init__(self, name: Name, member: str, configures: Configures) -> None:
        self.name: str = name
        self._name: Name = name
        # Of a TemplateConfiguration.
        self._member = member
        self._configures = configures

    def metrics(self, _activity: Members) -> Sequence[str]:
        """See Kind."""
        return METRICS

    async def dispatch(self, group: Group, message_ids: Mapping[str, str]) -> GroupDispatch:
        """See Messenger."""
        addressing = Addressing(group, CHANNEL_TYPES[self.name], message_ids)
        async with group.context.database.connection() as db:
            loaded = await self._load(db, group)
            await addressing.load(db)
        settings = group.context.settings
        composer = Composer(loaded.source, group.now, missing_is_empty=settings.missing_variables_empty)
        wanted, others = addressing.split(lambda recipient: _place(composer, recipient))
        made = await self._make(group, loaded, composer, wanted)
        return GroupDispatch(group, [*made, *others], loaded.caps, teller_of(group, self._name, loaded.source))

    async def _load(self, db: Db, group: Group) -> _Loaded:
        settings, application_id = group.context.settings, group.journey.application_id
        message = self._configures(group.activity.get("MessageConfig") or {})
        templates, missing = await self._templates(db, group.activity)
        source = Source(
            application_id,
            message,
            templates,
            await load_channels(db, settings, application_id),
            origin=step_of(group).attributes(),
            tracking=tracking_of(settings, application_id),
        )
        caps = caps_of(group.journey, await limited_scopes(db, application_id))
        return _Loaded(source, caps, await load_recommenders(db, message, templates), missing)

    async def _templates(self, db: Db, activity: Members) -> tuple[Mapping[str, Template], Outcome | None]:
        """The template by its kind, in the version that is named or else active now; or why there is none."""
        named = {"Name": activity.get("TemplateName", ""), "Version": activity.get("TemplateVersion") or None}
        given = {member: value for member, value in named.items() if value is not None}
        try:
            return await load_templates(db, {self._member: given}), None
        except NotFoundException as error:
            return {}, refused(404, str(error))

    async def _make(
        self, group: Group, loaded: _Loaded, composer: Composer, wanted: Sequence[Addressed]
    ) -> list[Attempt]:
        if loaded.missing is not None:
            return [Attempt(each.visit, each.endpoint_key, each.recipient, loaded.missing) for each in wanted]
        ready, without = await recommend(group, loaded.source.message, loaded.recommenders, wanted)
        async with group.context.database.connection() as db:
            judged = await judge(db, composer, [each.recipient for each in ready])
        made = [
            Attempt(each.visit, each.endpoint_key, each.recipient, one) for each, one in zip(ready, judged, strict=True)
        ]
        return made + without


def _place(composer: Composer, recipient: Recipient) -> str | None:
    """The address that a message would go to, as suppressions have it; None for what is none."""
    address = composer.address(recipient)
    return suppression_key(recipient.channel_type, address) if isinstance(address, str) else None
