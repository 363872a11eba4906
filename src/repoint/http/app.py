"""The API: every request in five visible steps, route → authenticate and throttle → decode → dispatch → encode.

The order of checks is protocol.md section 3.4. A bare ASGI application, since what a request costs here is the price of
every endpoint that is updated.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from structlog.contextvars import bind_contextvars

from repoint.access.audit import record_refusal
from repoint.contract.decode import Decoded, decode
from repoint.contract.encode import encode
from repoint.contract.errors import ContractError, InternalServerErrorException, PayloadTooLargeException
from repoint.contract.model import OPERATIONS
from repoint.contract.route import CONTRACT_ROUTES, Router
from repoint.db.pool import Database
from repoint.dispatch import dispatch
from repoint.http.answer import Answer, Send, preflight, refusal
from repoint.http.arguments import read_extension, read_query
from repoint.http.authenticate import Authenticator, Signed
from repoint.http.body import Body, CallerGoneError, Receive, unpack
from repoint.http.metrics import Metrics
from repoint.http.pages import Pages
from repoint.http.proxies import Proxies
from repoint.http.public import Public
from repoint.http.request import Request, Scope, read_head
from repoint.http.throttle import PINPOINT, Throttles
from repoint.operation import EXTENSIONS, Binary, Call, Extension, Output
from repoint.settings import Settings

log = structlog.get_logger()

App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Target:
    """What the API does for one operation, whether it is Amazon's or ours."""

    name: str
    status: int
    limit_bytes: int
    is_read: bool
    # None for an operation of the contract.
    extension: Extension | None


@dataclass(slots=True)
class Route:
    """Where a request leads: a target with its labels, or the error that is told to those who have signed."""

    target: Target
    labels: dict[str, str]
    error: ContractError | None = None


def create_app(settings: Settings, database: Database) -> App:
    """The API on an open database, with every operation that is registered now.

    Raises ValueError for a throttle on an operation that there is not.
    """
    return Api(settings, database)


class Api:
    """The ASGI application of one process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        extensions = tuple((name, extension.method, extension.path) for name, extension in EXTENSIONS.items())
        self._settings = settings
        self._database = database
        self._router = Router((*CONTRACT_ROUTES, *extensions))
        self._targets = _targets(settings)
        self._nowhere = Target("Unknown", 404, settings.body_limit_bytes, is_read=False, extension=None)
        self._authenticator = Authenticator(settings, database)
        defaults = PINPOINT if settings.pinpoint_throttles else {}
        self._throttles = Throttles({**defaults, **settings.throttles}, self._targets)
        self._proxies = Proxies(settings.trusted_proxies)
        self._metrics = Metrics()
        self._pages = Pages(settings, database, self._metrics)
        self._public = Public(settings, database, self._proxies, self._metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started_s = time.perf_counter()
        request = read_head(scope)
        if request.raw_path in self._pages:
            await (await self._pages.answer(request)).send(send, receive)
        elif request.raw_path in self._public:
            with suppress(CallerGoneError):
                await (await self._public.answer(request, receive)).send(send, receive)
        elif request.method == "OPTIONS":
            await preflight(self._router.methods(request.path), request.request_id).send(send, receive)
        else:
            await self._serve(request, receive, send, started_s)

    async def _serve(self, request: Request, receive: Receive, send: Send, started_s: float) -> None:
        route = self._route(request)
        bind_contextvars(request_id=request.request_id, operation=route.target.name)
        body = Body(receive, request.headers, route.target.limit_bytes)
        try:
            answer = await self._answer_or_refuse(request, route, body)
            await answer.send(send, receive)
        except CallerGoneError:
            return
        except Exception:
            log.exception("An answer broke off")
            return
        self._metrics.count(route.target.name, answer.status, time.perf_counter() - started_s)

    async def _answer_or_refuse(self, request: Request, route: Route, body: Body) -> Answer:
        try:
            return await self._answer(request, route, body)
        except ContractError as error:
            log.info("Refused a call", status=error.status, error=type(error).__name__)
            return refusal(error, request.request_id)
        except CallerGoneError:
            raise
        except Exception:
            log.exception("A call failed")
            return refusal(InternalServerErrorException(), request.request_id)

    async def _answer(self, request: Request, route: Route, body: Body) -> Answer:
        body.check_declared()
        signed = await self._authenticator.authenticate(request, body)
        if route.error is not None:
            raise route.error
        call = self._call(request, route, signed)
        try:
            self._throttles.check(call.operation, call.region, time.monotonic())
            decoded = _decode(request, route, signed.body)
        except ContractError as error:
            record_refusal(call, route.labels, error)
            raise
        output = await dispatch(call, decoded.arguments, decoded.held)
        return self._encode(request, route, output)

    def _route(self, request: Request) -> Route:
        try:
            match = self._router.match(request.method, request.path)
        except ContractError as error:
            return Route(self._nowhere, {}, error)
        return Route(self._targets[match.name], match.labels)

    def _call(self, request: Request, route: Route, signed: Signed) -> Call:
        headers = request.headers
        return Call(
            route.target.name,
            request.request_id,
            request.received_at,
            signed.principal,
            signed.region,
            self._settings,
            self._database,
            self._proxies.client(request.peer, headers.get(b"x-forwarded-for", b"")),
            headers.get(b"user-agent", b"").decode("latin-1"),
            request.is_secure or self._proxies.is_secure(request.peer, headers.get(b"x-forwarded-proto", b"")),
        )

    def _encode(self, request: Request, route: Route, output: Output) -> Answer:
        target = route.target
        if isinstance(output, Binary):
            return Answer(target.status, output, request.request_id)
        body = encode(output)
        if target.is_read and len(body) > self._settings.body_limit_bytes:
            raise PayloadTooLargeException("The answer is too large, ask for a smaller page-size")
        return Answer(target.status, body, request.request_id)


def _targets(settings: Settings) -> dict[str, Target]:
    targets = {}
    for name, model in OPERATIONS.items():
        limit_bytes = settings.events_body_limit_bytes if name == "PutEvents" else settings.body_limit_bytes
        targets[name] = Target(name, model.status, limit_bytes, model.method == "GET", None)
    for name, extension in EXTENSIONS.items():
        limit_bytes = settings.events_body_limit_bytes if extension.raw_body else settings.body_limit_bytes
        targets[name] = Target(name, extension.status, limit_bytes, extension.method == "GET", extension)
    return targets


def _decode(request: Request, route: Route, received: bytes) -> Decoded:
    target = route.target
    query = read_query(request.raw_query)
    # A body that is not read may be packed as it likes.
    has_body = request.method not in ("GET", "DELETE")
    packed = request.headers.get(b"content-encoding") if has_body else None
    body = received if packed is None else unpack(received, packed, target.limit_bytes)
    if target.extension is None:
        return decode(target.name, route.labels, query, body)
    return Decoded(read_extension(target.extension, route.labels, query, body), None)
