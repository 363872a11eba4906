"""To which endpoints a message activity sends (journeys.md section 8).

Whoever is opted out or inactive gets nothing, and nothing is told of it. Of one participant's endpoints with the same
address one gets the message. Endpoints of other channels pass through.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from repoint.db.pool import Db
from repoint.delivery.compose import refused
from repoint.delivery.ledger import find_entries
from repoint.delivery.recipient import Members, Recipient
from repoint.journeys.activities.kind import Group, Visit
from repoint.journeys.activities.messenger import Attempt
from repoint.messages.recipients import message_id

# The address of a recipient in the form in which two of them compare; None for one that is like no other.
Addresses = Callable[[Recipient], str | None]

_UNSUPPORTED = refused(400, "Unsupported channel type")


@dataclass(frozen=True, slots=True)
class Addressed:
    """An endpoint of a participant that gets a message."""

    visit: Visit
    endpoint_key: str
    recipient: Recipient


class Addressing:
    """Finds the endpoints of a group's participants that an activity is for."""

    def __init__(self, group: Group, types: Collection[str], message_ids: Mapping[str, str]) -> None:
        self._group = group
        self._types = types
        self._message_ids = message_ids
        # Keys and occurrences of which the ledger tells.
        self._told: set[tuple[str, int]] = set()

    async def load(self, db: Db) -> None:
        """Ask the ledger about those who wait here: other endpoints of theirs may have been sent to before."""
        asked = [
            (key, self._group.occurrence(visit))
            for visit in self._group.visits
            if visit.is_waiting
            for key in visit.endpoints
            if key not in self._message_ids
        ]
        if asked:
            self._told = await find_entries(db, self._group.journey.application_id, self._group.run_id, asked)

    def split(self, address: Addresses) -> tuple[list[Addressed], list[Attempt]]:
        """Those who get a message, and attempts for endpoints of other channels."""
        wanted: list[Addressed] = []
        others: list[Attempt] = []
        for visit in self._group.visits:
            reachable = list(self._reachable(visit))
            right = [each for each in reachable if each.recipient.channel_type in self._types]
            wanted += (each for each in self._once(right, address) if not self._is_told(each))
            others += (
                Attempt(visit, each.endpoint_key, each.recipient, _UNSUPPORTED, "UNSUPPORTED_CHANNEL")
                for each in reachable
                if each.recipient.channel_type not in self._types and not self._is_told(each)
            )
        return wanted, others

    def _reachable(self, visit: Visit) -> Iterator[Addressed]:
        for key, endpoint in visit.endpoints.items():
            is_silent = endpoint.get("OptOut") == "ALL" or endpoint.get("EndpointStatus") == "INACTIVE"
            if endpoint and not is_silent:
                yield Addressed(visit, key, self._recipient(key, endpoint))

    def _recipient(self, key: str, endpoint: Members) -> Recipient:
        channel_type = endpoint.get("ChannelType", "")
        known = self._message_ids.get(key) or message_id(channel_type)
        return Recipient(known, channel_type, endpoint.get("Address", ""), endpoint["Id"], endpoint)

    def _once(self, found: Sequence[Addressed], address: Addresses) -> Iterator[Addressed]:
        """Each address once: whoever has had the message before, then the endpoint that was written last."""
        if len(found) == 1:
            yield found[0]
            return
        seen = set()
        for each in sorted(found, key=self._precedence, reverse=True):
            place = each.recipient.channel_type, address(each.recipient)
            if place not in seen:
                yield each
            if place[1] is not None:
                seen.add(place)

    def _precedence(self, each: Addressed) -> tuple[bool, str, str]:
        written_at: str = each.recipient.data.get("EffectiveDate", "")
        return self._is_told(each) or each.endpoint_key in self._message_ids, written_at, each.endpoint_key

    def _is_told(self, each: Addressed) -> bool:
        return bool(self._told) and (each.endpoint_key, self._group.occurrence(each.visit)) in self._told
