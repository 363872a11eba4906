"""What an operator's tools ask for, unsigned: `/healthz`, `/readyz`, `/metrics`."""

import psycopg
from psycopg_pool import PoolTimeout

from repoint.contract.encode import encode
from repoint.contract.errors import ForbiddenException, MethodNotAllowedException
from repoint.db.pool import Database
from repoint.events.readers import ReaderState, all_readers
from repoint.http.answer import Answer, refusal
from repoint.http.health import Readiness
from repoint.http.metrics import CONTENT_TYPE, Metrics
from repoint.http.proxies import is_loopback
from repoint.http.request import Request
from repoint.operation import Binary
from repoint.settings import Settings

METHODS = ("GET", "HEAD")


class Pages:
    """The pages of one process; they are no part of the API and count as no calls."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._metrics_are_public = settings.metrics_public
        self._readiness = Readiness(database)
        self._pages = {b"/healthz": self._health, b"/readyz": self._ready, b"/metrics": self._count}

    def __contains__(self, raw_path: bytes) -> bool:
        return raw_path in self._pages

    async def answer(self, request: Request) -> Answer:
        """The page of this path, which is known to be one."""
        if request.method not in METHODS:
            return refusal(MethodNotAllowedException(METHODS), request.request_id)
        return await self._pages[request.raw_path](request)

    async def _health(self, request: Request) -> Answer:
        return Answer(200, encode({"status": "alive"}), request.request_id)

    async def _ready(self, request: Request) -> Answer:
        problem = await self._readiness.problem()
        if problem is None:
            return Answer(200, encode({"status": "ready"}), request.request_id)
        return Answer(503, encode({"status": "not ready", "reason": problem}), request.request_id)

    async def _count(self, request: Request) -> Answer:
        # Behind a proxy on this machine everybody seems to be local; such a proxy adds this header.
        is_local = is_loopback(request.peer) and b"x-forwarded-for" not in request.headers
        if not (is_local or self._metrics_are_public):
            text = "Metrics are for this machine only unless metrics_public is set"
            return refusal(ForbiddenException(text), request.request_id)
        return Answer(200, Binary(CONTENT_TYPE, self._metrics.page(await self._readers())), request.request_id)

    async def _readers(self) -> list[ReaderState]:
        """None when the database is away: what the process itself counts is told all the same."""
        try:
            async with self._database.connection() as db:
                return await all_readers(db)
        except (psycopg.OperationalError, PoolTimeout):
            return []
