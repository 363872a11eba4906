"""Hooks: what they are asked, what their answers do, and what becomes of endpoints when they fail."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoint.campaigns.hooks import Answer as HookAnswer
from repoint.campaigns.hooks import Hook, HookFailure, Kept, open_hook
from repoint.delivery.definition import endpoint_definition
from repoint.functions import call as module
from repoint.functions.call import Callee, open_functions
from repoint.functions.result import Returned
from repoint.settings import Settings
from tests.fixtures.certificates import serving
from tests.fixtures.receiver import Answer, Received, Receiver

HANDLERS = Path(__file__).with_name("handlers.py")
CAMPAIGN = "arn:aws:mobiletargeting:us-east-1:000000000000:apps/a1/campaigns/c1"
ENVELOPE = {"MessageConfiguration": {"SMSMessage": {"Body": "Hi"}}, "ApplicationId": "a1", "CampaignId": "c1"}
HERE = (ip_network("127.0.0.0/8"),)


def endpoint(endpoint_id: str = "e-1", **members: Any) -> dict[str, Any]:
    """One as GetEndpoint answers it."""
    return {
        "Id": endpoint_id,
        "ApplicationId": "a1",
        "ChannelType": "SMS",
        "Address": "+14255550199",
        "EndpointStatus": "ACTIVE",
        "OptOut": "NONE",
        "Attributes": {},
        "Metrics": {},
        "User": {},
        "CohortId": "42",
        "CreationDate": "2020-04-01T01:05:17.267Z",
        "EffectiveDate": "2020-04-01T01:05:17.267Z",
        **members,
    }


async def ask(
    hook: Mapping[str, str],
    *endpoints: dict[str, Any],
    functions: Any = None,
    most_endpoints: int = 50,
    timeout_s: float = 15,
    **changes: Any,
) -> dict[str, HookAnswer]:
    """Ask a hook about these, by default in the test's own network."""
    given = Settings(**{"functions": functions or {}, "allowed_private_networks": HERE, **changes})
    async with (
        open_functions(given) as opened,
        open_hook(opened, hook, most_endpoints=most_endpoints, source_arn=CAMPAIGN, timeout_s=timeout_s) as found,
    ):
        return await found.ask(ENVELOPE, {each["Id"]: each for each in endpoints})


async def ask_function(handler: str, *endpoints: dict[str, Any], **function: Any) -> dict[str, HookAnswer]:
    """Ask a file, in a process of its own."""
    file = {"file": f"{HANDLERS}:{handler}", "processes": 1, **function}
    return await ask({"LambdaFunctionName": "hook", "Mode": "FILTER"}, *endpoints, functions={"hook": file})


async def answered(receiver: Receiver, definition: Any, **members: Any) -> HookAnswer:
    """What becomes of an endpoint of which this is answered."""
    receiver.answer = lambda _: Answer(200, json.dumps({"e-1": definition}).encode())
    return (await ask({"WebUrl": receiver.url}, endpoint(**members)))["e-1"]


def changing(change: Callable[[dict[str, Any]], Any]) -> Callable[[Received], Answer]:
    """Answer the endpoints with this done to them."""

    def answer(received: Received) -> Answer:
        endpoints = json.loads(received.body)["Endpoints"]
        change(endpoints)
        return Answer(200, json.dumps(endpoints).encode())

    return answer


def kept(found: HookAnswer) -> Kept:
    assert isinstance(found, Kept), found
    return found


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(module, "WAITS_S", (0.0, 0.0))


@pytest.fixture
def silence(receiver: Receiver) -> Iterator[None]:
    """A receiver that does not answer."""
    is_over = threading.Event()

    def answer(_: Received) -> Answer:
        is_over.wait(5)
        return Answer(is_dropped=True)

    receiver.answer = answer
    yield
    is_over.set()


