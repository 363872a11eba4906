"""Working on one batch of a run: recipients found, messages made, caps taken, sent, written down, group by group."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime
from math import ceil

from repoint.campaigns.engine.batch import Batch, Sending
from repoint.campaigns.engine.candidate import Candidate
from repoint.campaigns.engine.finished import Writer, lose
from repoint.campaigns.engine.messages import Messages
from repoint.campaigns.engine.ready import Ready, Without, in_doubt, sort_out
from repoint.campaigns.engine.recipients import Recipients
from repoint.campaigns.engine.run import BATCH_ROWS, TRIGGER_LIFE, CancelledRunError, Run
from repoint.campaigns.engine.step import Reserved, Steps
from repoint.db.pool import Db
from repoint.delivery.caps import Wish, take
from repoint.delivery.finished import LOST, Finished
from repoint.delivery.in_turn import send_in_turn
from repoint.delivery.pace import PATIENCE_S, Pace
from repoint.delivery.records import Delivered, delivered_of
from repoint.delivery.seats import MOST, Seats
from repoint.functions.payload import MOST_ENDPOINTS
from repoint.queue.lease import LostClaimError
from repoint.queue.tasks import TaskContext
from repoint.segments.members import Batch as SomeMembers
from repoint.segments.members import read_members

# Members whose documents are read at once, and whom the hook is asked about.
PART_MEMBERS = 500
# Rows that are read at once, more than a batch has when it is cut off.
_SPAN_ROWS = 2 * BATCH_ROWS
# Messages that are reserved at once, however many travel together.
_MOST_OF_GROUP = 250
# So many lines wait to be written with the next message.
_MOST_UNWRITTEN = 500
# How long the next part may take to be found before what is finished is written.
_PROMPT_S = 0.2


class LaterError(Exception):
    """The campaign's pace has no room now, or the worker stops: the batch is to be given back for so many seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"{wait_s:.1f} s")
        self.wait_s = wait_s


