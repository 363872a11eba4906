"""Where providers tell what they hear: kept in the database, those together that come at one time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from repoint.db.pool import Database
from repoint.db.together import Together
from repoint.delivery.heard import Hear, Heard, Inbound, Receipt
from repoint.delivery.opened import heard_by
from repoint.delivery.receipts import note_receipts
from repoint.delivery.two_way.inbound import note_inbound
from repoint.settings import Settings

MOST_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class _Told:
    settings: Settings
    heard: Sequence[Heard]


@heard_by
def hears(database: Database, settings: Settings) -> Hear:
    """What keeps in this database what providers hear."""

    async def hear(heard: Sequence[Heard]) -> None:
        if heard:
            await _together.answer(database, "", _Told(settings, heard))

    return hear


async def _keep(database: Database, _: str, told: list[_Told]) -> list[None]:
    settings, now = told[0].settings, datetime.now(UTC)
    heard = [each for one in told for each in one.heard]
    receipts = [each for each in heard if isinstance(each, Receipt)]
    inbounds = [each for each in heard if isinstance(each, Inbound)]
    async with database.transaction() as db:
        if receipts:
            await note_receipts(db, settings.account_id, receipts, now)
        if inbounds:
            await note_inbound(db, settings, inbounds, now)
    return [None] * len(told)


_together = Together(_keep, size=lambda told: len(told.heard), max_size=MOST_TOGETHER)
