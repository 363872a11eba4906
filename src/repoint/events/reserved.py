"""The events that only the service itself may report: a browser must not be able to forge a delivery (events.md 2)."""

_EMAIL = "send delivered rejected hardbounce softbounce complaint open click unsubscribe rendering_failure"
_SMS = "BUFFERED SUCCESS FAILURE OPTOUT RECEIVED SEND"
RESERVED = frozenset(
    {
        "_campaign.send",
        "_journey.send",
        "_test.event_stream",
        *(f"_email.{kind}" for kind in _EMAIL.split()),
        *(f"_SMS.{kind}" for kind in _SMS.split()),
    }
)
