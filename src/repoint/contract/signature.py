"""Signature Version 4 as a caller's claim and its proof: by the Authorization header or by a presigned query.

`parse` reads the claim before any key is known, `check_claim` judges what needs no secret (clock, scope, which headers
are signed), and `verify` recomputes the signature. Nothing here waits or stores. Source: auth.md sections 1 and 2.
"""

import hmac
import re
import time
from calendar import timegm
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote_from_bytes, unquote_to_bytes

from msgspec import Struct

from repoint.contract.errors import (
    BadRequestException,
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)

SERVICE = b"mobiletargeting"
CLOCK_SKEW_S = 300
MAX_EXPIRES_S = 604_800

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)

# Names in lower case, as ASGI has them; a repeated header's values are joined by commas.
Headers = Mapping[bytes, bytes]

_ALGORITHM = b"AWS4-HMAC-SHA256"
_TERMINATOR = b"aws4_request"
# The form that every SDK sends, taken apart in one step; whatever else there is goes through `_authorization_parts`.
_USUAL = re.compile(
    rb"AWS4-HMAC-SHA256 +Credential=(\w{1,128})/(\d{8})/([\w-]+)/([\w-]+)/aws4_request, *"
    rb"SignedHeaders=([a-z0-9;._-]+), *Signature=([0-9a-f]{64})"
)
_ACCESS_KEY_ID = re.compile(rb"\w{1,128}")
_BASIC_TIME = re.compile(rb"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")
_CONTENT_HASH = re.compile(rb"[0-9a-fA-F]{64}")
# A path that normalising and encoding leave as it is.
_PLAIN_PATH = re.compile(rb"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+")
_IN_HEADER = ("Credential", "SignedHeaders", "Signature")
_IN_QUERY = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
)
# Any of these makes a query a presigned one.
_MARKS = frozenset({b"X-Amz-Algorithm", b"X-Amz-Credential", b"X-Amz-Signature"})


class Claim(Struct, frozen=True):
    """What a request says about its signer, not yet believed."""

    access_key_id: str
    date: bytes
    region: str
    service: bytes
    terminator: bytes
    signed_headers: bytes
    signature: bytes
    # Seconds since the epoch, and the same in the basic form that the string to sign holds.
    signed_at_s: int
    signed_at: bytes
    # How long a presigned query is valid, None for a signature by header.
    expires_s: int | None = None


