"""What an operation is: one function, bound to the contract by its name, and the call it serves.

`@operation` binds `create_app` to CreateApp of the contract; `@extension` adds one of ours under `/repoint/v1/…`.
Modules named `operations` are imported by `discover`, so the registry is whole before the first call.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from repoint.contract.model import OPERATIONS
from repoint.db.pool import Database, Db
from repoint.settings import Settings

Input = dict[str, Any]
Output = Any
F = TypeVar("F", bound=Callable[..., Awaitable[Output]])


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: an access key, or "public" for a signed link and "local" for a command on the database itself."""

    access_key_id: str
    name: str
    arn: str


@dataclass(slots=True)
class Call:
    """One call of one operation: who, when, from where, and the database. No request is held here."""

    operation: str
    request_id: str
    now: datetime
    principal: Principal
    region: str
    settings: Settings
    database: Database
    source_ip: str = ""
    user_agent: str = ""
    _db: Db | None = field(default=None, repr=False)

    @property
    def db(self) -> Db:
        """The open transaction of this call; an operation written in steps has one only inside `step()`."""
        if self._db is None:
            msg = f"{self.operation} has no open transaction; it is written in steps"
            raise RuntimeError(msg)
        return self._db

    @asynccontextmanager
    async def step(self) -> AsyncIterator[Db]:
        """One transaction of an operation that is written in steps; inside an open step it is that one."""
        if self._db is not None:
            yield self._db
            return
        async with self.database.transaction() as db:
            self._db = db
            try:
                yield db
            finally:
                self._db = None

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Db]:
        """A connection for an operation of one statement, which commits itself: there is no transaction to pay for."""
        async with self.database.connection() as db:
            self._db = db
            try:
                yield db
            finally:
                self._db = None

    def arn(self, suffix: str) -> str:
        """`arn:aws:mobiletargeting:<region>:<account>:<suffix>`, the region being that of the request's scope."""
        return f"arn:aws:mobiletargeting:{self.region}:{self.settings.account_id}:{suffix}"

    def new_id(self) -> str:
        """A fresh id of the contract's form: 32 lower-case hex digits."""
        return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Binary:
    """An answer that is no JSON: the body whole, or in pieces that are sent as they come.

    Pieces are asked for when the operation has returned, so they come from no transaction of it. `size_bytes` tells the
    caller how long they are together; None when that is not known.
    """

    content_type: str
    body: bytes | AsyncIterator[bytes]
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """An operation as the registry holds it."""

    name: str
    run: Callable[[Call, Input], Awaitable[Output]]
    # The whole operation is one statement: it gets a connection without a transaction block.
    one_statement: bool
    # A step of its own for the whole call, unless the operation opens its steps itself.
    in_steps: bool
    # The operation answers `Application not found` itself, in the statement it needs anyway.
    checks_project: bool
    # Asked before a held error is raised: raises NotFoundException when what the path names is missing.
    target: Callable[[Call, Input], Awaitable[None]] | None


@dataclass(frozen=True, slots=True)
class Extension:
    """The route of an operation that is ours and not Amazon's; labels stand in braces, as in the contract."""

    method: str
    path: str
    status: int
    action: str
    # Suffix of the resource's ARN, labels in braces.
    resource: str
    # The body is no JSON and is handed on as it came, as `arguments["Body"]`; as large as a PutEvents may be.
    raw_body: bool


REGISTRY: dict[str, Bound] = {}
EXTENSIONS: dict[str, Extension] = {}

_BY_FUNCTION = {name.replace("_", "").lower(): name for name in OPERATIONS}


def operation(
    *,
    in_steps: bool = False,
    one_statement: bool = False,
    checks_project: bool = False,
    target: Callable[[Call, Input], Awaitable[None]] | None = None,
) -> Callable[[F], F]:
    """Bind a function to the contract's operation of the same name (`get_sms_channel` → GetSmsChannel).

    The function takes the call and the decoded input (members of the contract's input shape by their names, for example
    `{"ApplicationId": …, "EndpointRequest": {…}}`) and returns the payload document, or None for an empty body. It runs
    in one transaction, `call.db`, and anew when that was the victim of a deadlock: so it changes nothing but the
    database, its input neither. With `in_steps` it opens its transactions itself; with `one_statement` it has none.
    Raises LookupError at import time when the contract has no such operation, ValueError when it is bound already.
    """

    def bind(function: F) -> F:
        name = _BY_FUNCTION.get(function.__name__.replace("_", ""))
        if name is None:
            msg = f"{function.__name__} is no operation of the contract"
            raise LookupError(msg)
        _register(Bound(name, function, one_statement, in_steps, checks_project, target))
        return function

    return bind


def extension(  # noqa: PLR0913 - all but the route are rarely given
    method: str,
    path: str,
    *,
    resource: str,
    status: int = 200,
    in_steps: bool = False,
    one_statement: bool = False,
    checks_project: bool = False,
    raw_body: bool = False,
) -> Callable[[F], F]:
    """Bind a function to a route of ours; its name in Pascal case is the operation, its action `repoint:<Name>`.

    Input: the path's labels, the query's parameters (strings) and the members of a JSON body, in one dict; labels go
    before parameters, these before members. With `raw_body` the body's bytes as `Body`. A path with `{ApplicationId}`
    has its project checked as every operation has. `resource` is the ARN's suffix, labels in braces. The rest is as
    for `operation`.
    """

    def bind(function: F) -> F:
        name = "".join(part.capitalize() for part in function.__name__.split("_"))
        _register(Bound(name, function, one_statement, in_steps, checks_project, None))
        EXTENSIONS[name] = Extension(method, path, status, f"repoint:{name}", resource, raw_body)
        return function

    return bind


def _register(bound: Bound) -> None:
    if bound.name in REGISTRY:
        msg = f"{bound.name} is bound twice"
        raise ValueError(msg)
    REGISTRY[bound.name] = bound
