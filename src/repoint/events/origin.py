"""Which journey an event names in its attributes: that whose message it tells of (events.md sections 6 to 8)."""

import re

import msgspec

# Within a text its quotes would be escaped. It begins with a rare letter, so that looking for it takes no time.
_MARK = 'journey_id":"'
_ID = re.compile(r"[0-9a-f]{32}")


class Attributes(msgspec.Struct, frozen=True, gc=False):
    """Those that say where a message of a journey came from; empty where they are not told."""

    journey_id: str = ""
    journey_run_id: str = ""
    journey_activity_id: str = ""


class _Record(msgspec.Struct, frozen=True, gc=False):
    attributes: Attributes = Attributes()


_decode = msgspec.json.Decoder(_Record).decode


def journey_step(record: str) -> Attributes | None:
    """The journey that a record of the log names, with run and activity; None for none, and for none that can be.

    Most records name none, and are not read to find that.
    """
    if _MARK not in record:
        return None
    found = _decode(record).attributes
    return found if _ID.fullmatch(found.journey_id) and _ID.fullmatch(found.journey_run_id) else None


def journey_of(record: str) -> str | None:
    """The id of that journey."""
    step = journey_step(record)
    return None if step is None else step.journey_id
