"""One connection, step by step, with servers that answer, close and fall silent at every one."""

import pytest

from repoint.delivery.outcome import Outcome, Status
from tests.fixtures.mail_server import END, GROUP, MailServer, Peer, played
from tests.fixtures.messages import HEAD, email
from tests.fixtures.sending import sending


async def test_the_next_commands_leave_with_the_message_before() -> None:
    heard: list[bytes] = []

    async def play(peer: Peer) -> None:
        await peer.greet("PIPELINING")
        heard.append(await peer.hear_some(1 << 16))
        await peer.say("250 ok", "250 ok", "354 go on")
        heard.append(await peer.hear_some(1 << 16))
        await peer.say("250 first", "250 ok", "250 ok", "354 go on")
        heard.append(await peer.hear_some(1 << 16))
        await peer.say("250 second")
        await peer.wait_lost()

    async with played(play) as port, sending(port, connections=1) as provider:
        outcomes = await provider.send([email(1), email(2)])

    envelopes = [b"MAIL FROM:<bounces@example.com>\r\nRCPT TO:<user%d@example.com>\r\nDATA\r\n" % n for n in (1, 2)]
    content = HEAD + b"\r\nHi\r\n.\r\n"
    assert heard == [envelopes[0], content + envelopes[1], content]
    assert [outcome.detail for outcome in outcomes] == ["250 first", "250 second"]


async def test_a_message_whose_last_dot_had_left_is_in_doubt_and_no_other() -> None:
    connections: list[int] = []

    async def play(peer: Peer) -> None:
        connections.append(1)
        await peer.greet("PIPELINING")
        await peer.hear_until(GROUP)
        await peer.say("250 ok", "250 ok", "354 go on")
        await peer.hear_until(END)
        if len(connections) == 1:
            await peer.hear_until(GROUP)
            peer.drop()
            return
        await peer.say("250 ok")
        await peer.wait_lost()

    async with played(play) as port, sending(port, connections=1) as provider:
        outcomes = await provider.send([email(1), email(2)])

    assert [(outcome.status, outcome.is_in_doubt) for outcome in outcomes] == [
        (Status.UNKNOWN_FAILURE, True),
        (Status.SUCCESSFUL, False),
    ]
    assert "may have been taken" in outcomes[0].detail


async def test_a_long_message_that_broke_off_is_not_in_doubt() -> None:
    async def play(peer: Peer) -> None:
        await peer.greet("PIPELINING")
        await peer.hear_until(GROUP)
        await peer.say("250 ok", "250 ok", "354 go on")
        await peer.hear_some(1000)
        peer.drop()

    body = (b"x" * 78 + b"\r\n") * 120_000
    async with played(play, room_bytes=4096) as port, sending(port) as provider:
        (outcome,) = await provider.send([email(mime=HEAD + b"\r\n" + body)])

    assert (outcome.status, outcome.is_in_doubt) == (Status.TEMPORARY_FAILURE, False)


async def test_a_long_message_arrives_whole(mail_server: MailServer) -> None:
    body = (b"x" * 78 + b"\r\n") * 40_000

    async with sending(mail_server.port) as provider:
        outcomes = await provider.send([email(1, mime=HEAD + b"\r\n" + body), email(2)])

    assert [outcome.is_sent for outcome in outcomes] == [True, True]
    assert sorted(len(mail.content) for mail in mail_server.received) == [103, 3_200_099]


async def test_an_answer_before_the_end_of_a_message_is_believed_and_the_connection_left() -> None:
    async def play(peer: Peer) -> None:
        await peer.greet("PIPELINING")
        await peer.hear_until(GROUP)
        await peer.say("250 ok", "250 ok", "354 go on")
        await peer.hear_some(1000)
        await peer.say("552 5.3.4 too large")
        await peer.wait_lost()

    body = (b"x" * 78 + b"\r\n") * 120_000
    async with played(play, room_bytes=4096) as port, sending(port) as provider:
        (outcome,) = await provider.send([email(mime=HEAD + b"\r\n" + body)])

    assert outcome == Outcome(Status.PERMANENT_FAILURE, 400, "552 5.3.4 too large")


