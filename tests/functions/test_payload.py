import json
from typing import Any

from repoint.functions.payload import payloads

MESSAGE = {"Message": {}, "Data": "text", "CampaignId": "c1"}


def endpoints(count: int, padding: int = 0) -> dict[str, Any]:
    return {f"e{number}": {"Address": "é" + "x" * padding} for number in range(count)}


def test_a_payload_holds_the_message_and_endpoints_beside_each_other() -> None:
    ((ids, payload),) = payloads(MESSAGE, endpoints(2))

    assert ids == ["e0", "e1"]
    assert json.loads(payload) == {
        "Message": {},
        "Data": "text",
        "CampaignId": "c1",
        "Endpoints": {"e0": {"Address": "é"}, "e1": {"Address": "é"}},
    }


def test_fifty_endpoints_go_into_one_payload() -> None:
    found = list(payloads(MESSAGE, endpoints(120)))

    assert [len(ids) for ids, _ in found] == [50, 50, 20]
    assert [list(json.loads(payload)["Endpoints"]) for _, payload in found] == [ids for ids, _ in found]


def test_more_or_fewer_go_into_one_if_it_is_asked_for() -> None:
    assert [len(ids) for ids, _ in payloads(MESSAGE, endpoints(150), most_endpoints=100)] == [100, 50]


def test_a_payload_stays_within_what_a_function_takes() -> None:
    found = list(payloads(MESSAGE, endpoints(9, padding=2_000_000)))

    assert [len(ids) for ids, _ in found] == [3, 3, 3]
    assert all(len(payload) <= 6_291_456 for _, payload in found)


def test_a_payload_may_be_filled_to_the_last_byte() -> None:
    spare = 6_291_456 - len(json.dumps({"Endpoints": {"e0": {"A": ""}, "e1": {}}}, separators=(",", ":")))

    fitting = list(payloads({}, {"e0": {"A": "x" * spare}, "e1": {}}))
    too_large = list(payloads({}, {"e0": {"A": "x" * (spare + 1)}, "e1": {}}))

    assert [(ids, len(payload)) for ids, payload in fitting] == [(["e0", "e1"], 6_291_456)]
    assert [ids for ids, _ in too_large] == [["e0"], ["e1"]]


def test_an_endpoint_that_fits_nowhere_comes_alone() -> None:
    huge = {"a": {}, "b": {"Address": "x" * 7_000_000}, "c": {}}

    assert [ids for ids, _ in payloads(MESSAGE, huge)] == [["a"], ["b"], ["c"]]


def test_no_endpoints_make_no_payload() -> None:
    assert list(payloads(MESSAGE, {})) == []
