"""What a task is, how it is queued, and the registry that the worker runs from.

A task may run more than once: a worker can be killed after the work and before the note of it. So a task commits its
progress with its effect, and goes on from there; `lease.Claim` keeps a worker that was frozen from interfering.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Concatenate, Generic, ParamSpec

from psycopg.types.json import Jsonb

from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.settings import Settings

P = ParamSpec("P")

TASKS: dict[str, "Task[Any]"] = {}

# The names of the queues.
DEFAULT, ALONE = "default", "alone"

_queries = load_queries("repoint.queue")


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What a task works with. It runs outside any transaction and opens one for each of its steps."""

    database: Database
    settings: Settings
    # Names this run of the worker, also in the server's list of sessions.
    worker_id: str

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Task(Generic[P]):
    """A function that runs on a worker. Its arguments are what JSON holds: strings, numbers, booleans, lists, dicts."""

    name: str
    run: Callable[Concatenate[TaskContext, P], Awaitable[None]]
    # How often a failed run is tried again, each time after a longer wait; None where the task itself gives up.
    retries: int | None
    # The schedule of a task that runs by itself, as cron with seconds last; None for one that is enqueued.
    cron: str | None = None
    # A worker runs one such task at a time, beside others.
    is_alone: bool = False

    @property
    def queue(self) -> str:
        """Where its runs wait."""
        return ALONE if self.is_alone else DEFAULT

    def may_try_again(self, failures: int) -> bool:
        """Whether a run is repeated that has failed so often before."""
        return self.retries is None or failures < self.retries


def task(
    *, retries: int | None = 5, is_alone: bool = False
) -> Callable[[Callable[Concatenate[TaskContext, P], Awaitable[None]]], Task[P]]:
    """Make a function a task, named by its module and itself; a name that is taken raises ValueError."""

    def bind(function: Callable[Concatenate[TaskContext, P], Awaitable[None]]) -> Task[P]:
        return _register(Task(_name(function), function, retries, is_alone=is_alone))

    return bind


def every(*, seconds: int) -> Callable[[Callable[[TaskContext], Awaitable[None]]], Task[[]]]:
    """Make a function a task that runs by itself every `seconds`, on one worker, never twice at once.

    A run that fails is not repeated: the next one comes anyway. `seconds` must divide a minute, or be minutes that
    divide an hour, or hours that divide a day; everything else raises ValueError.
    """

    def bind(function: Callable[[TaskContext], Awaitable[None]]) -> Task[[]]:
        return _register(Task(_name(function), function, retries=0, cron=_cron(seconds)))

    return bind


async def enqueue(db: Db, task: Task[P], *args: P.args, **kwargs: P.kwargs) -> None:
    """Queue one run of `task` in the transaction that `db` has open: it starts when that commits, or never.

    One round trip. Arguments are given by name.
    """
    if args:
        raise TypeError(f"{task.name} is queued with arguments by name")
    await db.execute(_queries.enqueue, {"queue": task.queue, "task": task.name, "arguments": Jsonb(kwargs)})


def _register(task: Task[P]) -> Task[P]:
    if task.name in TASKS:
        raise ValueError(f"two tasks are named {task.name}")
    TASKS[task.name] = task
    return task


def _name(function: Callable[..., Awaitable[None]]) -> str:
    return f"{function.__module__.removeprefix('repoint.')}.{function.__name__}"


def _cron(seconds: int) -> str:
    for unit, (size, count) in enumerate(((1, 60), (60, 60), (3600, 24))):
        steps = seconds // size
        if seconds % size == 0 and 0 < steps < count and count % steps == 0:
            minute, hour, second = (("*", "*", f"*/{steps}"), (f"*/{steps}", "*", "0"), ("0", f"*/{steps}", "0"))[unit]
            return f"{minute} {hour} * * * {second}"
    if seconds == 86400:  # noqa: PLR2004 - a day
        return "0 0 * * * 0"
    raise ValueError(f"{seconds} s is no even part of a minute, an hour or a day")
