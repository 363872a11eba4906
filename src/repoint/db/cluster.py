"""The embedded server's files: made once, owned by the user it runs as, its settings written anew at each start."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from repoint.db.programs import EmbeddedError, major_version, server_programs
from repoint.db.tuning import settings_for_this_machine
from repoint.db.unprivileged import ClosedFolderError, any_account, command_as, free_uid

ROLE = "repoint"
SUPERUSER = "postgres"

# The first PostgreSQL that brings a locale of its own.
_BUILTIN_LOCALE_SINCE = 17


class Cluster:
    """`<home>/data` and what surrounds it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "data"
        self.log = home / "log"

    def prepare(self) -> None:
        """Make what is missing and give everything to the user that the server runs as; raises EmbeddedError."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        if not self.folder.exists():
            self._make()
        uid = self.owner()
        if uid is not None and (self.folder.stat().st_uid != uid or self.home.stat().st_uid != uid):
            _give(self.home, uid)

    def owner(self) -> int | None:
        """The user's number that the server runs as; None for our own."""
        if os.geteuid() != 0:
            return None
        owner = self.home.stat().st_uid
        return owner if owner != 0 else free_uid(self.home)

    def command(self, program: str, *arguments: str, uid: int | None) -> list[str]:
        """The command line of a server program, run as `uid` (None: as ourselves); raises EmbeddedError."""
        programs = server_programs(self._version())
        command = [str(programs / program), *arguments]
        if uid is None:
            return command
        try:
            return command_as(uid, command, enters=[self.home, programs])
        except ClosedFolderError as error:
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and user {error.uid}, as which it would run, cannot enter "
                f"{error.folder}. Use another data folder, run as an ordinary user, or: chmod o+x {error.folder}"
            ) from error

    def write_settings(self, socket_folder: Path) -> None:
        """Settings for this machine; only our own user and root may connect, and the kernel says who does."""
        settings = settings_for_this_machine(self.home) | {
            "listen_addresses": "''",
            "unix_socket_directories": _quoted(socket_folder),
            "unix_socket_permissions": "0700",
        }
        custom = self.home / "custom.conf"
        if custom.exists():
            settings["include"] = _quoted(custom)
        users = sorted({"root", _own_account()})
        _overwrite(self.folder / "postgresql.conf", [f"{name} = {value}" for name, value in settings.items()])
        _overwrite(self.folder / "pg_hba.conf", ["local all all peer map=owner"])
        _overwrite(
            self.folder / "pg_ident.conf", [f'owner "{user}" {role}' for user in users for role in (ROLE, SUPERUSER)]
        )

    def pid_file(self) -> list[str]:
        """The lines that a running server keeps about itself, or a killed one has left; empty when there are none."""
        try:
            return (self.folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _version(self) -> int | None:
        try:
            return int((self.folder / "PG_VERSION").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def _make(self) -> None:
        # Made beside its place and renamed when whole: a first start cut short leaves nothing that looks finished.
        unfinished = self.home / "data.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        uid = None
        if os.geteuid() == 0:
            # initdb looks up the name of the user it runs as, so that user needs an account.
            uid = any_account()
            os.chown(unfinished, uid, -1)
            self.home.chmod(0o711)
        done = subprocess.run(  # noqa: S603 - our own program
            self.command("initdb", *_initdb_arguments(unfinished), uid=uid),
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env=environment(),
        )
        self.home.chmod(0o700)
        if done.returncode != 0:
            raise EmbeddedError(f"the embedded database could not be made in {self.home}: {done.stderr.strip()}")
        unfinished.rename(self.folder)


def environment() -> dict[str, str]:
    """Our environment without PGPORT, PGDATA and their like, which would have a say in the server's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _initdb_arguments(folder: Path) -> list[str]:
    # Code-point order and Unicode's own case rules, the same on every machine.
    has_locale = major_version(server_programs()) >= _BUILTIN_LOCALE_SINCE
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if has_locale else []
    return [
        f"--pgdata={folder}",
        f"--username={SUPERUSER}",
        "--auth=peer",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
        *locale,
    ]


def _own_account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedError(
            f"user {os.geteuid()} has no account on this machine, and PostgreSQL needs one; "
            "add one or use --database-url"
        ) from None


def _give(home: Path, uid: int) -> None:
    for folder, names, files in os.walk(home):
        for name in (*names, *files):
            os.lchown(Path(folder, name), uid, uid)
    # Last, so that an interrupted round is seen and repeated.
    os.chown(home, uid, uid)


def _overwrite(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(["# Written by repoint at each start.", *lines, ""]), encoding="utf-8")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("\\", "\\\\").replace("'", "''") + "'"
