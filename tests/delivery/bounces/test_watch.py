"""Mailboxes of bounces, on an IMAP server over real sockets."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.bounces import imap as bounces_imap
from repoint.delivery.bounces import watch
from repoint.delivery.bounces.imap import FAILURES
from repoint.delivery.bounces.mail import MAX_BYTES
from repoint.delivery.bounces.watch import Counts, read_mailbox, watch_bounce_mailboxes
from repoint.delivery.sent import Sent, note_sent
from repoint.discover import discover
from repoint.dispatch import dispatch_local
from repoint.events.email_records import Mail
from repoint.queue import TaskContext
from repoint.settings import Settings
from repoint.tables import BounceMailbox
from tests.delivery.bounces import mails
from tests.fixtures.certificates import serving
from tests.fixtures.imap import ImapServer

FREE = Query("free", "UPDATE bounce_mailboxes SET next_at = now() - interval '1 second'")
TYPES = Query("types", "SELECT event_type FROM events ORDER BY position")


@pytest.fixture
def imap() -> Iterator[ImapServer]:
    """A server without TLS."""
    with ImapServer().running() as server:
        yield server


def box(server: ImapServer, **options: Any) -> BounceMailbox:
    """The mailbox on it."""
    given = {"host": "127.0.0.1", "port": server.port, "user": "bounces", "password": server.password}
    plain = {"tls": "none", "allow_plain_auth": True, "timeout_s": 5}
    return BounceMailbox.model_validate({**given, **plain, **options})


@pytest.fixture
async def context(database: Database, settings: Settings) -> TaskContext:
    """A worker's, in whose database the message is known that bounces."""
    discover()
    made = await dispatch_local(settings, database, "CreateApp", {"CreateApplicationRequest": {"Name": "Shop"}})
    now = datetime.now(UTC)
    mail = Mail(mails.MESSAGE_ID, now, "news@shop.example", "ann@example.net", "Hello", [])
    async with database.transaction() as db:
        await note_sent(db, made["Id"], now, [Sent(mails.MESSAGE_ID, now, "EMAIL", "c", None, mail)])
    return TaskContext(database, settings, "worker")


async def types(context: TaskContext) -> list[str]:
    async with context.database.connection() as db:
        return [row["event_type"] for row in await db.rows(TYPES)]


async def free(context: TaskContext) -> None:
    """Have the mailbox be due again."""
    async with context.database.connection() as db:
        await db.execute(FREE)


async def test_unread_mails_are_noted_and_marked(context: TaskContext, imap: ImapServer) -> None:
    imap.put(mails.POSTFIX_DELAYED)
    imap.put(mails.VACATION)
    imap.put(mails.POSTFIX)
    imap.put(mails.ABUSE).flags.add("\\Seen")

    counts = await read_mailbox(context, "bounces", box(imap))

    assert counts == Counts(mails=3, noted=2)
    assert await types(context) == ["_email.softbounce", "_email.hardbounce"]
    assert imap.flags() == [{"\\Seen"}] * 4
    assert imap.commands[-1] == "LOGOUT"


@pytest.mark.parametrize(
    "capabilities", ["IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS", "IMAP4rev1 AUTH=PLAIN UIDPLUS", "IMAP4rev1 AUTH=PLAIN"]
)
async def test_bounces_are_moved_where_there_is_a_folder(
    context: TaskContext, imap: ImapServer, capabilities: str
) -> None:
    imap.capabilities = capabilities
    imap.put(mails.POSTFIX)
    imap.put(mails.VACATION)

    await read_mailbox(context, "bounces", box(imap, done_folder="Done mails"))
    await free(context)
    await read_mailbox(context, "bounces", box(imap, done_folder="Done mails"))

    assert await types(context) == ["_email.hardbounce"]
    assert [mail.content for mail in imap.folders["Done mails"]] == [mails.POSTFIX]
    left = [mails.VACATION] if "UIDPLUS" in capabilities else [mails.POSTFIX, mails.VACATION]
    assert [mail.content for mail in imap.folders["INBOX"]] == left


async def test_a_mail_that_was_noted_and_not_marked_is_noted_once(context: TaskContext, imap: ImapServer) -> None:
    imap.put(mails.POSTFIX_DELAYED)
    imap.drops_at = "UID STORE"

    with pytest.raises(FAILURES):
        await read_mailbox(context, "bounces", box(imap))
    imap.drops_at = None
    await free(context)
    counts = await read_mailbox(context, "bounces", box(imap))

    assert counts == Counts(mails=1, noted=0)
    assert await types(context) == ["_email.softbounce"]
    assert imap.flags() == [{"\\Seen"}]


async def test_one_worker_reads_a_mailbox_once_an_interval(context: TaskContext, imap: ImapServer) -> None:
    first, second = await asyncio.gather(*(read_mailbox(context, "bounces", box(imap)) for _ in range(2)))
    other = await read_mailbox(context, "another", box(imap))

    assert sorted(str(each) for each in (first, second)) == [str(Counts()), "None"]
    assert other == Counts()


