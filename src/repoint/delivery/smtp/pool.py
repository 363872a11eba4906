"""All connections to one server: opened as messages come, shared by all who send, closed when nothing is left to do."""

import asyncio
from collections import deque
from collections.abc import Iterable

import structlog

from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.smtp.greeting import NoAnswerError, NoSessionError, open_line
from repoint.delivery.smtp.job import Job
from repoint.delivery.smtp.line import LostError, TimedOutError
from repoint.delivery.smtp.server import Server
from repoint.delivery.smtp.session import Session

log = structlog.get_logger()

# A server that let some of our connections in and refused another is not asked for more meanwhile.
_CROWDED_S = 10


class Pool:
    """The sessions with a server, and the messages that wait for one."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Job] = deque()
        self._sessions: set[Session] = set()
        self._resting: list[Session] = []
        self._openings: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._crowded_until = 0.0
        # Whether the server has let us in since it last did not.
        self._was_let_in = False
        # When a session last had something to ask for after an answer.
        self._taken_at = 0.0

    def add(self, jobs: Iterable[Job]) -> None:
        """Have messages sent; each is finished some time."""
        self._waiting.extend(jobs)
        self._taken_at = self._loop.time()
        self._spread()

    async def close(self) -> None:
        """Leave the server; messages still under way get the outcome that a lost connection gives them."""
        self._is_closed = True
        for task in self._openings:
            task.cancel()
        await asyncio.gather(*self._openings, return_exceptions=True)
        await asyncio.gather(*(session.stop() for session in tuple(self._sessions)))
        self._spread()

    def take(self) -> Job | None:
        """See Work."""
        while self._waiting:
            job = self._waiting.popleft()
            if not job.is_abandoned:
                self._taken_at = self._loop.time()
                return job
        return None

    def put_back(self, job: Job) -> None:
        """See Work."""
        self._waiting.appendleft(job)

    def rest(self, session: Session) -> None:
        """See Work."""
        self._resting.append(session)

    def end(self, session: Session, why: LostError | None) -> None:
        """See Work."""
        self._sessions.discard(session)
        if session in self._resting:
            self._resting.remove(session)
        if isinstance(why, TimedOutError) and self._is_stuck():
            self._fail_waiting(Outcome(Status.TEMPORARY_FAILURE, 504, str(why)))
        self._spread()

    def _is_stuck(self) -> bool:
        """Whether no session has got on for so long that those who wait would only wait as long again."""
        return self._loop.time() - self._taken_at >= self._server.command_timeout_s

    def _spread(self) -> None:
        if self._is_closed:
            self._fail_waiting(Outcome(Status.TEMPORARY_FAILURE, 500, "the provider was closed"))
        while self._waiting and self._resting:
            self._resting.pop().go_on()
        for _ in range(self._missing()):
            task = self._loop.create_task(self._open())
            self._openings.add(task)
            task.add_done_callback(self._note_opening)

    def _missing(self) -> int:
        """How many more connections are of use."""
        under_way = len(self._openings)
        if not self._sessions:
            # One shows whether the server lets us in: a wrong password is tried once, and not by all.
            return min(len(self._waiting), 1) - under_way
        if self._loop.time() < self._crowded_until:
            return 0
        return min(len(self._waiting), self._server.connections - len(self._sessions)) - under_way

    async def _open(self) -> None:
        line, extensions = await open_line(self._server)
        session = Session(line, extensions, self._server, self)
        self._sessions.add(session)
        self._was_let_in = True
        session.go_on()

    def _note_opening(self, task: asyncio.Task[None]) -> None:
        self._openings.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._spread()
            return
        was_crowded = self._loop.time() < self._crowded_until
        self._crowded_until = self._loop.time() + _CROWDED_S
        if self._sessions or self._openings:
            if not was_crowded:
                log.warning("A connection to the mail server could not be opened", reason=str(error))
            return
        if self._was_let_in:
            # A server that we know gets a second chance.
            self._was_let_in = False
            self._spread()
            return
        if isinstance(error, NoSessionError):
            if not was_crowded:
                log.error("The mail server cannot be reached", reason=str(error))
            status_code = 504 if isinstance(error, NoAnswerError) else 500
            self._fail_waiting(Outcome(Status.TEMPORARY_FAILURE, status_code, str(error)))
        else:
            log.error("A session with the mail server could not be begun", exc_info=error)
            self._fail_waiting(Outcome(Status.UNKNOWN_FAILURE, 500, "the message could not be sent"))

    def _fail_waiting(self, outcome: Outcome) -> None:
        while (job := self.take()) is not None:
            job.finish(outcome)
