from collections.abc import Iterator
from typing import Any

import pytest

from repoint.contract.errors import TooManyRequestsException
from repoint.contract.model import OPERATIONS
from repoint.http.throttle import PINPOINT, Bucket, Throttles
from repoint.tables import Throttle
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve, make_client

NAMES = ("GetApp", "GetApps", "SendMessages")


def taken(bucket: Bucket, times: Iterator[float] | list[float]) -> list[int]:
    return [bucket.take(now_s) for now_s in times]


def test_burst_passes_and_the_next_waits() -> None:
    bucket = Bucket(Throttle(rate=3))

    assert taken(bucket, [100.0, 100.1, 100.9, 100.99]) == [0, 0, 0, 1]


def test_bucket_is_refilled_a_second_after_its_first_use() -> None:
    bucket = Bucket(Throttle(rate=3))

    assert taken(bucket, [100.5] * 3 + [101.4, 101.5, 101.5, 101.5, 101.5]) == [0, 0, 0, 1, 0, 0, 0, 1]


def test_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket(Throttle(rate=3, burst=4))

    assert taken(bucket, [0.0] + [1000.0] * 5) == [0, 0, 0, 0, 0, 1]


def test_burst_above_the_rate_fills_up_slowly() -> None:
    bucket = Bucket(Throttle(rate=1, burst=3))

    assert taken(bucket, [0.0] * 4 + [1.0] * 2 + [3.0] * 3) == [0, 0, 0, 1, 0, 1, 0, 0, 1]


def test_slow_rate_says_how_long_to_wait() -> None:
    bucket = Bucket(Throttle(rate=0.25, burst=1))

    assert taken(bucket, [0.0, 0.5, 2.0, 3.9, 4.0]) == [0, 4, 2, 1, 0]


def test_operations_and_regions_do_not_influence_each_other() -> None:
    throttles = Throttles({"GetApp": Throttle(rate=1), "*": Throttle(rate=1)}, NAMES)

    for operation in NAMES:
        for region in ("us-east-1", "eu-west-1"):
            throttles.check(operation, region, 0.0)
            with pytest.raises(TooManyRequestsException):
                throttles.check(operation, region, 0.0)


def test_operation_that_is_not_named_has_no_limit() -> None:
    throttles = Throttles({"GetApp": Throttle(rate=1)}, NAMES)

    for _ in range(10):
        throttles.check("GetApps", "us-east-1", 0.0)


def test_names_may_come_from_the_environment_in_any_case() -> None:
    throttles = Throttles({"getapp": Throttle(rate=1)}, NAMES)
    throttles.check("GetApp", "us-east-1", 0.0)

    with pytest.raises(TooManyRequestsException):
        throttles.check("GetApp", "us-east-1", 0.0)


def test_unknown_name_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="throttles names operations that there are not: GetAp"):
        Throttles({"GetAp": Throttle(rate=1)}, NAMES)


def test_no_limit_by_default(client: Any) -> None:
    answers = [client.get_apps() for _ in range(30)]

    assert {answer["ResponseMetadata"]["HTTPStatusCode"] for answer in answers} == {200}


def test_throttled_call_is_told_when_to_come_again(serve: Serve) -> None:
    server = serve(throttles={"GetApps": {"rate": 2}})
    raw, client = Raw(server), make_client(server)
    raw.send("GET", "/v1/apps")
    raw.send("GET", "/v1/apps")

    answer = raw.send("GET", "/v1/apps")

    assert answer.status == 429
    assert answer.headers["retry-after"] == "1"
    assert refusal(client.get_apps) == (429, "TooManyRequestsException", "Too many requests")
    client.close()


def test_throttled_call_changes_nothing(serve: Serve) -> None:
    raw = Raw(serve(throttles={"CreateApp": {"rate": 1}}))

    statuses = [raw.send("POST", "/v1/apps", {"Name": "shop"}).status for _ in range(3)]

    assert statuses == [201, 429, 429]
    assert len(raw.send("GET", "/v1/apps").json["Item"]) == 1


def test_stranger_empties_no_bucket(serve: Serve) -> None:
    raw = Raw(serve(throttles={"GetApps": {"rate": 1}}))

    assert [raw.send_unsigned("GET", "/v1/apps").status for _ in range(3)] == [403, 403, 403]
    assert raw.send("GET", "/v1/apps").status == 200


def test_of_301_calls_in_one_second_one_is_refused() -> None:
    throttles = Throttles(PINPOINT, OPERATIONS)
    refused = 0

    for number in range(301):
        try:
            throttles.check("GetApp", "us-east-1", 1000 + number / 301)
        except TooManyRequestsException:
            refused += 1
    throttles.check("SendMessages", "us-east-1", 1001)

    assert refused == 1


def test_published_rates_are_kept_over_http(serve: Serve) -> None:
    raw = Raw(serve(pinpoint_throttles=True))
    headers = raw.sign("POST", "/v1/phone/number/validate", b"{}")

    # 21 calls in one go, so that a slow machine has them in one second too.
    request = raw.bytes_of("POST", "/v1/phone/number/validate", headers, b"{}")
    answer = raw.send_bytes(request * 20 + request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))

    assert answer.count(b"HTTP/1.1 429 ") == 1
    assert raw.send("GET", "/v1/apps").status == 200
