"""What recipients of e-mail and mail servers ask for, without a key: pictures, links, unsubscribing, callbacks.

What is signed here are the links and callbacks themselves. A link leads on even when it could not be noted.
"""

import hmac
import time
from urllib.parse import unquote

import structlog

from repoint.access.seal import MasterKeyError
from repoint.contract.encode import encode
from repoint.contract.errors import (
    AccessDeniedException,
    ContractError,
    InternalServerErrorException,
    MethodNotAllowedException,
    NotFoundException,
)
from repoint.db.pool import Database
from repoint.delivery.gateway_callbacks import callbacks_of
from repoint.delivery.routes import Routes, read_routes
from repoint.delivery.sns.listener import Listener
from repoint.delivery.sns.notification import read_notification
from repoint.delivery.tracking import PATHS, Link, LinkKind, read_token
from repoint.dispatch import dispatch
from repoint.functions.webhook import NoAnswerError
from repoint.http.answer import Answer, refusal
from repoint.http.body import Body, CallerGoneError, Receive
from repoint.http.metrics import Metrics
from repoint.http.proxies import Proxies
from repoint.http.request import Request
from repoint.operation import Binary, Call, Input, Output, Principal
from repoint.settings import Settings

log = structlog.get_logger()

CALLBACKS = "/callbacks/"
# No application's id.
SNS = "sns"
# Behind it the provider's name, and the token that it was given.
GATEWAYS = "/callbacks/gateways/"
MAX_CALLBACK_BYTES = 1 << 20
# How far the clock of who signs a callback may be off.
MAX_AGE_S = 300
_MOST_DIGITS = 12
_SHOWN = 300

