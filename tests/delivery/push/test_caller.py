"""Requests over HTTP/1.1, some at a time."""

import asyncio
import gzip
import threading

from repoint.delivery.http2.exchange import Answer, NoAnswer, Request
from repoint.delivery.push.caller import open_http1
from repoint.delivery.push.host import PushOptions
from tests.fixtures.receiver import Answer as Reply
from tests.fixtures.receiver import Received, Receiver

PATIENT = PushOptions(connect_timeout_s=5, answer_timeout_s=5)


def hanging(receiver: Receiver) -> threading.Event:
    """Have nothing answered until the event."""
    is_over = threading.Event()

    def hang(_: Received) -> Reply:
        is_over.wait(5)
        return Reply()

    receiver.answer = hang
    return is_over


async def test_answers_are_not_unpacked(receiver: Receiver) -> None:
    """Nobody has asked for packed ones, and a small one may hold a very large one."""
    packed = gzip.compress(b"x" * 10_000_000)
    receiver.answer = lambda _: Reply(body=packed, headers={"Content-Encoding": "gzip"})

    async with open_http1(PATIENT, 1) as client:
        answer = await client.post(receiver.url, (), b"")

    assert isinstance(answer, Answer)
    assert answer.body == packed
    assert receiver.received[0].headers["accept-encoding"] == "identity"


async def test_of_a_long_answer_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(body=b"x" * 1_000_000)

    async with open_http1(PATIENT, 1) as client:
        answers = [await client.post(receiver.url, (), b"") for _ in range(2)]

    assert [len(answer.body) for answer in answers if isinstance(answer, Answer)] == [32_768] * 2


async def test_who_waits_long_for_a_turn_is_not_in_doubt(receiver: Receiver) -> None:
    """Behind one that is not answered; nobody waits longer than for an answer of its own."""
    is_over = hanging(receiver)
    async with open_http1(PushOptions(connect_timeout_s=0.1, answer_timeout_s=0.4), 1) as client:
        answers = await asyncio.gather(*(client.post(receiver.url, (), b"%d" % number) for number in range(4)))
    is_over.set()

    assert answers[0] == NoAnswer("the server did not answer in time", is_late=True, is_in_doubt=True)
    assert answers[-1] == NoAnswer("the server lets no more requests in", is_late=True)


async def test_what_nobody_waits_for_any_more_is_not_sent(receiver: Receiver) -> None:
    is_over = hanging(receiver)
    loop = asyncio.get_running_loop()
    requests = [Request(b"/%d" % number, (), (), b"", loop.create_future()) for number in range(3)]
    async with open_http1(PATIENT, 1) as client:
        for request in requests:
            client.to(receiver.url).send(request)
        while not receiver.received:  # noqa: ASYNC110 - what has arrived tells nobody
            await asyncio.sleep(0.01)
        requests[1].answer.cancel()
        is_over.set()
        answer = await requests[2].answer

    assert isinstance(answer, Answer)
    assert [asked.path for asked in receiver.received] == ["/0", "/2"]


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(307, headers={"Location": f"{receiver.url}/elsewhere"})

    async with open_http1(PATIENT, 1) as client:
        answer = await client.post(receiver.url, ((b"authorization", b"Bearer t"),), b"{}")

    assert isinstance(answer, Answer)
    assert answer.status == 307
    assert [asked.path for asked in receiver.received] == ["/"]
