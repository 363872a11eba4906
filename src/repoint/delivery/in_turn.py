"""Text messages to one number go one after the other, at most one in `sms_interval_s` (channels.md section 5).

All who send share the turns, in whichever process and for whichever application. A group takes the turns of its
messages in one statement. Those whose turn has come, all but always everybody's, go at once, the others when theirs
comes, and hold up nobody else's.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.db.parameters import as_json
from repoint.db.pool import Database
from repoint.db.queries import load_queries
from repoint.delivery.message import Message, Sms
from repoint.delivery.opened import providers_of
from repoint.delivery.outcome import Outcome, Status
from repoint.queue import TaskContext, every
from repoint.queue.forget import forget_old
from repoint.settings import Settings

log = structlog.get_logger()
Q = load_queries("repoint.delivery")

# Messages whose turns come within so long a time go together.
_TOGETHER_S = 0.1
_TOO_LATE = Outcome(Status.THROTTLED, 429, "not sent: too many messages to this number wait for their turn")


async def send_in_turn(database: Database, settings: Settings, messages: Sequence[Message]) -> list[Outcome]:
    """Hand messages to their providers, each as soon as it may go; one outcome each, in their order.

    A message whose turn comes later than its `within_s` is not sent, and takes no turn.
    """
    providers = providers_of(database, settings)
    late = await _waits(database, settings.sms_interval_s, messages)
    if not late:
        return await providers.send(messages)
    outcomes = [_TOO_LATE] * len(messages)
    groups: dict[float, list[int]] = {}
    for place in range(len(messages)):
        wait_s = late.get(place, 0)
        if wait_s is not None:
            groups.setdefault(ceil(wait_s / _TOGETHER_S) * _TOGETHER_S, []).append(place)

    async def send_later(wait_s: float, places: Sequence[int]) -> None:
        if wait_s:
            await asyncio.sleep(wait_s)
        answers = await providers.send([messages[place] for place in places])
        for place, answer in zip(places, answers, strict=True):
            outcomes[place] = answer

    await asyncio.gather(*(send_later(*group) for group in groups.items()))
    return outcomes


async def _waits(database: Database, interval_s: float, messages: Sequence[Message]) -> Mapping[int, float | None]:
    """Take turns: by place, who has to wait, for how many seconds; None for who would have to wait too long."""
    texts = [place for place, message in enumerate(messages) if isinstance(message.content, Sms)]
    if not texts or not interval_s:
        return {}
    within_s = messages[texts[0]].within_s
    counts = Counter(messages[place].address for place in texts)
    if within_s is not None:
        most = 1 + int(within_s / interval_s)
        counts = Counter({number: min(count, most) for number, count in counts.items()})
    try:
        free_in_s = await _take(database, interval_s, counts, within_s)
    except (psycopg.Error, PoolTimeout) as error:
        # A message that comes too early is better than none.
        log.warning("Text messages go without taking turns", reason=str(error))
        return {}
    waits: dict[int, float | None] = {}
    for place in texts:
        number = messages[place].address
        wait_s = free_in_s.get(number)
        if wait_s is None or wait_s > 0:
            waits[place] = wait_s
        counts[number] -= 1
        if wait_s is not None and counts[number]:
            free_in_s[number] = max(0.0, wait_s) + interval_s
        else:
            free_in_s.pop(number, None)
    return waits


async def _take(
    database: Database, interval_s: float, counts: Mapping[str, int], within_s: float | None
) -> dict[str, float]:
    """Take so many turns of each number: in how many seconds the first one comes. Left out: those of more than that."""
    parameters = {
        "numbers": as_json(counts),
        "counts": as_json(counts.values()),
        "interval_s": interval_s,
        "within_s": within_s,
    }
    async with database.connection() as db:
        rows = await db.tuples(Q.take_turns, parameters)
    return {number: lead_s - counts[number] * interval_s for number, lead_s in rows}


@every(seconds=600)
async def forget_turns(context: TaskContext) -> None:
    """Delete turns that have passed."""
    await forget_old(context, Q.forget_turns, 0)