class Work:
    """One worker's work on one batch."""

    def __init__(  # noqa: PLR0913 - what the loop has
        self,
        context: TaskContext,
        run: Run,
        batch: Batch,
        seats: Seats,
        recipients: Recipients,
        *,
        may_repeat: bool = True,
    ) -> None:
        self._context = context
        # Not what went out before a failure that may come again and again.
        self._repeats = may_repeat
        self._run = run
        self._batch = batch
        self._seats = seats
        self._recipients = recipients
        self._messages = Messages(context, run)
        self._steps = Steps(context.database, context.settings, batch, asks_caps=bool(run.caps.scopes))
        self._writer = Writer(run)
        self._pace = Pace(context.database, run.application_id, run.campaign.id, run.campaign.limits.per_second)
        # Messages that travel together, which takes one seat.
        self._per_call = MOST_ENDPOINTS if run.custom is not None else 1
        # Decided and not yet written, and up to where that is.
        self._finished = Finished(context.now())
        self._after_key = batch.after_key
        self._triggers = batch.triggers
        # What is on its way as the database has it, and of which it is not known here either what became of it.
        self._away = batch.sending

    async def do(self) -> None:
        """Do what is left of the batch.

        Raises LostClaimError when another worker has taken it over, LaterError, and EvaluationError. Whatever is
        raised, what became of messages is written before: nobody else knows of it.
        """
        try:
            await self._settle()
            async with aclosing(self._groups()) as groups:
                async for group in groups:
                    await self._send_all(group)
        except CancelledRunError:
            # What was to be reserved is not sent, and is nobody's any more; what was sent is still to be written.
            pass
        except LostClaimError:
            raise
        except Exception:
            await self._write()
            raise
        self._finished.at = self._context.now()
        for each in self._away:
            lose(self._finished, each)
        await self._steps.end(self._finished)

    async def _parts(self) -> AsyncGenerator[list[Candidate], None]:
        """What is left of the batch, part by part; the next one is found while one is sent."""
        batch = self._batch
        if batch.triggers is not None:
            yield await self._recipients.of_triggers(batch.triggers)
            return
        # One span, unless many were added since the range was cut off.
        spans = read_members(
            self._context.database,
            self._run.audience,
            after_key=batch.after_key,
            last_key=batch.last_key,
            batch_rows=_SPAN_ROWS,
        )
        coming: deque[asyncio.Task[list[Candidate]]] = deque()
        try:
            async with aclosing(spans):
                async for members in spans:
                    for part in _parts(members, self._pace.most_ahead(PART_MEMBERS)):
                        coming.append(asyncio.create_task(self._recipients.of_members(part)))
                        if len(coming) > 1:
                            yield await self._found(coming)
            while coming:
                yield await self._found(coming)
        finally:
            await _cancel(coming)

    async def _found(self, coming: deque[asyncio.Task[list[Candidate]]]) -> list[Candidate]:
        """What comes next. While a hook thinks about it, nothing stays unwritten and no seat is kept."""
        await asyncio.wait({coming[0]}, timeout=_PROMPT_S)
        if not coming[0].done():
            await self._write()
        found = await coming[0]
        coming.popleft()
        return found

    async def _groups(self) -> AsyncGenerator[list[Candidate], None]:
        """What is left of the batch, group by group with their messages; the next ones are made while some are sent."""
        coming: deque[asyncio.Task[list[Candidate]]] = deque()
        try:
            async with aclosing(self._parts()) as parts:
                async for part in parts:
                    size = self._pace.most_at_once(min(MOST * self._per_call, _MOST_OF_GROUP))
                    for begin in range(0, len(part), size):
                        coming.append(asyncio.create_task(self._prepare(part[begin : begin + size])))
                        if len(coming) > 1:
                            yield await self._found(coming)
                    # Nobody knows how long the next part takes.
                    while coming:
                        yield await self._found(coming)
        finally:
            await _cancel(coming)

    async def _prepare(self, candidates: list[Candidate]) -> list[Candidate]:
        """Say of each that is open which message it gets, or why there is none."""
        wanted = [candidate for candidate in candidates if candidate.is_open]
        for candidate, judged in zip(wanted, await self._messages.make(wanted), strict=True):
            candidate.judged = judged
        return candidates

    async def _send_all(self, candidates: Sequence[Candidate]) -> None:
        """Send to these, as many at once as there are seats."""
        begin = 0
        while begin < len(candidates):
            most = self._pace.most_at_once(await self._take_seats())
            end = _end(candidates, begin, most)
            await self._send_group(candidates[begin:end])
            begin = end

    async def _take_seats(self) -> int:
        """How many messages may go at once; raises LaterError when the worker stops."""
        calls = await self._seats.take(self._batch.holder)
        if self._seats.are_closed:
            raise LaterError(0)
        return calls * self._per_call

    async def _leave_seats(self, *, all_but: int) -> None:
        """Keep the seats of so many messages, of one at least."""
        await self._seats.release(self._batch.holder, all_but=max(1, ceil(all_but / self._per_call)))

    async def _send_group(self, group: Sequence[Candidate]) -> None:
        wanted = [candidate for candidate in group if candidate.is_open]
        ready, without = sort_out(wanted)
        await self._wait_for_turn(len(ready))
        # Behind the waiting, so that a batch that is given back has not gone over these.
        before = self._finished, self._after_key, self._triggers
        try:
            self._finished = self._finished.copy()
            self._note(group)
            self._note_without(without, self._finished)
            self._finished.count("TOTAL", len(wanted))
            if not ready and len(self._finished.entries) < _MOST_UNWRITTEN:
                return
            going = await self._go(ready)
        except Exception:
            # They were not reserved, so the batch has not gone over them.
            self._finished, self._after_key, self._triggers = before
            raise
        await self._send(going)
        await self._pace.give_back(len(ready) - len(going))

    async def _go(self, ready: Sequence[Ready]) -> list[Ready]:
        """Write what is finished and reserve these messages; those that may go, which are on their way from now on."""
        reserved = await self._steps.take(self._finished, lambda db, written: self._reserve(db, written, ready))
        going = {(each.key, each.occurrence) for each in reserved.sending}
        self._finished, self._away = Finished(self._context.now()), reserved.sending
        await self._leave_seats(all_but=len(going))
        return [each for each in ready if (each.candidate.key, each.candidate.occurrence) in going]

    async def _write(self, *, messages: int = 1) -> None:
        """Write what is finished and reserve nothing; the batch keeps the seats of so many messages."""

        async def reserve(_db: Db, written: Finished) -> Reserved:
            written.at = self._context.now()
            return Reserved(self._after_key, self._triggers, self._away)

        if self._finished.counts:
            await self._steps.take(self._finished, reserve)
            self._finished = Finished(self._context.now())
        await self._leave_seats(all_but=messages)

    async def _send(self, going: Sequence[Ready]) -> None:
        if not going:
            return
        at, context = self._context.now(), self._context
        outcomes = await send_in_turn(context.database, context.settings, [each.message for each in going])
        finished = Finished(self._context.now())
        for each, outcome in zip(going, outcomes, strict=True):
            delivered = Delivered(each.candidate.known, outcome, at, each.message)
            self._writer.delivered(finished, delivered, each.candidate)
        self._finished, self._away = finished, self._away[len(going) :]

    def _note_without(self, without: Sequence[Without], finished: Finished) -> None:
        for candidate, judged in without:
            delivered = delivered_of(candidate.known, judged, self._context.now())
            self._writer.delivered(finished, delivered, candidate)

    def _note(self, group: Sequence[Candidate]) -> None:
        """Count them, and note those who get nothing."""
        finished = self._finished
        for candidate in group:
            finished.count("ENDPOINT_PRODUCED")
            if self._run.is_of_users:
                finished.count("ENDPOINTS_FROM_USER")
            if candidate.left_out is not None:
                self._writer.left_out(finished, candidate)
            elif candidate.held_back is not None:
                self._writer.held_back(finished, candidate, candidate.held_back, self._context.now())
        if self._triggers is not None:
            self._triggers = self._triggers[len(group) :]
        else:
            self._after_key = group[-1].key

    async def _reserve(self, db: Db, written: Finished, ready: Sequence[Ready]) -> Reserved:
        """Those of these messages that may go now, their caps taken."""
        now = written.at = self._context.now()
        loud: list[Ready] = []
        wishes: list[Wish] = []
        for each in ready:
            if self._is_over(each.candidate, now):
                self._writer.held_back(written, each.candidate, "EXPIRED", now)
                continue
            loud.append(each)
            wishes.append(Wish(each.candidate.key, is_sent=not self._is_quiet(each.candidate, now)))
        going: list[Sending] = []
        for each, wish, cap in zip(loud, wishes, await take(db, self._run.caps, wishes, now), strict=True):
            if cap is not None:
                self._writer.held_back(written, each.candidate, cap, now)
            elif not wish.is_sent:
                self._writer.held_back(written, each.candidate, "QUIET_TIME", now)
            else:
                going.append(each.sending())
        return Reserved(self._after_key, self._triggers, going)

    def _is_over(self, candidate: Candidate, now: datetime) -> bool:
        if candidate.triggered_at is not None:
            return now > candidate.triggered_at + TRIGGER_LIFE
        return self._run.ends_at is not None and now > self._run.ends_at

    def _is_quiet(self, candidate: Candidate, now: datetime) -> bool:
        return self._run.quiet_time.holds(now, candidate.known.data.get("Demographic", {}).get("Timezone"))

    async def _wait_for_turn(self, messages: int) -> None:
        """Wait until so many messages may leave; raises LaterError when that takes long."""
        wait_s = await self._pace.take(messages)
        if wait_s > PATIENCE_S:
            await self._pace.give_back(messages)
            raise LaterError(wait_s)
        if wait_s > 0:
            # What is known is written before, so that counters move.
            await self._write(messages=messages)
            await asyncio.sleep(wait_s)

    async def _settle(self) -> None:
        """Deal with messages that were on their way when the batch was taken: they are in doubt, whatever is done.

        They are sent again under the same ids, unless their channel's setting says that twice is worse than never, or
        the endpoint, the clock or the message speak against it now.
        """
        while self._away:
            most = await self._take_seats()
            some, others = self._away[:most], self._away[most:]
            written = self._finished.copy()
            ready = await self._judge_again(some, written)

            async def repeat(
                _db: Db, _written: Finished, ready: Sequence[Ready] = ready, others: list[Sending] = others
            ) -> Reserved:
                return Reserved(self._after_key, self._triggers, [*(each.sending() for each in ready), *others])

            reserved = await self._steps.take(written, repeat)
            self._finished, self._away = Finished(self._context.now()), reserved.sending
            await self._send(ready)

    async def _judge_again(self, lost: Sequence[Sending], written: Finished) -> list[Ready]:
        """Those of these messages that are sent again; what the ledger says of all of them."""
        found = await self._recipients.again(lost)
        now = self._context.now()
        for candidate in found:
            candidate.is_open = candidate.recipient is not None and self._may_repeat(candidate, now)
        await self._prepare(found)
        ready, without = sort_out([candidate for candidate in found if candidate.is_open])
        # Also who has no message now: the one that was on its way may have arrived.
        gone = {id(candidate) for candidate, _ in without}
        for candidate, each in zip(found, lost, strict=True):
            if candidate.recipient is None:
                lose(written, each)
            elif not candidate.is_open or id(candidate) in gone:
                self._writer.delivered(written, Delivered(candidate.recipient, LOST, now), candidate)
        written.entries.extend(map(in_doubt, ready))
        return ready

    def _may_repeat(self, candidate: Candidate, now: datetime) -> bool:
        channel = "CUSTOM" if self._run.custom is not None else candidate.known.channel_type
        if not self._repeats or channel in self._context.settings.at_most_once_channels:
            return False
        return candidate.is_open and not self._is_over(candidate, now) and not self._is_quiet(candidate, now)


async def _cancel(coming: Iterable[asyncio.Task[list[Candidate]]]) -> None:
    for finding in coming:
        finding.cancel()
    await asyncio.gather(*coming, return_exceptions=True)


def _parts(members: SomeMembers, most: int) -> Iterator[SomeMembers]:
    for begin in range(0, len(members.keys), most):
        keys = members.keys[begin : begin + most]
        yield SomeMembers(keys, {key: members.snapshots[key] for key in keys if key in members.snapshots})


def _end(candidates: Sequence[Candidate], begin: int, most: int) -> int:
    """Where a group ends that has so many messages at most, and whoever gets none on the way."""
    count = 0
    for number in range(begin, len(candidates)):
        count += candidates[number].is_open
        if count > most:
            return number
    return len(candidates)
