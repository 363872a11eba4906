"""Import of 1,000,000 endpoints against 250,000, and the memory that the worker takes for either.

Time that grows by more than the file does, or memory that grows with it, shows that something is kept for each row. The
bound is the product's own import of a quarter of the rows, from CreateImportJob to COMPLETED. Memory is the sum of the
peaks (VmHWM) of the worker and of the children that parse for it, looked at all 20 ms.
"""

import sys
from contextlib import suppress
from pathlib import Path

from figure import Figure, arguments, exit_code
from population import write_ndjson
from server import Server, serving

TIMES = 4
MEMORY_MIB = 256


class Peak:
    """The most memory that the worker and its children have held since this was made."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._peaks: dict[int, int] = {}
        # proc(5): forgets the peak there has been.
        Path(f"/proc/{server.worker()[0]}/clear_refs").write_text("5", encoding="ascii")

    def look(self) -> None:
        """Note the peaks up to now; a child that has ended keeps the one seen last."""
        for pid in self._server.worker():
            with suppress(FileNotFoundError, ProcessLookupError):
                self._peaks[pid] = _peak_kib(pid)

    @property
    def mib(self) -> float:
        """The sum."""
        return sum(self._peaks.values()) / 1024


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=250_000)
    files = {"few.ndjson": given.count, "many.ndjson": TIMES * given.count}
    time = Figure(f"import of {TIMES * given.count:,} against {given.count:,}", "s", must=4.4)
    memories = {name: Figure(f"memory of importing {count:,}", "MiB", must=1) for name, count in files.items()}
    with serving() as server:
        for name, count in files.items():
            write_ndjson(server.bucket / name, count)
        for _ in range(given.runs):
            taken_s = []
            for name, count in files.items():
                peak = Peak(server)
                with server.application() as application_id:
                    taken_s.append(server.import_s(application_id, server.bucket / name, count, peak.look))
                    peak.look()
                memories[name].add(MEMORY_MIB, peak.mib)
            time.add(taken_s[0], taken_s[1])
    return exit_code([time, *memories.values()])


def _peak_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    sys.exit(main())
