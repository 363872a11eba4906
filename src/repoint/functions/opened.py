"""The functions of this process, whoever calls them: what they go through is opened by the first call."""

from weakref import WeakKeyDictionary

from repoint.db.pool import Database
from repoint.functions.call import Functions
from repoint.settings import Settings

_opened: WeakKeyDictionary[Database, Functions] = WeakKeyDictionary()


def functions_of(database: Database, settings: Settings) -> Functions:
    """The functions, whose processes and connections end with the database's."""
    found = _opened.get(database)
    if found is None:
        found = _opened[database] = Functions(settings)
        database.before_close(found.close)
    return found
