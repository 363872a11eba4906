"""One connection in use: message after message, each in one write and one read where the server allows it.

With PIPELINING (RFC 2920) MAIL, RCPT and DATA leave together; and with the last bytes of a message already those of the
next one, as DATA is the only command that must come last in a group. What has left decides about what is in doubt: a
message whose final dot was written may have been taken, one of which only commands were written was certainly not.
"""

from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.smtp.answer import refused, taken
from repoint.delivery.smtp.envelope import Envelope, TooLargeError, UnsendableError, envelope, stuffed
from repoint.delivery.smtp.greeting import Extensions
from repoint.delivery.smtp.job import Job
from repoint.delivery.smtp.line import Line, LostError, TimedOutError
from repoint.delivery.smtp.reply import Reply
from repoint.delivery.smtp.server import Server

_START_MAIL = 354
_CLOSING = 421
# Larger messages are written piece by piece, so that the final dot leaves only after the rest.
_PIECE_BYTES = 256 << 10
# For the server to take note that we are gone; TLS waits for it.
_FAREWELL_S = 2
# So many fresh connections a message may lose before it was sent.
_TRIES = 2


class Work(Protocol):
    """Where sessions find messages, and whom they tell about themselves."""

    def take(self) -> Job | None:
        """Take the next message to be sent, None when there is none."""

    def put_back(self, job: Job) -> None:
        """Leave a message, of which nothing but commands was sent, to another session."""

    def rest(self, session: "Session") -> None:
        """Take note that a session has nothing to do."""

    def end(self, session: "Session", why: LostError | None) -> None:
        """Take note that a session is over: because of `why`, or because it was time."""


class Step(IntEnum):
    """What a reply is awaited for."""

    RSET = 0
    MAIL = 1
    RCPT = 2
    DATA = 3
    # Bytes of a message that is not written whole: any reply comes too early.
    PIECE = 4
    # The final dot: of a message, and of nothing, for a server that asks for a message to nobody.
    MESSAGE = 5
    NOTHING = 6


# Members of an enum are slow to look up.
_RSET, _MAIL, _RCPT, _DATA, _PIECE, _MESSAGE, _NOTHING = Step