async def test_a_function_leaves_out_and_changes_endpoints() -> None:
    trial = endpoint("e-2", Attributes={"plan": ["trial"]})
    pro = endpoint("e-3", Attributes={"plan": ["pro"]}, User={"UserId": "u"})

    found = await ask_function("offer", endpoint("e-1"), trial, pro)

    assert found == {
        "e-1": Kept(endpoint("e-1", Attributes={"Offer": ["720"]})),
        "e-2": None,
        "e-3": Kept(endpoint("e-3", Attributes={"plan": ["pro"], "Offer": ["720"]}, User={"UserId": "u"})),
    }


async def test_words_for_one_message_go_with_the_channels_that_take_them() -> None:
    types = ["ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM", "SMS"]
    others = ["EMAIL", "VOICE", "CUSTOM"]

    found = await ask_function("greet", *(endpoint(each, ChannelType=each) for each in types + others))

    words = {"TitleOverride": "Hello", "BodyOverride": "11 of you"}
    assert found == {each: Kept(endpoint(each, ChannelType=each), words if each in types else {}) for each in found}
    assert list(found) == types + others


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        ("throw", "threw: the function failed: LookupError"),
        ("leave", "crashed: the process ended with exit code 3"),
        ("none", "threw: the function failed: Runtime.HandlerNotFound"),
    ],
)
async def test_a_function_that_fails_is_a_failure_of_every_endpoint(handler: str, reason: str) -> None:
    found = await ask_function(handler, endpoint("e-1"), endpoint("e-2"))

    assert found == {"e-1": HookFailure(reason), "e-2": HookFailure(reason)}


@pytest.mark.usefixtures("hasty")
async def test_a_function_that_does_not_end_is_given_up() -> None:
    found = await ask_function("wait", endpoint(), timeout_s=0.3)

    assert found == {"e-1": HookFailure("timed out: no answer within 0.3 s")}


async def test_only_a_campaign_that_the_function_allows_may_ask_it() -> None:
    allow = [CAMPAIGN.replace("a1", "a2")]

    found = await ask_function("offer", endpoint(), allow=allow)

    assert found == {"e-1": HookFailure(f"not allowed: functions.hook.allow does not fit {CAMPAIGN}")}


async def test_a_function_that_nobody_knows_is_a_failure() -> None:
    found = await ask({"LambdaFunctionName": "no name"}, endpoint())

    assert found == {"e-1": HookFailure("not found: 'no name' is no name and no ARN of a function")}


async def test_a_hook_that_names_nothing_keeps_everybody() -> None:
    assert await ask({"Mode": "FILTER"}, endpoint()) == {"e-1": Kept(endpoint())}


async def test_a_url_is_posted_the_endpoints_over_tls(tmp_path: Path) -> None:
    context, ca_file = serving("localhost", tmp_path)
    secure = Receiver()
    secure.answer = changing(lambda endpoints: endpoints["e-1"]["Attributes"].update(Offer=["20 %"]))

    with secure.running(context):
        found = await ask(
            {"WebUrl": f"https://localhost:{secure.port}/hook?key=1"},
            endpoint(),
            allowed_private_networks=(*HERE, ip_network("::1/128")),
            webhook_ca_file=ca_file,
        )

    assert found == {"e-1": Kept(endpoint(Attributes={"Offer": ["20 %"]}))}
    [received] = secure.received
    assert (received.method, received.path) == ("POST", "/hook?key=1")
    assert received.headers["content-type"] == "application/json"
    assert received.body.decode() == (
        '{"MessageConfiguration":{"SMSMessage":{"Body":"Hi"}},"ApplicationId":"a1","CampaignId":"c1",'
        '"Endpoints":{"e-1":{"ChannelType":"SMS","Address":"+14255550199","EndpointStatus":"ACTIVE","OptOut":"NONE",'
        '"EffectiveDate":"2020-04-01T01:05:17.267Z","Attributes":{"CohortId":["42"]},"User":{},'
        '"CreationDate":"2020-04-01T01:05:17.267Z"}}}'
    )


