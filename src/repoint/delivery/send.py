"""Sending to recipients in groups: who may be sent to, what each gets, handing over, and recording what became of it.

No transaction is open while a provider is called. What is recorded, events and messages to be heard of again, commits
together; a crash between handing over and recording leaves messages sent of which nothing was answered or logged.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import inf

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.db.pool import Database
from repoint.delivery.compose import Composer
from repoint.delivery.in_turn import send_in_turn
from repoint.delivery.judge import Judged, Seen, judge
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.recipient import Recipient
from repoint.delivery.records import Delivered, Recorder, delivered_of
from repoint.delivery.sent import note_sent
from repoint.delivery.suppression import suppress
from repoint.events.emit import emit
from repoint.settings import Settings

log = structlog.get_logger()

# A group is whole in memory, and each message in it may have some megabytes.
AT_ONCE = 100
# Waits between the tries to record what went out.
RETRIES_S = (0.2, 1.0, 3.0)
_TOO_LATE = Outcome(Status.TEMPORARY_FAILURE, 504, "not sent: those before took too long")


async def send(  # noqa: PLR0913 - what a send is
    database: Database,
    settings: Settings,
    recorder: Recorder,
    recipients: Sequence[Recipient],
    now: datetime,
    *,
    begins_within_s: float | None = None,
) -> list[Outcome]:
    """Send to recipients, a group after the other; one outcome each, in their order.

    Of several with one channel and address, in whichever group, the first one gets it. No group but the first is begun
    after `begins_within_s`: to its recipients nothing is sent. Nor does a message wait longer for its turn.
    """
    latest_s = inf if begins_within_s is None else time.monotonic() + begins_within_s
    composer = Composer(
        recorder.source, now, missing_is_empty=settings.missing_variables_empty, within_s=begins_within_s
    )
    seen: Seen = set()
    outcomes: list[Outcome] = []
    for start in range(0, len(recipients), AT_ONCE):
        if start and time.monotonic() >= latest_s:
            return outcomes + [_TOO_LATE] * (len(recipients) - start)
        group = recipients[start : start + AT_ONCE]
        outcomes += await _send_group(database, settings, recorder, composer, group, seen)
    return outcomes


async def _send_group(  # noqa: PLR0913, PLR0917 - the same for all groups, but for the recipients
    database: Database,
    settings: Settings,
    recorder: Recorder,
    composer: Composer,
    recipients: Sequence[Recipient],
    seen: Seen,
) -> list[Outcome]:
    async with database.connection() as db:
        judged = await judge(db, composer, recipients, seen)
    sent_at = datetime.now(UTC)
    messages = [each for each in judged if isinstance(each, Message)]
    outcomes = iter(await send_in_turn(database, settings, messages))
    delivered = [_delivered(*each, sent_at, outcomes) for each in zip(recipients, judged, strict=True)]
    await _record(database, settings, recorder, delivered, sent_at)
    return [each.outcome for each in delivered]


def _delivered(recipient: Recipient, judged: Judged, at: datetime, outcomes: Iterator[Outcome]) -> Delivered:
    if isinstance(judged, Message):
        return Delivered(recipient, next(outcomes), at, judged)
    return delivered_of(recipient, judged, at)


async def _record(
    database: Database, settings: Settings, recorder: Recorder, delivered: Sequence[Delivered], at: datetime
) -> None:
    """Log what became of the messages and keep them in mind.

    They are out, so a database that is away for a moment is waited for; when it stays away, the caller is told the
    truth about its messages all the same, and our log what the event log lacks.
    """
    recorded = [recorder.record(each) for each in delivered]
    events = [event for found, _ in recorded for event in found]
    sent = [found for _, found in recorded if found is not None]
    bounced = [each.message for each in delivered if each.is_hard_bounce and each.message is not None]
    if not events and not sent:
        return
    for wait_s in (*RETRIES_S, None):
        try:
            async with database.transaction() as db:
                await note_sent(db, recorder.origin.application_id, at, sent)
                if settings.suppress_bounced:
                    await suppress(db, [(each.channel_type, each.address, "BOUNCE") for each in bounced], at)
                await emit(db, events)
        except (psycopg.OperationalError, PoolTimeout):
            if wait_s is None:
                message_ids = [message.message_id for message in sent]
                log.exception("Messages went out and could not be recorded", message_ids=message_ids)
                return
            await asyncio.sleep(wait_s)
        except psycopg.Error:
            log.exception("Messages went out and were not recorded", message_ids=[each.message_id for each in sent])
            return
        else:
            return
