"""Run each program in benchmarks/ in turn: `run_benchmarks.py [NAME …]`; exit code 1 when one misses its bound.

A program measures one figure, prints its ratio and says by its exit code whether it was reached. Files that are no
programs hold what several share.
"""

import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


def main(names: list[str]) -> int:
    """Run the named programs, or all of them; the number of those that missed."""
    programs = [FOLDER / f"{name}.py" for name in names] or sorted(filter(is_program, FOLDER.glob("*.py")))
    missed = [program.stem for program in programs if not reaches_its_bound(program)]
    print(f"\n{len(programs) - len(missed)} of {len(programs)} figures reached")
    for name in missed:
        print(f"missed: {name}")
    return len(missed)


def is_program(path: Path) -> bool:
    """Whether the file runs by itself."""
    return 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")


def reaches_its_bound(program: Path) -> bool:
    """Run one program from the project's folder; its output goes straight to the terminal."""
    print(f"\n== {program.stem}", flush=True)
    started = time.monotonic()
    code = subprocess.run([sys.executable, program], check=False, cwd=FOLDER.parent).returncode
    print(f"   took {time.monotonic() - started:.0f} s", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