async def test_private_addresses_are_not_asked(receiver: Receiver) -> None:
    url = receiver.url.replace("http:", "https:")

    found = await ask({"WebUrl": url}, endpoint(), allowed_private_networks=())

    reason = "not allowed: 127.0.0.1 is not on the public internet, see allowed_private_networks"
    assert found == {"e-1": HookFailure(reason)}
    assert receiver.received == []


async def test_batches_succeed_and_fail_each_by_itself(receiver: Receiver) -> None:
    def answer(received: Received) -> Answer:
        ids = list(json.loads(received.body)["Endpoints"])
        return Answer(400) if "e-2" in ids else Answer(200, json.dumps({each: {} for each in ids}).encode())

    receiver.answer = answer

    found = await ask({"WebUrl": receiver.url}, *(endpoint(f"e-{n}") for n in range(5)), most_endpoints=2)

    asked = [list(json.loads(each.body)["Endpoints"]) for each in receiver.received]
    assert sorted(asked) == [["e-0", "e-1"], ["e-2", "e-3"], ["e-4"]]
    failure = HookFailure("threw: 127.0.0.1 answered 400")
    assert found == {
        "e-0": Kept(endpoint("e-0")),
        "e-1": Kept(endpoint("e-1")),
        "e-2": failure,
        "e-3": failure,
        "e-4": Kept(endpoint("e-4")),
    }


async def test_endpoints_that_are_too_large_together_are_asked_about_apart(receiver: Receiver) -> None:
    receiver.answer = changing(lambda endpoints: [each.pop("Address") for each in endpoints.values()])
    large = [endpoint(name, Address="x" * (4 << 20)) for name in ("e-1", "e-2")]

    found = await ask({"WebUrl": receiver.url}, *large)

    assert [len(json.loads(each.body)["Endpoints"]) for each in receiver.received] == [1, 1]
    assert found == {"e-1": Kept(large[0]), "e-2": Kept(large[1])}


async def test_an_endpoint_that_is_too_large_fails_by_itself(receiver: Receiver) -> None:
    receiver.answer = changing(lambda _: None)

    found = await ask({"WebUrl": receiver.url}, endpoint("e-1", Address="x" * (6 << 20)), endpoint("e-2"))

    failure = found["e-1"]
    assert isinstance(failure, HookFailure)
    assert failure.reason.startswith("too large: the payload, ")
    assert found["e-2"] == Kept(endpoint("e-2"))


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("answer", "calls", "reason"),
    [
        (Answer(500), 3, "unreachable: 127.0.0.1 answered 500"),
        (Answer(400), 1, "threw: 127.0.0.1 answered 400"),
        (Answer(302, headers={"Location": "/"}), 1, "threw: 127.0.0.1 answered 302"),
        (Answer(200, b"OK"), 1, "answered no JSON: the answer, 2 bytes, is not JSON"),
        (Answer(200, b'{"e-1": {"a": "\\ud800"}}'), 1, "answered no JSON: the answer, 24 bytes, is not JSON"),
        (Answer(200, b"x" * 6_291_457), 1, "too large: the answer has more than 6291456 bytes"),
        (Answer(200), 1, "the hook answered no object with endpoints"),
        (Answer(200, b'["e-1"]'), 1, "the hook answered no object with endpoints"),
        (Answer(200, b'"done"'), 1, "the hook answered no object with endpoints"),
    ],
)
async def test_an_answer_that_says_nothing_of_endpoints_is_a_failure(
    receiver: Receiver, answer: Answer, calls: int, reason: str
) -> None:
    receiver.answer = lambda _: answer

    found = await ask({"WebUrl": receiver.url}, endpoint())

    assert found == {"e-1": HookFailure(reason)}
    assert len(receiver.received) == calls


