"""How many calls of an operation are let in: a token bucket for each operation and region, in this process."""

import math
from collections.abc import Iterable, Mapping

from repoint.contract.errors import TooManyRequestsException
from repoint.tables import Throttle

# What `throttles` calls every operation that it does not name.
OTHERS = "*"

_WRITES = Throttle(rate=25)
_FAST = Throttle(rate=7000)
_UPSERTS = Throttle(rate=5000)
# Amazon's published rates (protocol.md section 9).
PINPOINT: Mapping[str, Throttle] = {
    "CreateCampaign": _WRITES,
    "UpdateCampaign": _WRITES,
    "DeleteCampaign": _WRITES,
    "CreateSegment": _WRITES,
    "UpdateSegment": _WRITES,
    "DeleteSegment": _WRITES,
    "PhoneNumberValidate": Throttle(rate=20),
    "DeleteEndpoint": Throttle(rate=1000),
    "SendMessages": Throttle(rate=4000),
    "UpdateEndpoint": _UPSERTS,
    "UpdateEndpointsBatch": _UPSERTS,
    "GetInAppMessages": _UPSERTS,
    "SendUsersMessages": Throttle(rate=6000),
    "GetEndpoint": _FAST,
    "PutEvents": _FAST,
    OTHERS: Throttle(rate=300),
}


class Bucket:
    """Tokens of one operation: full at first, refilled by `rate` at every full second after its first use.

    Refilling by whole seconds rather than drop by drop makes the limit exact: `burst` calls within one second pass and
    the next is refused, however long the first ones took to arrive.
    """

    __slots__ = ("_burst", "_rate", "_refilled_at_s", "_tokens")

    def __init__(self, throttle: Throttle) -> None:
        self._rate = throttle.rate
        self._burst = max(1.0, throttle.rate if throttle.burst is None else throttle.burst)
        self._tokens = self._burst
        self._refilled_at_s = -math.inf

    def take(self, now_s: float) -> int:
        """Take a token at this monotonic time; 0, or in how many seconds it is worth asking again."""
        self._refill(now_s)
        if self._tokens < 1:
            return max(1, math.ceil((1 - self._tokens) / self._rate))
        self._tokens -= 1
        return 0

    def _refill(self, now_s: float) -> None:
        elapsed_s = math.floor(now_s - self._refilled_at_s) if self._refilled_at_s > -math.inf else 0
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._rate)
        # A full bucket counts its seconds from the call that first takes of it.
        self._refilled_at_s = now_s if self._tokens == self._burst else self._refilled_at_s + elapsed_s


class Throttles:
    """The limits of one process; none for an operation that neither a name nor `*` covers."""

    def __init__(self, throttles: Mapping[str, Throttle], names: Iterable[str]) -> None:
        """Raises ValueError for a limit on an operation that there is not; case does not count, for the environment."""
        known = {name.lower(): name for name in (*names, OTHERS)}
        unknown = [name for name in throttles if name.lower() not in known]
        if unknown:
            raise ValueError(f"throttles names operations that there are not: {', '.join(unknown)}")
        self._throttles = {known[name.lower()]: throttle for name, throttle in throttles.items()}
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def check(self, operation: str, region: str, now_s: float) -> None:
        """Let one call in, or raise TooManyRequestsException. `region` is one of the server's, so buckets are few."""
        throttle = self._throttles.get(operation) or self._throttles.get(OTHERS)
        if throttle is None:
            return
        bucket = self._buckets.get((operation, region))
        if bucket is None:
            bucket = self._buckets[operation, region] = Bucket(throttle)
        wait_s = bucket.take(now_s)
        if wait_s:
            raise TooManyRequestsException(retry_after_s=wait_s)
