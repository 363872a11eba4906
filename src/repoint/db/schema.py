"""Writes `schema.sql`, what all migrations together make of an empty database: `python -m repoint.db.schema`.

The file is there to be read and compared; nothing is built from it. The queue's own objects come from its library and
are left out.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from repoint.db.embedded import Embedded
from repoint.db.migrate import migrate
from repoint.db.programs import server_programs

SCHEMA = Path(__file__).with_name("schema.sql")

_HEAD = "-- Made from the migrations by `python -m repoint.db.schema`; never edited.\n"
_OBJECT = re.compile(r"^--\n-- Name: (?P<name>.+?); Type: .*\n--\n", re.MULTILINE)
# Settings of pg_dump's own session, and the meta-commands around them, one of which holds a random word.
_NOISE = re.compile(r"^(?:SET |SELECT pg_catalog\.set_config|\\|--).*\n?", re.MULTILINE)
# NOT NULL has names since PostgreSQL 18, and where LIKE copied one it is told.
_NAME_OF_NOT_NULL = re.compile(r" CONSTRAINT \w+_not_null(?= NOT NULL)")
_LIBRARY = "procrastinate"


def dump_schema(url: str) -> str:
    """The schema of the database at `url`, in the form of `schema.sql`."""
    program = server_programs() / "pg_dump"
    command = [str(program), "--schema-only", "--no-owner", "--no-privileges", "--no-comments", f"--dbname={url}"]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own program
    parts = _OBJECT.split(dump)
    ours = [sql for name, sql in zip(parts[1::2], parts[2::2], strict=True) if _LIBRARY not in name]
    return "\n".join([_HEAD, *(text for sql in ours if (text := _without_noise(sql)))])


def _without_noise(sql: str) -> str:
    text = re.sub(r"\n{2,}", "\n", _NOISE.sub("", _NAME_OF_NOT_NULL.sub("", sql))).strip()
    return f"{text}\n" if text else ""


def main() -> None:
    """Renew the file from a server of its own."""
    with tempfile.TemporaryDirectory(prefix="repoint-schema-") as folder:
        server = Embedded(Path(folder))
        try:
            url = server.start()
            migrate(url)
            SCHEMA.write_text(dump_schema(url), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