class Session:
    """A connection to a server that was entered, its listener from now on."""

    def __init__(self, line: Line, extensions: Extensions, server: Server, work: Work) -> None:
        self._line = line
        self._extensions = extensions
        self._server = server
        self._work = work
        self._is_pipelining = "PIPELINING" in extensions
        self._awaited: deque[tuple[Step, Job]] = deque()
        # Of the message whose commands are under way.
        self._envelope = Envelope(b"", b"")
        self._must_reset = False
        self._started = 0
        # By the number of the step.
        self._then: tuple[Callable[[Job, Reply], None], ...] = (
            self._after_rset,
            self._after_mail,
            self._after_rcpt,
            self._after_data,
            self._after_piece,
            self._after_message,
            self._after_nothing,
        )
        line.listener = self

    def go_on(self) -> None:
        """Send what there is; rest when there is nothing, leave when it is time."""
        if self._started >= self._server.messages_per_connection:
            self.leave()
            self._work.end(self, None)
            return
        opening = self._open_next()
        if opening:
            self._line.write(opening)
            self._line.wait(self._server.command_timeout_s)
        else:
            self._line.wait(self._server.idle_timeout_s)
            self._work.rest(self)

    def leave(self) -> None:
        """Say goodbye, without waiting for it to be returned."""
        self._line.close(b"QUIT\r\n")

    async def stop(self) -> None:
        """End it now, whatever is under way."""
        if self._awaited:
            self._line.lose(LostError("the provider was closed"))
        else:
            self.leave()
        await self._line.wait_closed(_FAREWELL_S)

    def replied(self, reply: Reply) -> None:
        """See Listener."""
        if not self._awaited:
            # Nobody asked: a server that is about to close tells so.
            self._line.lose(LostError(f"the server said {reply.code} and closed"))
            return
        step, job = self._awaited.popleft()
        if reply.code == _CLOSING and step is not _MESSAGE:
            self._awaited.appendleft((step, job))
            self._note_closing(job, reply)
            return
        self._then[step](job, reply)

    def overdue(self) -> None:
        """See Listener."""
        if self._awaited:
            self._line.lose(TimedOutError("the server did not answer in time"))
        else:
            self.leave()
            self._work.end(self, None)

    def lost(self, why: LostError) -> None:
        """See Listener."""
        awaited, self._awaited = self._awaited, deque()
        last: Job | None = None
        for step, job in awaited:
            if job is not last:
                # Whatever stood behind the first has only had bad company.
                self._settle(step, job, why if last is None else LostError(str(why)))
            last = job
        self._work.end(self, why if awaited else None)

    def _settle(self, step: Step, job: Job, why: LostError) -> None:
        """Tell what became of a message when the connection was lost at this step."""
        if step is _MESSAGE:
            text = f"{why}; the message had been sent and may have been taken"
            job.finish(Outcome(Status.UNKNOWN_FAILURE, 500, text, is_in_doubt=True))
        elif job.refusal is not None:
            job.finish(job.refusal)
        elif isinstance(why, TimedOutError):
            job.finish(Outcome(Status.TEMPORARY_FAILURE, 504, str(why)))
        else:
            self._try_elsewhere(job, why)

    def _try_elsewhere(self, job: Job, why: LostError) -> None:
        # A connection that was used before may have come to its end meanwhile, and others with it.
        job.losses += self._is_first()
        if job.losses < _TRIES:
            self._work.put_back(job)
        else:
            job.finish(Outcome(Status.TEMPORARY_FAILURE, 500, str(why)))

    def _is_first(self) -> bool:
        """Whether the message under way is the first on this connection."""
        return self._started <= 1

    def _note_closing(self, job: Job, reply: Reply) -> None:
        # The first message of a connection is answered; a later one may have come too late for this connection only.
        if self._is_first():
            job.refusal = job.refusal or refused(reply)
        self._line.lose(LostError(f"the server is closing: {reply}"))

    def _open_next(self) -> bytes:
        """The first commands of the next message, or nothing."""
        if self._started >= self._server.messages_per_connection:
            return b""
        while (job := self._work.take()) is not None:
            try:
                found = envelope(job.id, job.sender, job.recipient, job.mime, self._extensions)
            except TooLargeError as error:
                job.finish(Outcome(Status.PERMANENT_FAILURE, 413, str(error)))
            except UnsendableError as error:
                job.finish(Outcome(Status.PERMANENT_FAILURE, 400, str(error)))
            else:
                self._started += 1
                return self._opening(job, found)
        return b""

    def _opening(self, job: Job, found: Envelope) -> bytes:
        self._envelope = found
        must_reset, self._must_reset = self._must_reset, False
        if must_reset:
            self._awaited.append((_RSET, job))
            if not self._is_pipelining:
                return b"RSET\r\n"
        self._awaited.append((_MAIL, job))
        if not self._is_pipelining:
            return found.mail
        self._awaited.append((_RCPT, job))
        self._awaited.append((_DATA, job))
        return b"".join((b"RSET\r\n", *found) if must_reset else found)

    def _say(self, step: Step, job: Job, command: bytes) -> None:
        self._awaited.append((step, job))
        self._line.write(command)
        self._line.wait(self._server.command_timeout_s)

    def _after_rset(self, job: Job, reply: Reply) -> None:
        if not reply.is_good:
            self._awaited.appendleft((_RSET, job))
            self._line.lose(LostError(f"the server refused RSET: {reply}"))
        elif not self._is_pipelining:
            self._say(_MAIL, job, self._envelope.mail)

    def _after_mail(self, job: Job, reply: Reply) -> None:
        if not reply.is_good:
            job.refusal = refused(reply)
        if not self._is_pipelining:
            self._go_on_or_refuse(job, _RCPT, self._envelope.rcpt)

    def _after_rcpt(self, job: Job, reply: Reply) -> None:
        if not reply.is_good and job.refusal is None:
            job.refusal = refused(reply)
        if not self._is_pipelining:
            self._go_on_or_refuse(job, _DATA, self._envelope.data)

    def _go_on_or_refuse(self, job: Job, step: Step, command: bytes) -> None:
        if job.refusal is None:
            self._say(step, job, command)
        else:
            self._refuse(job, job.refusal)

    def _after_data(self, job: Job, reply: Reply) -> None:
        if reply.code != _START_MAIL:
            self._refuse(job, job.refusal or refused(reply))
        elif job.refusal is None:
            self._send(job)
        else:
            # It asks for a message all the same; an empty one to nobody, as RFC 2920 section 3.1 has it.
            self._say(_NOTHING, job, b".\r\n")

    def _after_nothing(self, job: Job, _reply: Reply) -> None:
        self._refuse(job, job.refusal or Outcome(Status.UNKNOWN_FAILURE, 500, "nobody was left to send it to"))

    def _refuse(self, job: Job, outcome: Outcome) -> None:
        job.finish(outcome)
        self._must_reset = True
        self.go_on()

    def _send(self, job: Job) -> None:
        data = stuffed(job.mime)
        if len(data) <= _PIECE_BYTES:
            self._send_last(job, data)
        else:
            self._awaited.append((_PIECE, job))
            self._send_pieces(job, memoryview(data))

    def _send_pieces(self, job: Job, data: memoryview) -> None:
        if self._line.is_lost:
            return
        if len(data) <= _PIECE_BYTES:
            self._awaited.clear()
            self._send_last(job, bytes(data))
            return
        self._line.write(bytes(data[:_PIECE_BYTES]))
        self._line.wait(self._server.data_timeout_s)
        self._line.when_sent(lambda: self._send_pieces(job, data[_PIECE_BYTES:]))

    def _after_piece(self, job: Job, reply: Reply) -> None:
        # What follows would still be taken for the message.
        job.finish(refused(reply))
        self._line.lose(LostError(f"the server did not listen to the end: {reply}"))

    def _send_last(self, job: Job, data: bytes) -> None:
        self._awaited.append((_MESSAGE, job))
        self._line.write(data + self._open_next() if self._is_pipelining else data)
        self._line.wait(self._server.data_timeout_s)

    def _after_message(self, job: Job, reply: Reply) -> None:
        job.finish(taken(reply) if reply.is_good else refused(reply))
        if reply.code == _CLOSING:
            self._line.lose(LostError(f"the server is closing: {reply}"))
        elif self._awaited:
            self._line.wait(self._server.command_timeout_s)
        else:
            self.go_on()
