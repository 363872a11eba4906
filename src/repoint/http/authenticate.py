"""Who signed a request. What can be judged by its head is judged before its body is read."""

from hashlib import sha256
from typing import NamedTuple

from repoint.access.ring import KeyRing
from repoint.contract.errors import UnrecognizedClientException
from repoint.contract.signature import check_claim, parse, verify
from repoint.db.pool import Database
from repoint.http.body import Body
from repoint.http.request import Request
from repoint.operation import Principal
from repoint.settings import Settings


class Signed(NamedTuple):
    """What a signature vouches for: the caller, the region of its scope, and the body as it came."""

    principal: Principal
    region: str
    body: bytes


class Authenticator:
    """Checks signatures against the keys of one database."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._regions = frozenset(settings.regions)
        self._debug = settings.debug_signatures
        self._ring = KeyRing(settings, database)

    async def authenticate(self, request: Request, body: Body) -> Signed:
        """Read the body and believe the signature, or raise one of its errors.

        The order of checks is auth.md section 2: syntax, key, clock, signature.
        """
        claim = parse(request.headers, request.raw_query)
        key = await self._ring.find(claim.access_key_id)
        if key is None:
            raise UnrecognizedClientException
        check_claim(claim, request.headers, request.received_at, self._regions)
        received = await body.read()
        verify(
            claim,
            secret=key.secret,
            method=request.method,
            raw_path=request.raw_path,
            raw_query=request.raw_query,
            headers=request.headers,
            body_hash=sha256(received).hexdigest(),
            debug=self._debug,
        )
        return Signed(key.principal, claim.region, received)
