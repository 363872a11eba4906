"""`repoint serve` on an existing folder: how soon it answers a signed call, and what it costs while nobody calls.

No bound to compare with, but limits: the median of 5 starts, from starting the process to the answer of GetApps, within
3 s; the CPU time of all its processes, PostgreSQL's included, over 60 idle seconds at most 2 % of one core. The memory
of each process is printed: its own pages, and its share of those it shares (PSS).
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from figure import arguments
from server import FOREIGN, NotMeasured, _exports
from signed import Signer, send

START_S = 3.0
IDLE_PERCENT = 2.0
# What starting leaves behind to do: the first checkpoint, autovacuum's first look.
CALM_DOWN_S = 20
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, seconds=60)
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as name:
        folder = Path(name)
        signer = first_start(folder)
        starts = []
        for number in range(given.runs):
            with started(folder, signer) as (process, start_s):
                starts.append(start_s)
                print(f"start {number + 1}: {start_s:.2f} s", flush=True)
                if number == given.runs - 1:
                    percent = idle_percent(process.pid, given.seconds)
                    print_memory(process.pid)
    print()
    reached = [
        told(f"start of an existing folder: {median(starts):.2f} s", f"<= {START_S:g} s", median(starts) <= START_S),
        told(
            f"idle CPU of all processes: {percent:.2f} % of one core", f"<= {IDLE_PERCENT:g} %", percent <= IDLE_PERCENT
        ),
    ]
    return 0 if all(reached) else 1


def first_start(folder: Path) -> Signer:
    """Make the folder, with a key to sign with; its server has ended again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = launch(folder, port)
    exports = _exports(process)
    stop(process)
    if "AWS_SECRET_ACCESS_KEY" not in exports:
        raise NotMeasured("the server did not start: " + (folder / "log").read_text(encoding="utf-8"))
    url, region = exports["AWS_ENDPOINT_URL_PINPOINT"], exports["AWS_DEFAULT_REGION"]
    return Signer(url, exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"], region)


@contextmanager
def started(folder: Path, signer: Signer) -> Iterator[tuple["subprocess.Popen[str]", float]]:
    """A server on the folder, and the seconds until it had answered."""
    begun = time.perf_counter()
    process = launch(folder, int(signer.host.rpartition(":")[2]))
    try:
        status = first_answer(process, signer)
        yield process, time.perf_counter() - begun
    finally:
        stop(process)
    if status != 200:  # noqa: PLR2004 - HTTP's success
        raise NotMeasured(f"the first call was answered with {status}")


def launch(folder: Path, port: int) -> "subprocess.Popen[str]":
    """Start `repoint serve`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    with (folder / "log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "repoint.cli.main", "serve", "--data-dir", folder / "data", "--port", f"{port}"],
            cwd=folder,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )


def first_answer(process: "subprocess.Popen[str]", signer: Signer) -> int:
    """Call until there is somebody to talk to; the status of the first answer."""
    while process.poll() is None:
        connection = signer.connect()
        try:
            return send(connection, signer.sign("GET", "/v1/apps"))[0]
        except ConnectionRefusedError:
            time.sleep(0.01)
        finally:
            connection.close()
    raise NotMeasured("the server ended")


def stop(process: "subprocess.Popen[str]") -> None:
    """End the server in order."""
    process.terminate()
    process.communicate()


def idle_percent(pid: int, seconds: int) -> float:
    """CPU time of the whole tree while nothing is asked of it, in percent of one core."""
    time.sleep(CALM_DOWN_S)
    before, begun = cpu_s(pid), time.perf_counter()
    time.sleep(seconds)
    return 100 * (cpu_s(pid) - before) / (time.perf_counter() - begun)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, of those it has waited for, and of all below it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    # utime, stime, cutime, cstime are fields 14 to 17 of proc(5); field 3 is the first behind the name.
    return sum(map(int, fields[11:15])) / TICKS_PER_S + sum(map(cpu_s, children(pid)))


def print_memory(pid: int, depth: int = 0) -> None:
    """One line a process of the tree."""
    kib = next(
        int(line.split()[1])
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        if line.startswith("Pss:")
    )
    words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ").split()
    print(f"  {kib / 1024:6.1f} MiB  {'  ' * depth}{' '.join(Path(word).name for word in words)[:70]}")
    for child in children(pid):
        print_memory(child, depth + 1)


def children(pid: int) -> list[int]:
    """Processes that it has started and that still run."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text(encoding="ascii").split()]


def told(measured: str, limit: str, is_reached: bool) -> bool:  # noqa: FBT001 - the verdict is what it is about
    """Print a verdict and hand it on."""
    print(f"{measured}, must reach {limit}: {'reached' if is_reached else 'MISSED'}")
    return is_reached


if __name__ == "__main__":
    sys.exit(main())
