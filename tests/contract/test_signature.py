"""Claims judged without a server: the clock, the scope, and every way a path, query or header may be written."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from repoint.contract.errors import (
    BadRequestException,
    ContractError,
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from repoint.contract.signature import check_claim, merge_headers, parse, verify

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = datetime(2024, 7, 21, 18, 6, 44, tzinfo=UTC)
HOST = "repoint.example"
APP = "/v1/apps/0123456789abcdef0123456789abcdef"

Sent = dict[bytes, bytes]


def sign(  # noqa: PLR0913 - the parts of a request
    method: str,
    target: str,
    body: bytes = b"",
    *,
    headers: Mapping[str, str] | None = None,
    at: datetime = NOW,
    token: str | None = None,
    scope: tuple[str, str] = ("mobiletargeting", "us-east-1"),
) -> Sent:
    """Headers as the server receives them from botocore."""
    request = AWSRequest(method, f"http://{HOST}{target}", dict(headers or {}), body)
    with patch("botocore.auth.get_current_datetime", lambda: at):
        SigV4Auth(Credentials(KEY, SECRET, token), *scope).add_auth(request)
    pairs = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    return merge_headers([*pairs, (b"host", HOST.encode())])


def presign(target: str, *, expires_s: int = 900) -> str:
    request = AWSRequest("GET", f"http://{HOST}{target}")
    with patch("botocore.auth.get_current_datetime", lambda: NOW):
        SigV4QueryAuth(Credentials(KEY, SECRET), "mobiletargeting", "us-east-1", expires=expires_s).add_auth(request)
    query: str = urlsplit(request.url).query
    return query


def judge(  # noqa: PLR0913 - the parts of a request
    headers: Sent,
    *,
    method: str = "GET",
    path: str = APP,
    query: str = "",
    body: bytes = b"",
    now: datetime = NOW,
    secret: str = SECRET,
    debug: bool = False,
) -> None:
    """What the server does with a request, all of it."""
    claim = parse(headers, query.encode())
    check_claim(claim, headers, now, ("us-east-1",))
    verify(
        claim,
        secret=secret,
        method=method,
        raw_path=path.encode(),
        raw_query=query.encode(),
        headers=headers,
        body_hash=sha256(body).hexdigest(),
        debug=debug,
    )


def message(error: type[ContractError], headers: Sent, **request: object) -> str:
    with pytest.raises(error) as raised:
        judge(headers, **request)  # type: ignore[arg-type]  # the arguments of judge, passed on
    return raised.value.message


def test_signature_computed_by_hand_verifies() -> None:
    # With sha256sum and openssl dgst, step by step as Amazon's documents describe it.
    signature = b"496cfd468776d865fd6e4bd18cd0d99227e6a9fbd837d796aa94aab7f9a8cec9"
    credential = b"AKIAIOSFODNN7EXAMPLE/20240721/us-east-1/mobiletargeting/aws4_request"

    judge(
        {
            b"host": b"repoint.example",
            b"x-amz-date": b"20240721T180644Z",
            b"authorization": b"AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=host;x-amz-date, Signature=%s"
            % (credential, signature),
        },
        path="/v1/apps/0123456789abcdef0123456789abcdef",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        APP,
        f"{APP}/",
        f"{APP}/endpoints/plain-id_1.2~3",
        f"{APP}/endpoints/a%2Fb%3Ac%40d",
        f"{APP}/endpoints/a:b@c",
        f"{APP}/endpoints/%E2%82%AC%20+",
        f"{APP}/endpoints/.hidden",
        "/v1/tags/arn%3Aaws%3Amobiletargeting%3Aus-east-1%3A000000000000%3Aapps%2F0123",
        "/v1/apps//campaigns",
        "/v1/apps/",
        "/v1/./apps/x/../y",
        "/v1/apps/x/..",
        "/../..",
    ],
)
def test_path_verifies_as_botocore_signs_it(path: str) -> None:
    judge(sign("GET", path), path=path)


def test_path_with_dots_verifies_when_signed_as_it_stands() -> None:
    # As an SDK signs that does not normalise.
    with patch("botocore.auth.normalize_url_path", lambda path: path):
        headers = sign("GET", "/v1/apps//x/../y")

    judge(headers, path="/v1/apps//x/../y")


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("page-size=10&token=a", "token=a&page-size=10"),
        ("tagKeys=a&tagKeys=b", "tagKeys=b&tagKeys=a"),
        ("token=a%20b", "token=a+b"),
        ("token=a%3Ab", "token=a:b"),
        ("token=a~b", "token=a%7Eb"),
        ("token=", "token"),
        ("token=%C3%A9", "token=%c3%a9"),
        ("a=1&ab=1", "a=1&ab=1"),
        ("a=1", "a=1&"),
    ],
)
def test_query_verifies_however_it_is_written(signed: str, sent: str) -> None:
    judge(sign("GET", f"{APP}?{signed}"), query=sent)


def test_query_that_was_changed_is_refused() -> None:
    message(InvalidSignatureException, sign("GET", f"{APP}?token=a"), query="token=b")


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("a b", b"a  b"),
        ("a b", b"  a b "),
        ("a b", b"a\tb"),
        ("é", "é".encode()),
    ],
)
def test_header_value_verifies_trimmed_and_with_blanks_collapsed(signed: str, sent: bytes) -> None:
    headers = sign("GET", APP, headers={"x-amz-note": signed})

    judge(headers | {b"x-amz-note": sent})


def test_repeated_header_is_signed_joined() -> None:
    headers = merge_headers([(b"x-amz-note", b"a"), (b"host", b"h"), (b"x-amz-note", b"b")])

    assert headers == {b"x-amz-note": b"a,b", b"host": b"h"}


def test_body_is_signed() -> None:
    headers = sign("PUT", APP, b'{"a":1}', headers={"Content-Type": "application/json"})

    judge(headers, method="PUT", body=b'{"a":1}')
    text = message(InvalidSignatureException, headers, method="PUT", body=b'{"a":2}')

    assert text == (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details."
    )


@pytest.mark.parametrize("change", [{"method": "POST"}, {"path": "/v1/apps"}, {"secret": "other"}])
def test_what_was_changed_is_refused(change: dict[str, str]) -> None:
    message(InvalidSignatureException, sign("GET", APP), **change)


def test_debug_tells_what_was_signed_here() -> None:
    text = message(InvalidSignatureException, sign("GET", APP), secret="other", debug=True)

    assert f"should have been\n'GET\n{APP}\n\nhost:{HOST}\n" in text
    assert "AWS4-HMAC-SHA256\n20240721T180644Z\n20240721/us-east-1/mobiletargeting/aws4_request\n" in text


def test_session_token_is_tolerated() -> None:
    judge(sign("GET", APP, token="a-token"))


def test_blanks_after_the_commas_may_be_missing() -> None:
    headers = sign("GET", APP)

    judge(headers | {b"authorization": headers[b"authorization"].replace(b", ", b",")})


def test_parts_may_stand_in_any_order() -> None:
    headers = sign("GET", APP)
    credential, names, signature = headers[b"authorization"].removeprefix(b"AWS4-HMAC-SHA256 ").split(b", ")

    judge(headers | {b"authorization": b"AWS4-HMAC-SHA256 " + b", ".join((signature, names, credential))})


@pytest.mark.parametrize("date", [b"20240721T180644Z", b"Sun, 21 Jul 2024 18:06:44 GMT"])
def test_date_header_stands_in_for_x_amz_date(date: bytes) -> None:
    with patch("botocore.auth.SigV4Auth._set_necessary_date_headers"):
        headers = sign("GET", APP)
    assert b"x-amz-date" not in headers

    judge(headers | {b"date": date})


# Clock


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_clock_may_differ_by_five_minutes(seconds: int) -> None:
    judge(sign("GET", APP), now=NOW + timedelta(seconds=seconds))


def test_clock_behind_is_refused() -> None:
    headers = sign("GET", APP, at=datetime(2024, 7, 21, 18, 2, 2, tzinfo=UTC))

    text = message(InvalidSignatureException, headers, now=datetime(2024, 7, 21, 18, 16, 44, tzinfo=UTC))

    assert text == (
        "Signature expired: 20240721T180202Z is now earlier than 20240721T181144Z (20240721T181644Z - 5 min.)"
    )


def test_clock_ahead_is_refused() -> None:
    headers = sign("GET", APP, at=datetime(2024, 7, 21, 18, 16, 44, tzinfo=UTC))

    text = message(InvalidSignatureException, headers, now=datetime(2024, 7, 21, 18, 2, 2, tzinfo=UTC))

    assert text == (
        "Signature not yet current: 20240721T181644Z is still later than 20240721T180702Z (20240721T180202Z + 5 min.)"
    )


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_second_beyond_five_minutes_is_refused(seconds: int) -> None:
    message(InvalidSignatureException, sign("GET", APP), now=NOW + timedelta(seconds=seconds))


def test_clock_is_told_before_a_wrong_signature() -> None:
    text = message(InvalidSignatureException, sign("GET", APP), now=NOW + timedelta(days=1), secret="other")

    assert text.startswith("Signature expired")


def test_scope_of_another_day_is_refused() -> None:
    headers = sign("GET", APP)
    changed = headers[b"authorization"].replace(b"/20240721/", b"/20240720/")

    text = message(InvalidSignatureException, headers | {b"authorization": changed})

    assert text == "Date in Credential scope does not match the date of the signature"


# Scope and signed headers


def test_region_that_is_not_served_is_refused() -> None:
    text = message(InvalidSignatureException, sign("GET", APP, scope=("mobiletargeting", "eu-west-1")))

    assert text == "Credential should be scoped to a valid region."


def test_other_service_is_refused() -> None:
    text = message(InvalidSignatureException, sign("GET", APP, scope=("pinpoint", "us-east-1")))

    assert text == "Credential should be scoped to correct service: 'mobiletargeting'."


def test_other_terminator_is_refused() -> None:
    headers = sign("GET", APP)
    changed = headers[b"authorization"].replace(b"/aws4_request", b"/aws5_request")

    text = message(InvalidSignatureException, headers | {b"authorization": changed})

    assert text == "Credential should be scoped with a valid terminator: 'aws4_request'."


def test_host_must_be_signed() -> None:
    headers = sign("GET", APP)
    changed = headers[b"authorization"].replace(b"host;", b"")

    text = message(InvalidSignatureException, headers | {b"authorization": changed})

    assert text == "'host' must be a 'SignedHeader' in the AWS Authorization."


def test_each_amz_header_must_be_signed() -> None:
    text = message(InvalidSignatureException, sign("GET", APP) | {b"x-amz-target": b"x"})

    assert text == "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."


def test_headers_that_sdks_leave_unsigned_are_no_matter() -> None:
    extras = {b"amz-sdk-invocation-id": b"1", b"amz-sdk-request": b"attempt=1", b"x-amzn-trace-id": b"Root=1"}

    judge(sign("GET", APP) | extras | {b"user-agent": b"Boto3/1"})


# The body's hash


def test_content_hash_may_be_sent() -> None:
    body = b'{"a":1}'

    judge(sign("PUT", APP, body, headers={"x-amz-content-sha256": sha256(body).hexdigest()}), method="PUT", body=body)


def test_content_hash_of_another_body_is_refused() -> None:
    headers = sign("PUT", APP, b"{}", headers={"x-amz-content-sha256": sha256(b"other").hexdigest()})

    text = message(InvalidSignatureException, headers, method="PUT", body=b"{}")

    assert text == "The provided 'x-amz-content-sha256' header does not match the body."


@pytest.mark.parametrize("form", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", "abc"])
def test_other_content_hashes_are_refused(form: str) -> None:
    text = message(InvalidSignatureException, sign("GET", APP, headers={"x-amz-content-sha256": form}))

    assert text == "'x-amz-content-sha256' must be the SHA-256 of the body."


def test_aws_chunked_is_refused() -> None:
    text = message(InvalidSignatureException, sign("PUT", APP, headers={"content-encoding": "aws-chunked"}))

    assert text == "Content-Encoding 'aws-chunked' is not supported."


# What is no signature, or no whole one


@pytest.mark.parametrize("authorization", [None, b"", b"Basic dTpw", b"Bearer x", b"AWS AKIA:sig"])
def test_other_authorization_counts_as_none(authorization: bytes | None) -> None:
    headers = {b"host": b"h"} | ({b"authorization": authorization} if authorization is not None else {})

    assert message(MissingAuthenticationTokenException, headers) == "Missing Authentication Token"


def test_each_missing_part_is_listed() -> None:
    text = message(IncompleteSignatureException, {b"authorization": b"AWS4-HMAC-SHA256 SignedHeaders=host"})

    assert text == (
        "Authorization header requires 'Credential' parameter. "
        "Authorization header requires 'Signature' parameter. "
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
    )


@pytest.mark.parametrize(
    ("part", "by", "expected"),
    [
        (b"us-east-1/", b"", "Credential must have exactly 5 slash-delimited elements"),
        (b"AWS4-HMAC-SHA256", b"AWS4-ECDSA-P256-SHA256", "Unsupported AWS 'algorithm'"),
        (b"SignedHeaders", b"signedheaders", "Authorization header requires 'SignedHeaders' parameter."),
    ],
)
def test_malformed_header_is_incomplete(part: bytes, by: bytes, expected: str) -> None:
    headers = sign("GET", APP)

    text = message(
        IncompleteSignatureException, headers | {b"authorization": headers[b"authorization"].replace(part, by)}
    )

    assert text.startswith(expected)


@pytest.mark.parametrize("date", [b"20240721", b"20241321T180644Z", b"20240721T180644Z ", b"yesterday"])
def test_malformed_date_is_incomplete(date: bytes) -> None:
    text = message(IncompleteSignatureException, sign("GET", APP) | {b"x-amz-date": date})

    assert text == "Date must be in ISO-8601 'basic format', such as 20240721T180202Z"


@pytest.mark.parametrize("key", [b"AK-IA", b"A" * 129, b"AK%00", b""])
def test_access_key_id_that_none_can_have_is_unknown(key: bytes) -> None:
    headers = sign("GET", APP)
    changed = headers[b"authorization"].replace(KEY.encode(), key)

    message(UnrecognizedClientException, headers | {b"authorization": changed})


def test_signature_of_another_length_is_refused() -> None:
    headers = sign("GET", APP)

    message(InvalidSignatureException, headers | {b"authorization": headers[b"authorization"][:-1]})


# Presigned queries


def test_presigned_query_verifies() -> None:
    judge({b"host": HOST.encode()}, query=presign(f"{APP}?page-size=10"))


@pytest.mark.parametrize("seconds", [-300, 0, 900])
def test_presigned_query_holds_until_it_expires(seconds: int) -> None:
    judge({b"host": HOST.encode()}, query=presign(APP), now=NOW + timedelta(seconds=seconds))


def test_presigned_query_expires() -> None:
    text = message(
        InvalidSignatureException,
        {b"host": HOST.encode()},
        query=presign(APP),
        now=NOW + timedelta(seconds=901),
    )

    assert text == (
        "Signature expired: 20240721T180644Z is now earlier than 20240721T180645Z (20240721T182145Z - 900 sec.)"
    )


def test_presigned_query_is_not_valid_before_its_time() -> None:
    text = message(
        InvalidSignatureException, {b"host": HOST.encode()}, query=presign(APP), now=NOW - timedelta(seconds=301)
    )

    assert text.startswith("Signature not yet current: 20240721T180644Z")


@pytest.mark.parametrize("expires", ["0", "604801", "-1", "soon", "%31%30%30%30%30%30%30%30"])
def test_presigned_query_for_too_long_is_incomplete(expires: str) -> None:
    query = presign(APP).replace("X-Amz-Expires=900", f"X-Amz-Expires={expires}")

    text = message(IncompleteSignatureException, {b"host": HOST.encode()}, query=query)

    assert text == "X-Amz-Expires must be between 1 and 604800"


def test_presigned_query_lists_each_missing_parameter() -> None:
    text = message(
        IncompleteSignatureException, {b"host": b"h"}, query="X-Amz-Signature=00&X-Amz-Date=20240721T180644Z"
    )

    assert text == (
        "AWS query-string parameters must include 'X-Amz-Algorithm'. "
        "AWS query-string parameters must include 'X-Amz-Credential'. "
        "AWS query-string parameters must include 'X-Amz-Expires'. "
        "AWS query-string parameters must include 'X-Amz-SignedHeaders'."
    )


def test_presigned_query_of_another_algorithm_is_incomplete() -> None:
    query = presign(APP).replace("HMAC", "ECDSA")

    assert message(IncompleteSignatureException, {b"host": b"h"}, query=query).startswith("Unsupported AWS 'algorithm'")


def test_header_and_query_together_are_refused() -> None:
    text = message(BadRequestException, sign("GET", APP), query=presign(APP))

    assert text == "Sign by the Authorization header or by the query, not by both"


def test_token_in_the_query_is_no_presigned_one() -> None:
    judge(sign("GET", f"{APP}?X-Amz-Note=1"), query="X-Amz-Note=1")
