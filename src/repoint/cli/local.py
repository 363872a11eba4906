"""Operations run on the database itself, by a command on the server's own machine that needs no key for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

# Registers the operations on keys, the only ones that a command runs in this way.
import repoint.access.operations  # noqa: F401
from repoint.access.seal import MasterKeyError
from repoint.cli.mistake import Mistake
from repoint.contract.errors import ContractError
from repoint.db.embedded import Embedded, EmbeddedError, running_url
from repoint.db.pool import Database, DatabaseError
from repoint.dispatch import dispatch_local
from repoint.operation import Input, Output
from repoint.settings import Settings


async def run_locally(settings: Settings, url: str, operation: str, arguments: Input) -> Output:
    """Dispatch one operation as the principal "local". Raises Mistake when it is refused."""
    database = Database(url, max_size=1)
    await database.open()
    try:
        return await dispatch_local(settings, database, operation, arguments)
    except (ContractError, MasterKeyError) as error:
        raise Mistake(str(error)) from error
    finally:
        await database.close()


@contextmanager
def database_at_hand(settings: Settings) -> Iterator[str]:
    """The URL of the settings' database; an embedded one that nobody runs is started for as long as this is open.

    Raises Mistake when there is none yet, or it cannot be reached.
    """
    try:
        if settings.database_url is not None:
            yield settings.database_url.get_secret_value()
        elif not (settings.data_dir / "postgres").exists():
            raise Mistake(
                f"there is no database in {settings.data_dir.absolute()}: start `repoint serve` there once, "
                "or name another with --data-dir or --database-url"
            )
        elif (url := running_url(settings.data_dir)) is not None:
            yield url
        else:
            with _started(settings) as url:
                yield url
    except psycopg.OperationalError as error:
        raise Mistake(f"the database does not answer: {error}") from error
    except (EmbeddedError, DatabaseError) as error:
        raise Mistake(str(error)) from error


@contextmanager
def _started(settings: Settings) -> Iterator[str]:
    embedded = Embedded(settings.data_dir)
    try:
        yield embedded.start()
    finally:
        embedded.stop()


def create_key_locally(settings: Settings, request: Input) -> Output:
    """CreateKey on the database itself; the key with its secret."""
    with database_at_hand(settings) as url:
        return asyncio.run(run_locally(settings, url, "CreateKey", request))
