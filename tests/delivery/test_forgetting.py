from datetime import UTC, datetime, timedelta
from typing import LiteralString

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.mailbox import forget_mailbox
from repoint.delivery.sent import forget_sent
from repoint.queue import TaskContext
from repoint.settings import Settings

SENT = """
    INSERT INTO sent_messages (application_id, message_id, sent_at, channel_type, client_id, detail)
    VALUES (gen_random_uuid(), %(id)s, %(at)s, 'SMS', 'c', '{}')
"""
KEPT = """
    INSERT INTO mailbox (application_id, message_id, kept_at, channel_type, address, headline, content)
    VALUES (gen_random_uuid(), %(id)s, %(at)s, 'SMS', '+14255550199', 'x', '')
"""


@pytest.mark.parametrize(
    ("table", "insert"),
    [pytest.param("sent_messages", SENT, id="sent"), pytest.param("mailbox", KEPT, id="mailbox")],
)
async def test_messages_are_forgotten_when_they_are_old_enough(
    database: Database, settings: Settings, table: LiteralString, insert: LiteralString
) -> None:
    now = datetime.now(UTC)
    async with database.connection() as db:
        for name, days in (("old", 4), ("young", 2)):
            await db.execute(Query("insert", insert), {"id": name, "at": now - timedelta(days=days)})
    context = TaskContext(database, settings.model_copy(update={"event_days": 3, "mailbox_days": 3}), "worker")

    await (forget_sent if table == "sent_messages" else forget_mailbox).run(context)

    async with database.connection() as db:
        left = await db.rows(Query("left", f"SELECT message_id FROM {table}"))  # noqa: S608 - one of two names above
    assert [row["message_id"] for row in left] == ["young"]
