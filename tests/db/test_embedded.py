"""The embedded server, with real kills."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from repoint.db import unprivileged
from repoint.db.embedded import Embedded, EmbeddedError, running_url
from repoint.db.folder_lock import FolderLock

# A supervisor of its own process: starts the server, says so, and waits to be killed.
SUPERVISOR = """
import sys
from pathlib import Path
from repoint.db.embedded import Embedded
server = Embedded(Path(sys.argv[1]))
print(server.start(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder that was started once; making a cluster is the slow part."""
    with TemporaryDirectory(prefix="repoint-embedded-") as name:
        server = Embedded(Path(name, "data"))
        server.start()
        server.stop()
        yield Path(name, "data")


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    with TemporaryDirectory(prefix="repoint-embedded-") as name:
        yield Path(shutil.copytree(made, Path(name, "data")))


@pytest.fixture
def server(folder: Path) -> Iterator[Embedded]:
    server = Embedded(folder)
    yield server
    server.stop()


def test_a_folder_is_started_stopped_and_started_again(server: Embedded) -> None:
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS x")
    server.stop()

    with psycopg.connect(server.start()) as connection:
        assert connection.execute("SELECT x FROM kept").fetchone() == (1,)


def test_stop_leaves_no_process_and_no_lock(server: Embedded, folder: Path) -> None:
    server.start()
    process = _server_process(folder)

    server.stop()

    assert not _is_running(process)
    assert not server.is_alive()
    lock = FolderLock(folder / "postgres.lock")
    assert lock.acquire()
    lock.release()


def test_what_was_committed_survives_a_kill(server: Embedded, folder: Path) -> None:
    url = server.start()
    client = psycopg.connect(url, autocommit=True)
    client.execute("CREATE TABLE kept (x int)")
    client.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    os.kill(_server_process(folder), signal.SIGKILL)
    assert server.wait_dead(timeout_s=10)

    again = server.start()

    assert again == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    client.close()


def test_a_second_start_names_the_process_that_uses_the_folder(server: Embedded, folder: Path) -> None:
    server.start()

    with pytest.raises(EmbeddedError, match=f"{folder} is in use by process {os.getpid()}"):
        Embedded(folder).start()


def test_the_server_ends_when_its_supervisor_is_killed(folder: Path) -> None:
    with Supervisor(folder) as supervisor:
        process = _server_process(folder)
        supervisor.kill()

    _wait_until(lambda: not _is_running(process))


def test_a_server_left_over_by_killed_guardians_is_replaced(server: Embedded, folder: Path) -> None:
    with Supervisor(folder) as supervisor:
        left_over = _server_process(folder)
        watcher = _watcher_of(left_over)
        os.kill(watcher, signal.SIGKILL)
        supervisor.kill()
    assert _is_running(left_over)

    server.start()

    assert not _is_running(left_over)
    assert server.is_alive()


def test_a_stale_process_number_of_another_program_does_no_harm(server: Embedded, folder: Path) -> None:
    server.start()
    server.stop()
    stale = folder / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{stale.parent}\n0\n5432\n\n\n0 0\nready\n", encoding="utf-8")

    server.start()

    assert server.is_alive()


def test_a_first_start_cut_short_is_begun_anew(server: Embedded, folder: Path) -> None:
    unfinished = folder / "postgres" / "data.unfinished"
    folder.joinpath("postgres", "data").rename(unfinished)

    server.start()

    assert not unfinished.exists()


def test_a_deep_folder_gets_its_socket_elsewhere_and_keeps_its_url(folder: Path) -> None:
    server = Embedded(folder / ("d" * 60) / ("e" * 60))

    url = server.start()
    server.stop()
    again = server.start()
    with psycopg.connect(again) as connection:
        connected = connection.execute("SELECT 1").fetchone()
    server.stop()

    assert connected == (1,)
    assert again == url
    assert not Path(str(psycopg.conninfo.conninfo_to_dict(url)["host"])).exists()


def test_a_socket_folder_that_others_may_enter_is_refused(server: Embedded, folder: Path) -> None:
    folder.joinpath("postgres", "run").chmod(0o777)

    with pytest.raises(EmbeddedError, match="postgres/run, the folder of the database's socket, is open to others"):
        server.start()


def test_a_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    folder.parent.joinpath("file").touch()

    with pytest.raises(EmbeddedError, match="file/data"):
        Embedded(folder.parent / "file" / "data").start()


def test_a_folder_of_another_user_is_told(folder: Path) -> None:
    folder.chmod(0o555)
    folder.parent.chmod(0o755)

    refusal = _as_nobody(Embedded(folder).start)

    assert refusal == f"EmbeddedError: {folder}/postgres.lock cannot be written: Permission denied"


def test_another_user_is_not_let_in(server: Embedded, folder: Path) -> None:
    url = server.start()
    for closed in (folder.parent, folder, folder / "postgres", folder / "postgres" / "run"):
        closed.chmod(0o777)
    (folder / "postgres" / "run" / ".s.PGSQL.5432").chmod(0o777)

    refusal = _as_nobody(lambda: psycopg.connect(url))

    assert "Peer authentication failed" in refusal


def test_it_listens_on_its_socket_only_keeps_what_it_acknowledged_and_gives_us_no_more_than_we_need(
    server: Embedded,
) -> None:
    expected = {
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "is_superuser": "off",
    }

    with psycopg.connect(server.start()) as connection:
        shown = {name: connection.execute(SQL("SHOW {}").format(Identifier(name))).fetchone() for name in expected}

    assert shown == {name: (value,) for name, value in expected.items()}


def test_the_running_server_is_found_by_its_folder(server: Embedded, folder: Path) -> None:
    before = running_url(folder)
    url = server.start()
    during = running_url(folder)
    server.stop()
    after = running_url(folder)

    assert (before, during, after) == (None, url, None)


def test_settings_of_the_users_own_win(server: Embedded, folder: Path) -> None:
    folder.joinpath("postgres", "custom.conf").write_text("work_mem = 12345kB\n", encoding="utf-8")

    with psycopg.connect(server.start()) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("12345kB",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_runs_the_server_as_a_user_without_account_behind_closed_folders(server: Embedded, folder: Path) -> None:
    folder.parent.chmod(0o700)
    server.start()

    owner = folder.joinpath("postgres").stat()

    assert 61184 <= owner.st_uid <= 65519
    assert owner.st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert Path(f"/proc/{_server_process(folder)}").stat().st_uid == owner.st_uid
    with pytest.raises(KeyError):
        pwd.getpwuid(owner.st_uid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_where_one_capability_is_withheld_another_opens_closed_folders(
    server: Embedded, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.parent.chmod(0o700)
    monkeypatch.setattr(unprivileged, "is_held", lambda capability: capability == unprivileged.CAP_DAC_OVERRIDE)

    server.start()

    assert server.is_alive()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_a_folder_that_the_servers_user_cannot_reach_is_told(
    server: Embedded, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.parent.chmod(0o700)
    monkeypatch.setattr(unprivileged, "is_held", lambda _capability: False)

    with pytest.raises(EmbeddedError, match=f"cannot enter {folder.parent}. Use another data folder"):
        server.start()


def test_a_folder_of_another_version_is_told(server: Embedded, folder: Path) -> None:
    folder.joinpath("postgres", "data", "PG_VERSION").write_text("14\n", encoding="utf-8")

    with pytest.raises(EmbeddedError, match="the data folder is of PostgreSQL 14; the installed programs are of"):
        server.start()


class Supervisor:
    """A process of its own that runs the server on `folder`."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "subprocess.Popen[str]":
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("postgresql://")
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def _server_process(folder: Path) -> int:
    lines = folder.joinpath("postgres", "data", "postmaster.pid").read_text(encoding="utf-8").splitlines()
    return int(lines[0])


def _watcher_of(server: int) -> int:
    listed = subprocess.run(["ps", "-wweo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[0]) for line in listed.splitlines() if line.endswith(f"repoint-watch {server}"))


def _is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _as_nobody(act: Callable[[], object]) -> str:
    """What `act` is refused with, done by a user who may do nothing; in a copy of this process, which then ends."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setuid(pwd.getpwnam("nobody").pw_uid)
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent wants to know
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as refusal:
        return refusal.read()
