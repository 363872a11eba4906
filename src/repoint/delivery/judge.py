"""Who of a group of recipients gets a message, and which one; why the others get none."""

from collections.abc import Iterable, Mapping, Sequence

from repoint.contract.shapes import ChannelType
from repoint.db.pool import Db
from repoint.delivery.compose import Composer, Unrendered, refused
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.recipient import Recipient
from repoint.delivery.suppression import Reason, suppressed, suppression_key

Seen = set[tuple[ChannelType, str]]
Judged = Message | Outcome | Unrendered

_DUPLICATE = Outcome(Status.DUPLICATE, 200, "Duplicate address")


async def judge(db: Db, composer: Composer, recipients: Sequence[Recipient], seen: Seen | None = None) -> list[Judged]:
    """The message of each, or why it gets none. One look-up for all.

    Those in `seen`, which grows, have had theirs; without it, whoever asks has seen to that.
    """
    addresses = [composer.address(recipient) for recipient in recipients]
    reasons = await suppressed(db, _asked(recipients, addresses))
    return _judged(composer, recipients, addresses, reasons, seen)


def _asked(recipients: Sequence[Recipient], addresses: Sequence[str | Outcome]) -> Iterable[tuple[ChannelType, str]]:
    for recipient, address in zip(recipients, addresses, strict=True):
        if isinstance(address, str):
            yield recipient.channel_type, suppression_key(recipient.channel_type, address)


def _judged(
    composer: Composer,
    recipients: Sequence[Recipient],
    addresses: Sequence[str | Outcome],
    reasons: Mapping[tuple[ChannelType, str], Reason],
    seen: Seen | None,
) -> list[Judged]:
    judged: list[Judged] = []
    for recipient, address in zip(recipients, addresses, strict=True):
        if isinstance(address, Outcome):
            judged.append(address)
            continue
        key = (recipient.channel_type, suppression_key(recipient.channel_type, address))
        if seen is not None and key in seen:
            judged.append(_DUPLICATE)
        elif key in reasons:
            judged.append(_suppressed(reasons[key]))
        else:
            judged.append(composer.message(recipient, address))
        if seen is not None:
            seen.add(key)
    return judged


def _suppressed(reason: Reason) -> Outcome:
    if reason == "OPT_OUT":
        return Outcome(Status.OPT_OUT, 400, "Destination phone number opted out")
    return refused(400, "Address is suppressed")