_READS = ("GET", "HEAD")
# A transparent picture of one dot.
_PICTURE = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
_OPERATIONS: dict[LinkKind, str] = {"open": "NoteOpen", "click": "NoteClick", "unsubscribe": "NoteUnsubscribe"}
_ASKING = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Unsubscribe</title><form method="post"><p>Do you want no more messages?</p>
<button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>"""
_DONE = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Unsubscribed</title><p>You are unsubscribed.</p>"""
_TOO_OLD = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Not unsubscribed</title><p>This link no longer works. Please use the one in a newer message.</p>"""
_PAGE = ((b"content-security-policy", b"default-src 'none'; form-action 'self'"), (b"referrer-policy", b"no-referrer"))


class Public:
    """The public routes of one process."""

    def __init__(self, settings: Settings, database: Database, proxies: Proxies, metrics: Metrics) -> None:
        self._settings = settings
        self._database = database
        self._proxies = proxies
        self._metrics = metrics
        self._listener = Listener(settings)
        self._routes: Routes | None = None
        self._kinds: dict[str, LinkKind] = {path: kind for kind, path in PATHS.items()}

    def __contains__(self, raw_path: bytes) -> bool:
        return raw_path.startswith((b"/r/", CALLBACKS.encode()))

    async def answer(self, request: Request, receive: Receive) -> Answer:
        """The answer to a request for one of these paths. Raises CallerGoneError when there is nobody to have it."""
        try:
            if request.path.startswith(GATEWAYS):
                return await self._gateway(request, receive)
            if request.path.startswith(CALLBACKS):
                return await self._callback(request, receive)
            return await self._link(request)
        except ContractError as error:
            return refusal(error, request.request_id)
        except CallerGoneError:
            raise
        except Exception:
            log.exception("What was told of a message could not be noted", request_id=request.request_id)
            return refusal(InternalServerErrorException(), request.request_id)

    async def _link(self, request: Request) -> Answer:
        # What rewrites links may percent-encode what need not be.
        prefix, token = request.path[: len("/r/c/")], unquote(request.path[len("/r/c/") :], "latin-1")
        kind = self._kinds.get(prefix)
        link = None if kind is None else self._read(kind, token)
        if kind is None or link is None:
            raise NotFoundException
        if kind == "unsubscribe":
            return await self._unsubscribe(request, link)
        if request.method not in _READS:
            raise MethodNotAllowedException(_READS)
        if request.method == "GET":
            await self._note(request, kind, link)
        if kind == "open":
            return Answer(200, Binary("image/gif", _PICTURE), request.request_id)
        return Answer(302, b"", request.request_id, ((b"location", _location(link.url)),))

    async def _unsubscribe(self, request: Request, link: Link) -> Answer:
        """Only a POST does it: whoever looks at links before their reader does must not unsubscribe anybody."""
        if request.method == "POST":
            try:
                await self._dispatch(request, "NoteUnsubscribe", _named(link))
            except NotFoundException:
                return _page(_TOO_OLD, request, 404)
            return _page(_DONE, request)
        if request.method in _READS:
            return _page(_ASKING, request)
        raise MethodNotAllowedException(("GET", "HEAD", "POST"))

    def _read(self, kind: LinkKind, token: str) -> Link | None:
        try:
            return read_token(self._settings, kind, token)
        except MasterKeyError:
            log.warning("A link could not be read: there is no master key")
            return None

    async def _note(self, request: Request, kind: LinkKind, link: Link) -> None:
        arguments = _named(link) | {"Url": link.url, "IsUnsubscribe": link.is_unsubscribe}
        try:
            await self._dispatch(request, _OPERATIONS[kind], arguments)
        except Exception:
            # Whoever follows a link wants to arrive.
            log.exception("A link was followed and not noted", kind=kind, application_id=link.application_id)

    async def _callback(self, request: Request, receive: Receive) -> Answer:
        if request.method != "POST":
            raise MethodNotAllowedException(("POST",))
        application_id = request.path.removeprefix(CALLBACKS)
        body = Body(receive, request.headers, MAX_CALLBACK_BYTES)
        body.check_declared()
        if application_id == SNS:
            return await self._of_topic(request, await body.read())
        received = await body.read()
        self._check_signature(request, application_id, received)
        output = await self._dispatch(request, "NoteReports", {"ApplicationId": application_id, "Body": received})
        return Answer(200, encode(output), request.request_id)

    async def _of_topic(self, request: Request, body: bytes) -> Answer:
        """What an SNS topic delivers. SNS comes again when it is answered 500, and not when it is refused."""
        if not self._settings.sns_topics:
            raise NotFoundException
        notification = read_notification(body)
        try:
            await self._listener.check(notification, request.received_at)
            if notification.kind == "SubscriptionConfirmation":
                await self._listener.confirm(notification)
        except NoAnswerError as error:
            log.warning("A topic's message could not be checked", topic_arn=notification.topic_arn, reason=str(error))
            raise InternalServerErrorException from error
        except AccessDeniedException as error:
            # Its sender shows the answer to nobody, and does not come again.
            log.info("A topic's message was refused", topic_arn=notification.topic_arn[:_SHOWN], reason=str(error))
            raise
        if notification.kind != "Notification":
            log.info("A topic told of its subscription", topic_arn=notification.topic_arn, kind=notification.kind)
            return Answer(200, b"", request.request_id)
        told = {"Message": notification.message, "Key": notification.message_id, "TopicArn": notification.topic_arn}
        output = await self._dispatch(request, "NoteTopicMessage", told)
        self._metrics.hear(output.get("Kind"))
        return Answer(200, encode(output), request.request_id)

    async def _gateway(self, request: Request, receive: Receive) -> Answer:
        """What an SMS gateway tells, in its own form; its answer says nothing."""
        if request.method not in {"GET", "POST"}:
            raise MethodNotAllowedException(("GET", "POST"))
        name, _, token = unquote(request.path.removeprefix(GATEWAYS), "latin-1").partition("/")
        if self._routes is None:
            self._routes = read_routes(self._settings)
        options = callbacks_of(self._routes, name)
        if options is None or not options.admits(token):
            raise NotFoundException
        body = Body(receive, request.headers, MAX_CALLBACK_BYTES)
        body.check_declared()
        query = request.raw_query.decode("latin-1")
        arguments = {"Provider": name, "Options": options, "Query": query, "Body": await body.read()}
        await self._dispatch(request, "NoteGatewayCallback", arguments)
        return Answer(200, Binary("text/plain", b""), request.request_id)

    def _check_signature(self, request: Request, application_id: str, body: bytes) -> None:
        """`Repoint-Timestamp` in Unix seconds; `Repoint-Signature: v1=` HMAC-SHA256 of timestamp, id and body."""
        secret = self._settings.callback_secret
        if secret is None:
            raise NotFoundException
        stamp = request.headers.get(b"repoint-timestamp", b"")
        given = request.headers.get(b"repoint-signature", b"")
        signed = b"%b.%b.%b" % (stamp, application_id.encode("latin-1"), body)
        mac = hmac.new(secret.get_secret_value().encode(), signed, "sha256").hexdigest()
        if not hmac.compare_digest(given, b"v1=" + mac.encode()):
            raise AccessDeniedException("Invalid Repoint-Signature")
        if not stamp.isdigit() or len(stamp) > _MOST_DIGITS or abs(time.time() - int(stamp)) > MAX_AGE_S:
            raise AccessDeniedException("Repoint-Timestamp is too far from now")

    async def _dispatch(self, request: Request, operation: str, arguments: Input) -> Output:
        principal = Principal("public", "public", f"arn:aws:iam::{self._settings.account_id}:public")
        headers = request.headers
        call = Call(
            operation,
            request.request_id,
            request.received_at,
            principal,
            self._settings.regions[0],
            self._settings,
            self._database,
            self._proxies.client(request.peer, headers.get(b"x-forwarded-for", b"")),
            headers.get(b"user-agent", b"").decode("latin-1")[:1000],
        )
        return await dispatch(call, arguments)


def _named(link: Link) -> Input:
    return {"ApplicationId": link.application_id, "MessageId": link.message_id}


def _location(url: str) -> bytes:
    """As a header carries it: what is no ASCII percent-encoded, nothing that could end the header."""
    return "".join(each if "!" <= each <= "~" else _quoted(each) for each in url).encode()


def _quoted(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace"))


def _page(text: str, request: Request, status: int = 200) -> Answer:
    return Answer(status, Binary("text/html; charset=utf-8", text.encode()), request.request_id, _PAGE)
