"""Run a command on a throw-away PostgreSQL of the system: `with_postgres.py 15 make test …`.

The server lives in a temporary folder on a free port, and the command finds it in DATABASE_URL. Exit code: the
command's, or 3 when this version of PostgreSQL is not installed.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

NOT_INSTALLED = 3
FOLDERS = ("/usr/lib/postgresql/{0}/bin", "/usr/pgsql-{0}/bin", "/opt/homebrew/opt/postgresql@{0}/bin")


def main(version: str, command: list[str]) -> int:
    """Start, run, stop; the command's exit code."""
    folder = find_programs(version)
    if folder is None:
        print(f"PostgreSQL {version} is not installed")
        return NOT_INSTALLED
    owner = find_owner()
    data = Path(tempfile.mkdtemp(prefix="repoint-postgres-"))
    shutil.chown(data, owner)
    try:
        url = start(folder, data, owner)
        try:
            return subprocess.run(command, check=False, env={**os.environ, "DATABASE_URL": url}).returncode
        finally:
            run(owner, folder / "pg_ctl", "stop", "-D", data / "data", "-m", "fast", "-s")
    finally:
        shutil.rmtree(data)


def find_programs(version: str) -> Path | None:
    """Where the distribution keeps the programs of this version."""
    folders = [Path(folder.format(version)) for folder in FOLDERS]
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def find_owner() -> str:
    """Who runs the server: the caller, but for root, whom PostgreSQL refuses, the user that its package made."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def start(folder: Path, data: Path, owner: str) -> str:
    """Make a cluster in `data` and start it; its URL."""
    password = secrets.token_hex(16)
    (data / "password").write_text(password, encoding="utf-8")
    login = ("--username=repoint", f"--pwfile={data / 'password'}", "--auth=scram-sha-256")
    run(owner, folder / "initdb", "-D", data / "data", "--encoding=UTF8", "--no-locale", "--no-sync", *login)
    port = free_port()
    options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data} -c fsync=off"
    run(owner, folder / "pg_ctl", "start", "-D", data / "data", "-l", data / "log", "-w", "-s", "-o", options)
    return f"postgresql://repoint:{password}@127.0.0.1:{port}/postgres"


def run(owner: str, *command: str | Path) -> None:
    """Run a program of PostgreSQL as the server's owner."""
    user = owner if os.geteuid() == 0 else None
    subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, cwd="/")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
