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

# What people do with a message; all else that is reserved tells of sending itself.
_BY_PEOPLE = {"_email.open", "_email.click", "_email.complaint", "_email.unsubscribe", "_SMS.OPTOUT", "_SMS.RECEIVED"}
BY_SENDING = RESERVED - _BY_PEOPLE