def merge_headers(headers: Collection[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; the values of a repeated one joined by commas, as SigV4 signs them."""
    merged = dict(headers)
    if len(merged) == len(headers):
        return merged
    merged.clear()
    for name, value in headers:
        merged[name] = merged[name] + b"," + value if name in merged else value
    return merged


def parse(headers: Headers, raw_query: bytes) -> Claim:
    """The claim of a request, by header or presigned query.

    Raises MissingAuthenticationTokenException without any signature (basic and bearer are none), BadRequestException
    with both, IncompleteSignatureException when parts are missing or malformed, UnrecognizedClientException for an
    access key id that none can have.
    """
    authorization = headers.get(b"authorization", b"")
    by_header = authorization.startswith(b"AWS4-")
    parameters = _presigned(raw_query) if b"X-Amz-" in raw_query else None
    if parameters is not None:
        if by_header:
            raise BadRequestException("Sign by the Authorization header or by the query, not by both")
        return _parse_query(parameters)
    if not by_header:
        raise MissingAuthenticationTokenException
    return _parse_header(authorization, headers)


def check_claim(claim: Claim, headers: Headers, now: datetime, regions: Collection[str]) -> None:
    """Raise InvalidSignatureException for a claim that no secret can make good: clock, scope, headers left unsigned."""
    _check_clock(claim, int(now.timestamp()))
    if claim.signed_at[:8] != claim.date:
        raise InvalidSignatureException("Date in Credential scope does not match the date of the signature")
    if claim.region not in regions:
        raise InvalidSignatureException("Credential should be scoped to a valid region.")
    if claim.service != SERVICE:
        raise InvalidSignatureException(f"Credential should be scoped to correct service: '{SERVICE.decode()}'.")
    if claim.terminator != _TERMINATOR:
        raise InvalidSignatureException("Credential should be scoped with a valid terminator: 'aws4_request'.")
    _check_signed_headers(claim, headers)
    _check_content_hash_form(headers)


def verify(  # noqa: PLR0913 - the parts of one request, each under its name
    claim: Claim,
    *,
    secret: str,
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    headers: Headers,
    body_hash: str,
    debug: bool = False,
) -> None:
    """Raise InvalidSignatureException unless this request was signed with `secret`.

    `body_hash` is the hex SHA-256 of the body as it came. The path counts as normalised or as it stands, since SDKs
    differ. With `debug` the refusal carries what was signed here, as AWS's own does.
    """
    payload_hash = body_hash.encode()
    sent_hash = headers.get(b"x-amz-content-sha256")
    if sent_hash is not None:
        if sent_hash.lower() != payload_hash:
            raise InvalidSignatureException("The provided 'x-amz-content-sha256' header does not match the body.")
        payload_hash = sent_hash
    query = _canonical_query(raw_query) if raw_query else b""
    before, after = method.encode() + b"\n", _after_path(claim, query, headers, payload_hash)
    keyed, scope = _keyed(secret, claim.date, claim.region)
    canonical = b""
    for path in _canonical_paths(raw_path):
        canonical = before + path + after
        mac = keyed.copy()
        mac.update(_string_to_sign(claim, scope, canonical))
        if hmac.compare_digest(mac.hexdigest().encode(), claim.signature):
            return
    raise InvalidSignatureException(
        _explained(canonical, _string_to_sign(claim, scope, canonical)) if debug else MISMATCH
    )


def _parse_header(authorization: bytes, headers: Headers) -> Claim:
    usual = _USUAL.fullmatch(authorization)
    sent_date = headers.get(b"x-amz-date")
    if usual is not None and sent_date is not None:
        signed_at_s = _basic_time(sent_date)
        if signed_at_s is not None:
            key, date, region, service, signed_headers, signature = usual.groups()
            return Claim(
                key.decode(),
                date,
                region.decode(),
                service,
                _TERMINATOR,
                signed_headers,
                signature,
                signed_at_s,
                sent_date,
            )
    parts = _authorization_parts(authorization)
    missing = [f"Authorization header requires '{name}' parameter." for name in _IN_HEADER if not parts.get(name)]
    if sent_date is None and b"date" not in headers:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing:
        raise IncompleteSignatureException(" ".join(missing))
    signed_at_s = _basic_time(sent_date) if sent_date is not None else _any_time(headers[b"date"])
    return _claim(parts["Credential"], parts["SignedHeaders"], parts["Signature"], signed_at_s)


def _authorization_parts(authorization: bytes) -> dict[str, bytes]:
    algorithm, _, rest = authorization.partition(b" ")
    if algorithm != _ALGORITHM:
        raise IncompleteSignatureException("Unsupported AWS 'algorithm'. Use 'AWS4-HMAC-SHA256'.")
    parts: dict[str, bytes] = {}
    for part in rest.split(b","):
        name, _, value = part.strip().partition(b"=")
        parts[name.decode("latin-1")] = value
    return parts


def _presigned(raw_query: bytes) -> dict[bytes, bytes] | None:
    """The parameters of a presigned query, decoded; None when the query is no presigned one."""
    parameters = dict(_query_pairs(raw_query))
    return None if _MARKS.isdisjoint(parameters) else parameters


def _parse_query(parameters: Mapping[bytes, bytes]) -> Claim:
    missing = [name for name in _IN_QUERY if not parameters.get(name.encode())]
    if missing:
        texts = (f"AWS query-string parameters must include '{name}'." for name in missing)
        raise IncompleteSignatureException(" ".join(texts))
    if parameters[b"X-Amz-Algorithm"] != _ALGORITHM:
        raise IncompleteSignatureException("Unsupported AWS 'algorithm'. Use 'AWS4-HMAC-SHA256'.")
    expires = parameters[b"X-Amz-Expires"]
    if re.fullmatch(rb"\d{1,6}", expires) is None or not 1 <= int(expires) <= MAX_EXPIRES_S:
        raise IncompleteSignatureException(f"X-Amz-Expires must be between 1 and {MAX_EXPIRES_S}")
    return _claim(
        parameters[b"X-Amz-Credential"],
        parameters[b"X-Amz-SignedHeaders"],
        parameters[b"X-Amz-Signature"],
        _basic_time(parameters[b"X-Amz-Date"]),
        int(expires),
    )


def _claim(
    credential: bytes, signed_headers: bytes, signature: bytes, signed_at_s: int | None, expires_s: int | None = None
) -> Claim:
    if signed_at_s is None:
        raise IncompleteSignatureException("Date must be in ISO-8601 'basic format', such as 20240721T180202Z")
    scope = credential.split(b"/")
    if len(scope) != 5:  # noqa: PLR2004 - the text says what the five are
        text = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term"
        raise IncompleteSignatureException(text)
    key, date, region, service, terminator = scope
    if _ACCESS_KEY_ID.fullmatch(key) is None:
        raise UnrecognizedClientException
    return Claim(
        key.decode(),
        date,
        region.decode("latin-1"),
        service,
        terminator,
        signed_headers.lower(),
        signature,
        signed_at_s,
        _basic_form(signed_at_s).encode(),
        expires_s,
    )


def _check_clock(claim: Claim, now_s: int) -> None:
    # Both clocks count whole seconds, so that exactly five minutes are accepted and the text never contradicts itself.
    ahead_s = claim.signed_at_s - now_s
    valid_s = CLOCK_SKEW_S if claim.expires_s is None else claim.expires_s
    if -valid_s <= ahead_s <= CLOCK_SKEW_S:
        return
    signed, now = _basic_form(claim.signed_at_s), _basic_form(now_s)
    if ahead_s > 0:
        text = f"is still later than {_basic_form(now_s + CLOCK_SKEW_S)} ({now} + 5 min.)"
        raise InvalidSignatureException(f"Signature not yet current: {signed} {text}")
    span = "5 min." if claim.expires_s is None else f"{valid_s} sec."
    text = f"is now earlier than {_basic_form(now_s - valid_s)} ({now} - {span})"
    raise InvalidSignatureException(f"Signature expired: {signed} {text}")


def _check_signed_headers(claim: Claim, headers: Headers) -> None:
    signed = _names(claim.signed_headers)
    if b"host" not in signed:
        raise InvalidSignatureException("'host' must be a 'SignedHeader' in the AWS Authorization.")
    for name in headers:
        if name[:6] == b"x-amz-" and name not in signed:
            text = f"'{name.decode('latin-1')}' must be a 'SignedHeader' in the AWS Authorization."
            raise InvalidSignatureException(text)


def _check_content_hash_form(headers: Headers) -> None:
    sent = headers.get(b"x-amz-content-sha256")
    if sent is not None and _CONTENT_HASH.fullmatch(sent) is None:
        raise InvalidSignatureException("'x-amz-content-sha256' must be the SHA-256 of the body.")
    if b"aws-chunked" in headers.get(b"content-encoding", b"").lower():
        raise InvalidSignatureException("Content-Encoding 'aws-chunked' is not supported.")


def _canonical_paths(raw_path: bytes) -> tuple[bytes, ...]:
    if _PLAIN_PATH.fullmatch(raw_path):
        return (raw_path,)
    normalised = _encoded(_normalised(raw_path), b"/")
    as_it_stands = _encoded(raw_path or b"/", b"/")
    return (normalised,) if as_it_stands == normalised else (normalised, as_it_stands)


def _normalised(path: bytes) -> bytes:
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    end = b"/" if kept and path.endswith(b"/") else b""
    return b"/" + b"/".join(kept) + end


def _after_path(claim: Claim, query: bytes, headers: Headers, payload_hash: bytes) -> bytes:
    """The canonical request from the line feed after the path to its end."""
    lines = [b"", query]
    for name in _names(claim.signed_headers):
        value = headers.get(name, b"").strip()
        if b"  " in value or b"\t" in value:
            value = b" ".join(value.split())
        lines.append(name + b":" + value)
    lines += (b"", claim.signed_headers, payload_hash)
    return b"\n".join(lines)


# Each SDK signs the same few headers in every call.
@lru_cache(maxsize=256)
def _names(signed_headers: bytes) -> tuple[bytes, ...]:
    return tuple(signed_headers.split(b";"))


def _canonical_query(raw_query: bytes) -> bytes:
    pairs = sorted(
        (_encoded(name), _encoded(value)) for name, value in _query_pairs(raw_query) if name != b"X-Amz-Signature"
    )
    return b"&".join(name + b"=" + value for name, value in pairs)


def _query_pairs(raw_query: bytes) -> Iterable[tuple[bytes, bytes]]:
    for part in raw_query.replace(b"+", b" ").split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            yield unquote_to_bytes(name), unquote_to_bytes(value)


def _encoded(text: bytes, safe: bytes = b"") -> bytes:
    return quote_from_bytes(text, safe + b"~").encode()


def _string_to_sign(claim: Claim, scope: bytes, canonical: bytes) -> bytes:
    return b"%s\n%s\n%s\n%s" % (_ALGORITHM, claim.signed_at, scope, sha256(canonical).hexdigest().encode())


# A key is good for one day; callers sign with the day at hand, so what is left of others is soon pushed out.
@lru_cache(maxsize=1024)
def _keyed(secret: str, date: bytes, region: str) -> tuple[hmac.HMAC, bytes]:
    """An HMAC that has taken in the signing key and nothing else, to be copied; and the scope it is good for."""
    scope = (date, region.encode("latin-1"), SERVICE, _TERMINATOR)
    key = b"AWS4" + secret.encode()
    for part in scope:
        key = hmac.digest(key, part, "sha256")
    return hmac.new(key, digestmod="sha256"), b"/".join(scope)


# Within one second all callers send the same text.
@lru_cache(maxsize=1024)
def _basic_time(text: bytes) -> int | None:
    found = _BASIC_TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    try:
        datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - only asked whether there is such a time
    except ValueError:
        return None
    return timegm((year, month, day, hour, minute, second))


def _any_time(text: bytes) -> int | None:
    basic = _basic_time(text)
    if basic is not None:
        return basic
    try:
        return int(parsedate_to_datetime(text.decode("latin-1")).timestamp())
    except (ValueError, OverflowError):
        return None


def _basic_form(seconds: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def _explained(canonical: bytes, to_sign: bytes) -> str:
    return (
        f"{MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical.decode('latin-1')}'\n\n"
        f"The String-to-Sign should have been\n'{to_sign.decode('latin-1')}'\n"
    )