@pytest.mark.parametrize(
    ("until", "status", "status_code", "is_in_doubt"),
    [
        ("nothing", Status.TEMPORARY_FAILURE, 504, False),
        ("greeting", Status.TEMPORARY_FAILURE, 504, False),
        ("envelope", Status.TEMPORARY_FAILURE, 504, False),
        ("message", Status.UNKNOWN_FAILURE, 500, True),
    ],
)
async def test_a_silent_server_is_not_waited_for(
    until: str,
    status: Status,
    status_code: int,
    is_in_doubt: bool,  # noqa: FBT001 - a column
) -> None:
    async def play(peer: Peer) -> None:
        if until != "nothing":
            await peer.greet("PIPELINING")
        if until in {"envelope", "message"}:
            await peer.hear_until(GROUP)
        if until == "message":
            await peer.say("250 ok", "250 ok", "354 go on")
        await peer.wait_lost()

    async with played(play) as port, sending(port, command_timeout_s=0.1, data_timeout_s=0.1) as provider:
        (outcome,) = await provider.send([email()])

    assert (outcome.status, outcome.status_code, outcome.is_in_doubt) == (status, status_code, is_in_doubt)


async def test_a_server_that_closes_after_some_messages_gets_the_others_anew() -> None:
    shares: list[int] = []

    async def play(peer: Peer) -> None:
        shares.append(0)
        await peer.greet("PIPELINING")
        while shares[-1] < 2:
            await peer.hear_until(GROUP)
            await peer.say("250 ok", "250 ok", "354 go on")
            await peer.hear_until(END)
            shares[-1] += 1
            await peer.say("250 ok")
        await peer.hear_until(GROUP)
        await peer.say("421 4.7.0 enough for one connection")

    async with played(play) as port, sending(port, connections=1) as provider:
        outcomes = await provider.send([email(number) for number in range(6)])

    assert [outcome.status for outcome in outcomes] == [Status.SUCCESSFUL] * 6
    assert shares[:3] == [2, 2, 2]


async def test_a_server_that_closes_at_once_is_told_once_a_message() -> None:
    async def play(peer: Peer) -> None:
        await peer.greet("PIPELINING")
        await peer.hear_until(GROUP)
        await peer.say("421 4.3.2 shutting down")

    async with played(play) as port, sending(port, connections=1) as provider:
        outcomes = await provider.send([email(1), email(2)])

    assert outcomes == [Outcome(Status.TEMPORARY_FAILURE, 500, "421 4.3.2 shutting down")] * 2


async def test_a_message_to_nobody_is_ended_without_content() -> None:
    heard: list[bytes] = []

    async def play(peer: Peer) -> None:
        await peer.greet("PIPELINING")
        await peer.hear_until(GROUP)
        await peer.say("250 ok", "550 no such user", "354 go on")
        heard.append(await peer.hear_until(b".\r\n"))
        await peer.say("554 no valid recipients")
        heard.append(await peer.hear_until(GROUP))
        await peer.say("250 reset", "250 ok", "250 ok", "354 go on")
        await peer.hear_until(END)
        await peer.say("250 ok")
        await peer.wait_lost()

    async with played(play) as port, sending(port, connections=1) as provider:
        outcomes = await provider.send([email(1), email(2)])

    assert [outcome.detail for outcome in outcomes] == ["550 no such user", "250 ok"]
    assert heard[0] == b".\r\n"
    assert heard[1].startswith(b"RSET\r\nMAIL FROM:")


@pytest.mark.parametrize("noise", ["HTTP/1.1 400 Bad Request", "25x what", "250-" + "x" * 70_000])
async def test_what_is_no_smtp_is_not_listened_to(noise: str) -> None:
    async def play(peer: Peer) -> None:
        await peer.greet("PIPELINING")
        await peer.hear_until(GROUP)
        await peer.say(noise)
        await peer.wait_lost()

    async with played(play) as port, sending(port) as provider:
        (outcome,) = await provider.send([email()])

    assert outcome.status == Status.TEMPORARY_FAILURE
    assert outcome.detail in {"the server does not speak SMTP", "the server's reply does not end"}
