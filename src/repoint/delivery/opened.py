"""The providers of this process, opened when the first message goes out and closed with the database."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from repoint.channels.stored import Channel, load_channel
from repoint.contract.shapes import ChannelType
from repoint.db.pool import Database
from repoint.delivery.heard import Hear, nobody_hears
from repoint.delivery.mailbox import keeps
from repoint.delivery.provider import FindsChannel, Surroundings
from repoint.delivery.routes import read_routes
from repoint.delivery.routing import Providers
from repoint.functions.opened import functions_of
from repoint.settings import Settings

Hears = Callable[[Database, Settings], Hear]

_opened: WeakKeyDictionary[Database, Providers] = WeakKeyDictionary()
_hears: list[Hears] = []


def heard_by(hears: Hears) -> Hears:
    """Register what keeps what providers hear; it answers people by providers itself, so it stands above them."""
    _hears.append(hears)
    return hears


def providers_of(database: Database, settings: Settings) -> Providers:
    """The providers; raises RouteError when settings about them do not fit, which is checked at the start."""
    found = _opened.get(database)
    if found is None:
        hear = _hears[0](database, settings) if _hears else nobody_hears
        surroundings = Surroundings(
            settings, keeps(database), functions_of(database, settings), _finds(database, settings), hear=hear
        )
        found = _opened[database] = Providers(read_routes(settings), surroundings)
        database.before_close(found.close)
    return found


def _finds(database: Database, settings: Settings) -> FindsChannel:
    async def find(application_id: str, channel_type: ChannelType) -> Channel | None:
        async with database.connection() as db:
            return await load_channel(db, settings, application_id, channel_type)

    return find