@pytest.mark.usefixtures("hasty")
async def test_a_url_that_closes_the_connection_is_asked_three_times(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(is_dropped=True)

    found = await ask({"WebUrl": receiver.url}, endpoint())

    failure = found["e-1"]
    assert isinstance(failure, HookFailure)
    assert failure.reason.startswith("unreachable: 127.0.0.1 could not be called: ")
    assert len(receiver.received) == 3


@pytest.mark.usefixtures("hasty", "silence")
async def test_a_url_that_hangs_is_asked_three_times(receiver: Receiver) -> None:
    found = await ask({"WebUrl": receiver.url}, endpoint(), timeout_s=0.2)

    assert found == {"e-1": HookFailure("timed out: 127.0.0.1 did not answer in time")}
    assert len(receiver.received) == 3


@pytest.mark.usefixtures("hasty")
async def test_what_passes_is_no_failure(receiver: Receiver) -> None:
    left = [Answer(503), Answer(is_dropped=True), Answer(200, b'{"e-1": {}}')]
    receiver.answer = lambda _: left.pop(0)

    assert await ask({"WebUrl": receiver.url}, endpoint()) == {"e-1": Kept(endpoint())}


async def test_ids_that_were_not_sent_and_other_keys_are_ignored(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, b'{"E-1": {}, "e-3": 5, "Endpoints": {"e-2": {}}, "e-1": {"Extra": [{}]}}')

    found = await ask({"WebUrl": receiver.url}, endpoint("e-1"), endpoint("e-2"))

    assert found == {"e-1": Kept(endpoint("e-1")), "e-2": None}


async def test_an_emptied_definition_leaves_the_endpoint_out(receiver: Receiver) -> None:
    assert await answered(receiver, None) is None


@pytest.mark.parametrize("definition", [{"OptOut": "ALL"}, {"EndpointStatus": "INACTIVE"}])
async def test_who_is_to_have_opted_out_is_left_out(receiver: Receiver, definition: dict[str, str]) -> None:
    assert await answered(receiver, definition) is None


async def test_every_member_that_may_change_does(receiver: Receiver) -> None:
    definition: dict[str, Any] = {
        "ChannelType": "EMAIL",
        "Address": "ann@example.com",
        "Location": {"City": "Riga"},
        "Demographic": {"Timezone": "Europe/Riga"},
        "Attributes": {"plan": ["pro"]},
        "Metrics": {"visits": 4},
        "User": {"UserId": "u2", "UserAttributes": {"name": ["Ann"]}},
    }

    found = await answered(receiver, definition, Location={"City": "Oslo", "Country": "NO"})

    assert kept(found).endpoint == endpoint(**definition)


async def test_members_that_are_ours_stay(receiver: Receiver) -> None:
    ours = {"Id": "e-9", "ApplicationId": "a9", "CohortId": "9", "CreationDate": "x", "RequestId": "r"}

    found = await answered(receiver, {**ours, "EffectiveDate": "2026-01-01T00:00:00Z"})

    assert found == Kept(endpoint())


@pytest.mark.parametrize(
    ("stored", "answer", "expected"),
    [
        ({}, {"CohortId": ["42"], "a": ["b"]}, {"a": ["b"]}),
        ({}, {"CohortId": ["7"]}, {}),
        ({"a": ["b"]}, {"CohortId": ["42"]}, {}),
        ({"CohortId": ["own"]}, {"CohortId": ["own"], "a": ["b"]}, {"CohortId": ["own"], "a": ["b"]}),
        ({"CohortId": ["own"]}, {"CohortId": ["new"]}, {"CohortId": ["new"]}),
    ],
)
async def test_the_cohort_is_an_attribute_for_the_hook_only(
    receiver: Receiver, stored: Any, answer: Any, expected: Any
) -> None:
    found = await answered(receiver, {"Attributes": answer}, Attributes=stored)

    assert kept(found).endpoint["Attributes"] == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"n": [720, 12.5, -1, True]}, {"n": ["720", "12.5", "-1", "true"]}),
        ({"n": 720}, {"n": ["720"]}),
        ({"n": "one"}, {"n": ["one"]}),
        ({"n": [None, "a"], "m": None}, {"n": ["a"]}),
        ({"n": []}, {"n": []}),
        ({"n": ["x" * 1000]}, {"n": ["x" * 1000]}),
    ],
)
async def test_values_of_attributes_become_lists_of_texts(
    receiver: Receiver, attributes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert kept(await answered(receiver, {"Attributes": attributes})).endpoint["Attributes"] == expected


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ("keep", "Unexpected value: expected an object at line 1, column 1"),
        ([1], "Unexpected value: expected an object at line 1, column 1"),
        (False, "Unexpected value: expected an object at line 1, column 1"),
        ({"Attributes": {"a": [{"deep": 1}]}}, "Invalid Attributes.a"),
        ({"Attributes": ["a"]}, "Invalid Attributes"),
        ({"ChannelType": "PIGEON"}, "Invalid ChannelType: PIGEON"),
        ({"Address": ["+14255550199"]}, "Invalid Address"),
        ({"Metrics": {"a": "many"}}, "Invalid Metrics.a: many"),
        ({"Location": {"Latitude": "north"}}, "Invalid Latitude: north"),
        ({"User": "ann"}, "Invalid User"),
        ({"Address": "a\0b"}, "Invalid character"),
        ({"BodyOverride": ["Hi"]}, "Invalid BodyOverride"),
    ],
)
async def test_a_definition_that_cannot_be_read_fails_alone(receiver: Receiver, definition: Any, reason: str) -> None:
    receiver.answer = lambda _: Answer(200, json.dumps({"e-1": definition, "e-2": {}}).encode())

    found = await ask({"WebUrl": receiver.url}, endpoint("e-1"), endpoint("e-2"))

    assert found == {
        "e-1": HookFailure(f"the hook's definition of the endpoint cannot be read: {reason}"),
        "e-2": Kept(endpoint("e-2")),
    }


