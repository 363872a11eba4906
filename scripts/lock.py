"""Renew requirements.lock from pyproject.toml: `lock.py [--upgrade]`, more arguments go to `uv pip compile`.

uv lives in a throw-away environment, so that it is no need of anyone who only installs. The lock is for every
platform and Python from 3.11 on, carries hashes, and names no index: the installer's own configuration decides where
packages come from.
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = (
    "pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url "
    "--quiet --output-file requirements.lock"
)


def main(arguments: list[str]) -> None:
    """Write the lock; raises CalledProcessError when the needs contradict each other."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        command = [f"{folder}/bin/uv", *COMPILE.split(), "--custom-compile-command", "make lock", *arguments]
        subprocess.run(command, check=True, cwd=ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
