"""Connections: how many there are, how long they last, and what becomes of those who wait for one."""

import asyncio

from repoint.delivery.outcome import Outcome, Status
from tests.fixtures.mail_server import END, GROUP, MailServer, Peer, played
from tests.fixtures.messages import email
from tests.fixtures.sending import sending


async def test_many_messages_are_spread_over_connections_that_are_used_again(mail_server: MailServer) -> None:
    async with sending(mail_server.port, connections=4) as provider:
        first = await provider.send([email(number) for number in range(100)])
        second = await asyncio.gather(*(provider.send([email(number)]) for number in range(100, 110)))

    assert {outcome.status for outcome in [*first, *(outcome for (outcome,) in second)]} == {Status.SUCCESSFUL}
    assert sorted(mail.recipient for mail in mail_server.received) == sorted(f"user{n}@example.com" for n in range(110))
    assert mail_server.connections == 4
    assert {mail.connection for mail in mail_server.received} == {1, 2, 3, 4}


async def test_a_connection_is_closed_after_its_share(mail_server: MailServer) -> None:
    async with sending(mail_server.port, connections=1, messages_per_connection=3) as provider:
        outcomes = await provider.send([email(number) for number in range(7)])

    assert {outcome.status for outcome in outcomes} == {Status.SUCCESSFUL}
    assert [mail.connection for mail in mail_server.received] == [1, 1, 1, 2, 2, 2, 3]


async def test_an_idle_connection_is_closed(mail_server: MailServer) -> None:
    async with sending(mail_server.port, idle_timeout_s=0.05) as provider:
        await provider.send([email(1)])
        await mail_server.sessions[0].wait_lost()
        outcomes = await provider.send([email(2)])

    assert [outcome.status for outcome in outcomes] == [Status.SUCCESSFUL]
    assert [mail.connection for mail in mail_server.received] == [1, 2]


async def test_connections_that_the_server_dropped_meanwhile_cost_nothing(mail_server: MailServer) -> None:
    async with sending(mail_server.port, connections=8) as provider:
        await provider.send([email(number) for number in range(8)])
        mail_server.drop_all()
        outcomes = await provider.send([email(number) for number in range(8, 12)])

    assert [outcome.status for outcome in outcomes] == [Status.SUCCESSFUL] * 4
    assert len(mail_server.received) == 12


async def test_a_server_that_is_stuck_is_not_asked_again_for_each_message() -> None:
    async def play(peer: Peer) -> None:
        await peer.greet("PIPELINING")
        await peer.wait_lost()

    async with asyncio.timeout(2):
        async with played(play) as port, sending(port, connections=2, command_timeout_s=0.2) as provider:
            outcomes = await provider.send([email(number) for number in range(50)])

    assert {(outcome.status, outcome.status_code) for outcome in outcomes} == {(Status.TEMPORARY_FAILURE, 504)}


async def test_nobody_listening_is_a_temporary_failure() -> None:
    async with played(lambda _: asyncio.sleep(0)) as port:
        pass

    async with sending(port) as provider:
        outcomes = await provider.send([email(1), email(2)])

    assert {(outcome.status, outcome.status_code) for outcome in outcomes} == {(Status.TEMPORARY_FAILURE, 500)}
    assert f"127.0.0.1:{port}" in outcomes[0].detail


async def test_a_server_that_lets_nobody_in_is_asked_once() -> None:
    asked: list[int] = []

    async def play(peer: Peer) -> None:
        asked.append(1)
        await peer.say("554 5.7.1 not you")

    async with played(play) as port, sending(port, connections=8) as provider:
        outcomes = await provider.send([email(number) for number in range(40)])

    told = f"127.0.0.1:{port}: the server does not want us: 554 5.7.1 not you"
    assert outcomes == [Outcome(Status.TEMPORARY_FAILURE, 500, told)] * 40
    assert len(asked) == 1


async def test_a_server_that_takes_few_connections_gets_everything_over_these() -> None:
    over: list[int] = []

    async def play(peer: Peer) -> None:
        over.append(1)
        if len(over) > 2:
            await peer.say("421 4.7.0 too many connections")
            return
        await peer.greet("PIPELINING")
        try:
            while True:
                await peer.hear_until(GROUP)
                await peer.say("250 ok", "250 ok", "354 go on")
                await peer.hear_until(END)
                await peer.say("250 ok")
        except asyncio.IncompleteReadError:
            return

    async with played(play) as port, sending(port, connections=8) as provider:
        first = await provider.send([email(number) for number in range(40)])
        second = await provider.send([email(number) for number in range(40)])

    assert [outcome.status for outcome in first + second] == [Status.SUCCESSFUL] * 80
    assert len(over) == 8