async def test_a_mail_of_many_megabytes_is_read_as_far_as_need_be(context: TaskContext, imap: ImapServer) -> None:
    imap.put(mails.POSTFIX.replace(b"\r\nHi\r\n", b"\r\n" + b"x" * 20_000_000))

    counts = await read_mailbox(context, "bounces", box(imap))

    assert counts == Counts(mails=1, noted=1)
    assert imap.commands[-3] == f"UID FETCH 1 (BODY.PEEK[]<0.{MAX_BYTES}>)"


async def test_a_mailbox_of_very_many_mails_is_read_some_at_a_time(
    context: TaskContext, imap: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MOST_MAILS", 3)
    monkeypatch.setattr(bounces_imap, "MOST_MAILS", 3)
    imap.first_uid = 4_000_000_000
    for _ in range(160_000):
        imap.put(mails.VACATION)
    for kept in imap.folders["INBOX"][:60_000]:
        kept.flags.add("\\Seen")
    imap.put(mails.POSTFIX)

    counts = await read_mailbox(context, "bounces", box(imap))
    again = await read_mailbox(context, "bounces", box(imap))

    assert counts == again == Counts(mails=3, noted=0)
    searches = [command for command in imap.commands if "SEARCH" in command]
    assert searches == [f"UID SEARCH {at} UNSEEN UNDELETED" for at in ("1:50000", "50001:100000")] * 2


@pytest.mark.parametrize("capabilities", ["IMAP4rev1 AUTH=PLAIN", "IMAP4rev1"])
async def test_a_wrong_password_is_told_by_what_it_is(
    context: TaskContext, imap: ImapServer, capabilities: str
) -> None:
    imap.capabilities = capabilities

    with pytest.raises(FAILURES) as caught:
        await read_mailbox(context, "bounces", box(imap, password="a-secret"))

    assert str(caught.value) == "the server does not take user and password: wrong user or password"


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_the_connection_is_encrypted_and_the_server_proved(
    context: TaskContext, tmp_path: Path, tls: str
) -> None:
    server, (certificate, ca_file) = ImapServer(), serving("localhost", tmp_path)
    server.capabilities += " STARTTLS"
    server.put(mails.POSTFIX)
    with server.running(**{"tls" if tls == "implicit" else "starttls": certificate}):
        given = {"host": "localhost", "tls": tls, "allow_plain_auth": False}
        with pytest.raises(FAILURES, match="certificate"):
            await read_mailbox(context, "bounces", box(server, **given))
        assert not any(server.password in command for command in server.commands)
        await free(context)

        counts = await read_mailbox(context, "bounces", box(server, **given, ca_file=ca_file))

    assert counts == Counts(mails=1, noted=1)


async def test_a_server_without_plain_is_logged_in_to(context: TaskContext, imap: ImapServer) -> None:
    imap.capabilities = "IMAP4rev1"

    assert await read_mailbox(context, "bounces", box(imap)) == Counts()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"password": "wrong"}, {}, id="wrong password"),
        pytest.param({"folder": "Nowhere"}, {}, id="no folder"),
        pytest.param({}, {"UID SEARCH": b"\xff\xff\r\n" * 3}, id="nonsense"),
        pytest.param({}, {"UID FETCH": b"* 1 FETCH (BODY[]<0> {99999999999}\r\nx"}, id="a giant"),
        pytest.param({}, {"UID SEARCH": b"* SEARCH " + b"1 " * 2_000_000 + b"\r\n"}, id="a line without end"),
        pytest.param({"timeout_s": 0.5}, {"UID FETCH": b"* 1 FETCH (BODY[]<0> {500}\r\nx"}, id="silence"),
    ],
)
async def test_a_server_that_does_not_play_along_fails_and_nothing_is_noted(
    context: TaskContext, imap: ImapServer, options: dict[str, Any], says: dict[str, bytes]
) -> None:
    imap.put(mails.POSTFIX)
    imap.says = says

    async with asyncio.timeout(20):
        with pytest.raises(FAILURES):
            await read_mailbox(context, "bounces", box(imap, **options))

    assert await types(context) == []
    assert imap.flags() == [set()]


async def test_the_worker_reads_on_after_a_failure(
    context: TaskContext, imap: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0.05)
    boxes = {"gone": box(imap, host="127.0.0.1", port=1), "bounces": box(imap, interval_s=1)}
    settings = context.settings.model_copy(update={"bounce_mailboxes": boxes})
    imap.put(mails.POSTFIX)
    imap.drops_at = "SELECT"

    watching = asyncio.create_task(watch_bounce_mailboxes(TaskContext(context.database, settings, "worker")))
    async with asyncio.timeout(20):
        while "SELECT" not in "".join(imap.commands):  # noqa: ASYNC110 - a thread's
            await asyncio.sleep(0.02)
        imap.drops_at = None
        while await types(context) != ["_email.hardbounce"]:  # noqa: ASYNC110 - a database's
            await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert await types(context) == ["_email.hardbounce"]


def test_a_password_is_not_sent_in_plain_unless_that_is_allowed() -> None:
    with pytest.raises(ValueError, match="allow_plain_auth"):
        BounceMailbox.model_validate({"host": "h", "user": "u", "password": "p", "tls": "none"})
