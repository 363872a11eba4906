"""What is wrong with a journey that is to be published, in the words of journeys.md, Errors."""

from collections.abc import Callable, Iterator

from repoint.contract.errors import BadRequestException, ContractError

Faults = Iterator[ContractError]

_MAX_SHOWN_CHARACTERS = 200


def shown(text: str) -> str:
    """A text of the caller's, or a reason with such a text in it, cut where it is long."""
    return text[:_MAX_SHOWN_CHARACTERS]


def invalid(reason: str, activity_id: str | None = None) -> BadRequestException:
    """A rule of section 14 that does not hold, for an activity or for the whole."""
    where = "" if activity_id is None else f" (activity {activity_id})"
    return BadRequestException(f"Invalid journey: {shown(reason)}{where}")


def unreadable(member: str, value: str) -> BadRequestException:
    """A duration, a date or a time zone that is none."""
    return BadRequestException(f"Invalid {member}: {shown(value)}")


def told_by(check: Callable[[], object], activity_id: str | None = None) -> Faults:
    """What a check of another room raises first, as a rule that does not hold."""
    try:
        check()
    except BadRequestException as error:
        yield invalid(error.message, activity_id)
