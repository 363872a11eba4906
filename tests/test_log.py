import contextlib
import json
import os
import pty
import subprocess
import sys

PROGRAM = """
import logging, structlog
from repoint.log import configure_logs
configure_logs("info")
log = structlog.get_logger()
structlog.contextvars.bind_contextvars(request_id="r")
log.debug("Too fine")
log.info("Imported 1,000 endpoints", job_id="j")
logging.getLogger("uvicorn.error").info("Too fine")
logging.getLogger("uvicorn.error").warning("Invalid %s", "request")
def fail(address):
    raise RuntimeError("broken")
try:
    fail("ana@example.com".upper())
except RuntimeError:
    log.exception("A call failed")
"""


def test_each_event_is_one_line_of_json_with_the_ids_of_its_call() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout == ""
    assert [(line["event"], line["level"], line["request_id"]) for line in lines] == [
        ("Imported 1,000 endpoints", "info", "r"),
        ("Invalid request", "warning", "r"),
        ("A call failed", "error", "r"),
    ]
    assert lines[0]["job_id"] == "j"
    assert "RuntimeError: broken" in lines[2]["exception"]
    assert "ANA@EXAMPLE" not in done.stderr, "a traceback shows no values"


def test_a_terminal_is_shown_no_values_either() -> None:
    terminal, other_end = pty.openpty()
    subprocess.run([sys.executable, "-c", PROGRAM], stderr=other_end, check=True)
    os.close(other_end)
    shown = b""
    # The end of a terminal is an error on Linux.
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65_536):
            shown += part
    os.close(terminal)

    assert b"RuntimeError: broken" in shown
    assert b"ANA@EXAMPLE" not in shown


QUERY = """
import asyncio, sys
import structlog
from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.log import configure_logs
configure_logs("info")
log = structlog.get_logger()
async def main():
    database = Database(sys.argv[1])
    await database.open()
    try:
        async with database.transaction() as db:
            await db.execute(Query("a", "CREATE TEMP TABLE people (name text CONSTRAINT short CHECK (name < 'a'))"))
            async with db.copy(Query("b", "COPY people FROM STDIN")) as copy:
                await copy.write("ana@example.com\\n")
    except Exception as error:
        log.exception("A call failed")
        try:
            raise RuntimeError("after that") from error
        except RuntimeError:
            log.warning("A task failed", exc_info=True)
    await database.close()
asyncio.run(main())
"""


def test_an_error_of_the_database_is_told_without_its_row(database_url: str) -> None:
    done = subprocess.run([sys.executable, "-c", QUERY, database_url], capture_output=True, text=True, check=True)

    told = [json.loads(line)["exception"] for line in done.stderr.splitlines()]
    assert len(told) == 2
    assert all("CheckViolation: SQLSTATE 23514 short" in text for text in told)
    assert "ana@example.com" not in done.stderr
