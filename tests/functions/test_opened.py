"""One set of functions for everybody in a process."""

import os
from pathlib import Path

import pytest

from repoint.db.pool import Database
from repoint.functions.opened import functions_of
from repoint.functions.result import Returned
from repoint.settings import Settings
from repoint.tables import Function

HANDLERS = Path(__file__).with_name("handlers.py")


async def test_everybody_shares_functions_which_end_with_the_database() -> None:
    database = Database("postgresql://nowhere.invalid/none")
    settings = Settings(functions={"greet": Function(file=f"{HANDLERS}:about")})

    functions = functions_of(database, settings)
    first, second = await functions.call("greet", {}), await functions_of(database, settings).call("greet", {})
    await database.close()

    assert isinstance(first, Returned)
    assert isinstance(second, Returned)
    assert first.value["process"] == second.value["process"]
    with pytest.raises(ProcessLookupError):
        os.kill(first.value["process"], 0)