async def test_a_definition_of_many_levels_fails_alone(receiver: Receiver) -> None:
    deep = "[" * 200 + "]" * 200
    receiver.answer = lambda _: Answer(200, f'{{"e-1": {{"Extra": {deep}}}, "e-2": {{}}}}'.encode())

    found = await ask({"WebUrl": receiver.url}, endpoint("e-1"), endpoint("e-2"))

    assert isinstance(found["e-1"], HookFailure)
    assert found["e-2"] == Kept(endpoint("e-2"))


async def test_empty_words_are_none_and_numbers_are_texts(receiver: Receiver) -> None:
    found = await answered(receiver, {"TitleOverride": "", "BodyOverride": 5})

    assert kept(found).own == {"BodyOverride": "5"}


class Answering:
    """A way to a function that answers this."""

    def __init__(self, value: Any) -> None:
        self._value = value

    async def check(self) -> None:
        """See Callee."""
        raise AssertionError("it is called")

    async def call(self, _arn: str, _payload: bytes) -> Returned:
        """See Callee."""
        return Returned(self._value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    ["ChannelType", "Address", "OptOut", "Attributes", "Metrics", "User", "Location", "TitleOverride"]
)


@settings(max_examples=100, deadline=None)
@given(answer=JSON | st.fixed_dictionaries({"e-1": JSON | st.dictionaries(MEMBERS, JSON, max_size=4)}))
async def test_no_answer_costs_more_than_its_endpoint(answer: Any) -> None:
    hook = Hook(Callee("hook", Answering(answer)), 50)

    found = await hook.ask(ENVELOPE, {"e-1": endpoint()})

    match found["e-1"]:
        case Kept(endpoint=changed, own=own):
            texts = [text for values in changed["Attributes"].values() for text in values]
            assert all(isinstance(text, str) for text in [*texts, changed["Address"], *own.values()])
            endpoint_definition(changed)
        case other:
            assert other is None or isinstance(other, HookFailure)
