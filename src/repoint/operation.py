"""What an operation is: one function, bound to the contract by its name, and the call it serves.

`@operation` binds `create_app` to CreateApp of the contract; `@extension` adds one of ours under `/repoint/v1/…`.
Modules named `operations` are imported by `discover`, so the registry is whole before the first call.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from repoint.contract.errors import BadRequestException
from repoint.contract.model import OPERATIONS
from repoint.db.pool import Database, Db
from repoint.settings import Settings

Input = dict[str, Any]
Output = Any
F = TypeVar("F", bound=Callable[..., Awaitable[Output]])

# How a successful call is recorded: in the transaction of its change, in a group within a second, or not at all.
Audit = Literal["transaction", "group", "none"]


class Rights(Protocol):
    """What a principal may do; `access` reads it from the policy of a key."""

    async def check(self, call: "Call", arguments: Input) -> None:
        """Raise AccessDeniedException when the call may not be made."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: an access key, or "public" for a signed link and "local" for a command on the database itself."""

    access_key_id: str
    name: str
    arn: str
    # None for one that may do everything.
    rights: Rights | None = field(default=None, repr=False, compare=False)


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
    # Whether it came over TLS, be it ended here or by a trusted proxy.
    is_secure: bool = False
    _db: Db | None = field(default=None, repr=False)
    # Set by dispatch for a call whose record commits with its change, gone when the record is written.
    _record: Callable[[Db, Output], Awaitable[None]] | None = field(default=None, repr=False)

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

    def record_by(self, write: Callable[[Db, Output], Awaitable[None]]) -> None:
        """Have the call's answer recorded by `write`, once; for dispatch."""
        self._record = write

    @property
    def is_unrecorded(self) -> bool:
        """Whether a record is to be written that has not been yet."""
        return self._record is not None

    async def record(self, output: Output) -> None:
        """Write the audit record of this answer into the open step, so that it commits with the change.

        For operations in steps that change something: said at the end of the step that commits it. What is not said is
        recorded when the operation has returned. Others have it done for them.
        """
        if self._record is not None:
            await self._record(self.db, output)
            self._record = None

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
    audit: Audit
    # Operations of the contract whose rights it needs, too.
    does: tuple[str, ...] = ()


REGISTRY: dict[str, Bound] = {}
EXTENSIONS: dict[str, Extension] = {}
# Of those without a route.
INTERNAL: set[str] = set()

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
    resource: str | None = None,
    action: str | None = None,
    does: tuple[str, ...] = (),
    audit: Audit | None = None,
    status: int = 200,
    in_steps: bool = False,
    one_statement: bool = False,
    checks_project: bool = False,
    raw_body: bool = False,
) -> Callable[[F], F]:
    """Bind a function to a route of ours; its name in Pascal case is the operation (`count_segment` → CountSegment).

    Input: the path's labels, the query's parameters (strings) and the members of a JSON body (null as None), in one
    dict; labels go before parameters, these before members. With `raw_body` the body's bytes as `Body`. A path with
    `{ApplicationId}` has its project checked as every operation has.

    Policies see `action` (by default `repoint:<Name>`) on `resource`, the ARN's suffix with labels in braces (by
    default the path behind `/repoint/v1/`). An operation that does or shows what operations of the contract do names
    these in `does`: who may not call them may not call it. `audit` says how a successful call is recorded: by default
    reads (GET) in groups, all else in the transaction of its change. The rest is as for `operation`.
    """

    def bind(function: F) -> F:
        name = "".join(part.capitalize() for part in function.__name__.split("_"))
        _register(Bound(name, function, one_statement, in_steps, checks_project, None))
        EXTENSIONS[name] = Extension(
            method,
            path,
            status,
            action or f"repoint:{name}",
            path.removeprefix("/repoint/v1/") if resource is None else resource,
            raw_body,
            audit or ("group" if method == "GET" else "transaction"),
            does,
        )
        return function

    return bind


def internal() -> Callable[[F], F]:
    """Bind a function to an operation of ours that has no route: what signed links and callbacks do.

    Whoever dispatches it has checked the signature that admits to it. It is named as an extension is, runs in one
    transaction, and is not recorded.
    """

    def bind(function: F) -> F:
        name = "".join(part.capitalize() for part in function.__name__.split("_"))
        _register(Bound(name, function, one_statement=False, in_steps=False, checks_project=True, target=None))
        INTERNAL.add(name)
        return function

    return bind


def _register(bound: Bound) -> None:
    if bound.name in REGISTRY:
        msg = f"{bound.name} is bound twice"
        raise ValueError(msg)
    REGISTRY[bound.name] = bound


def whole_number(arguments: Input, name: str, allowed: range, *, default: int | None = None) -> int:
    """A whole number of an operation of ours, from the query, the path or the body; without default it must be there.

    Raises BadRequestException, naming what is allowed.
    """
    value = arguments.get(name, default)
    if value is None:
        raise BadRequestException(f"Missing {name}")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:  # noqa: PLR2004 - 64 bits
        value = int(value)
    if type(value) is not int or value not in allowed:
        raise BadRequestException(f"Invalid {name}: must be between {allowed.start} and {allowed.stop - 1}")
    return value
