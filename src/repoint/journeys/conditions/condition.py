"""A SimpleCondition, read once and asked often (journeys.md section 9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repoint.events.filter import Attributes, EventFilter, Metrics, read_event_dimensions
from repoint.segments.conditions import Condition, IsMember, read_dimensions

Members = Mapping[str, Any]

# What apps say of notifications they may say in the words of campaigns.
_SAME = {
    f"_campaign.{what}": f"_journey.{what}"
    for what in ("opened_notification", "received_foreground", "received_background")
}
_SEND = "_journey.send"
_STATUS = "journey_send_status"


@dataclass(frozen=True, slots=True, eq=False)
class EventCondition:
    """That something was told of a message of the journey since the participant entered."""

    # The message activity; None for any.
    activity_id: str | None
    # Whose types are not looked at where a custom channel has answered; None for a condition that is never fulfilled.
    _filter: EventFilter | None
    # What is asked of the answers of custom channels; None where nothing is.
    _of_answers: EventFilter | None
    # Whether the condition itself says which statuses of `_journey.send` it means.
    _minds_status: bool

    @property
    def event_types(self) -> frozenset[str] | None:
        """The only types of events that can fulfil it; None for any."""
        if self._filter is None:
            return frozenset()
        named = self._filter.event_types
        return named if named is None else named | {other for other, same in _SAME.items() if same in named}

    @property
    def activity_ids(self) -> frozenset[str] | None:
        """The only activities whose events can fulfil it; None for any."""
        return None if self.activity_id is None else frozenset({self.activity_id})

    def may_take(self, event_type: str, activity_id: str) -> bool:
        """Whether an event of this type about this activity can fulfil it."""
        types = self.event_types
        return self.is_about(activity_id) and (types is None or event_type in types)

    def is_about(self, activity_id: str) -> bool:
        """Whether events of this activity count."""
        return self.activity_id in {None, activity_id}

    def takes(self, event_type: str, attributes: Attributes, metrics: Metrics) -> bool:
        """Whether an event of such an activity fulfils it."""
        if self._filter is None:
            return False
        # Having been sent means that the channel has taken it.
        if event_type == _SEND and not self._minds_status and attributes.get(_STATUS) != "SUCCESS":
            return False
        return self._filter.matches(_SAME.get(event_type, event_type), attributes, metrics)

    def takes_answer(self, answer: Attributes) -> bool:
        """Whether what a custom channel answered fulfils it."""
        return self._of_answers is not None and self._of_answers.matches("", answer, {})


@dataclass(frozen=True, slots=True, eq=False)
class SimpleCondition:
    """All of its parts must hold; without any it never does."""

    # On the endpoints as they are: being member of a segment, matching dimensions.
    on_endpoints: Sequence[Condition]
    on_event: EventCondition | None


def read_simple_condition(given: Members) -> SimpleCondition:
    """A checked SimpleCondition."""
    on_endpoints: list[Condition] = []
    if (segment := given.get("SegmentCondition")) is not None:
        on_endpoints.append(IsMember(segment["SegmentId"]))
    if (dimensions := given.get("segmentDimensions")) is not None:
        on_endpoints.append(read_dimensions(dimensions))
    event = given.get("EventCondition")
    return SimpleCondition(on_endpoints, None if event is None else read_event_condition(event))


def read_event_condition(given: Members) -> EventCondition:
    """A checked EventCondition."""
    dimensions: Members = given.get("Dimensions", {})
    attributes: Members = dimensions.get("Attributes", {})
    activity_id = given.get("MessageActivity") or None
    if not any(dimensions.get(member) for member in ("EventType", "Attributes", "Metrics")):
        return EventCondition(activity_id, None, None, _minds_status=False)
    asked = {member: each for member, each in dimensions.items() if member != "EventType"}
    return EventCondition(
        activity_id,
        read_event_dimensions(_in_one_word(dimensions), starts=False),
        read_event_dimensions(asked, starts=False) if attributes else None,
        _minds_status=_STATUS in attributes,
    )


def _in_one_word(dimensions: Members) -> Members:
    """With types that mean the same told in the same word."""
    event_type = dimensions.get("EventType")
    if event_type is None:
        return dimensions
    values = [_SAME.get(value, value) for value in event_type["Values"]]
    return {**dimensions, "EventType": {**event_type, "Values": values}}
