"""Make a virtual environment and install the locked packages into it: `python3 set_up.py .venv`.

`make setup` runs this with whatever Python is there, so it uses the standard library only, and no syntax that an older
Python could not even read: such a Python must get the message below and no SyntaxError.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

NEEDED = (3, 11)
ROOT = Path(__file__).resolve().parent.parent


def main(folder: Path) -> None:
    """Set everything up in `folder`; ends with a message and exit code 1 when that is not possible."""
    if sys.version_info < NEEDED:
        sys.exit(
            f"Repoint needs Python 3.11 or later; {sys.executable} is {sys.version.split()[0]}. "
            "Name another one: make setup PYTHON=/path/to/python3"
        )
    pip = find_pip(folder) or make_environment(folder)
    install = [*pip, "install", "--quiet", "--disable-pip-version-check"]
    install_locked(install, folder)
    run(*install, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def install_locked(install: "list[str]", folder: Path) -> None:
    """Install what requirements.lock names, unless that was done for this very lock."""
    lock = ROOT / "requirements.lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    done = folder / ".locked"
    if done.exists() and done.read_text(encoding="ascii") == digest:
        return
    print(f"Installing the locked packages into {folder}; the first time takes a few minutes", flush=True)
    # Modules are compiled when they are first imported; most of them never are.
    run(*install, "--no-compile", "--require-hashes", "--requirement", str(lock))
    done.write_text(digest, encoding="ascii")


def make_environment(folder: Path) -> "list[str]":
    """Make `folder` by the first way that works here; the command that runs pip for it."""
    for way in (with_venv, with_virtualenv, with_pip_outside, with_apt):
        shutil.rmtree(folder, ignore_errors=True)
        pip = find_pip(folder) if way(folder) else None
        if pip:
            return pip
    shutil.rmtree(folder, ignore_errors=True)
    return sys.exit(
        f"This Python ({sys.executable}) cannot make virtual environments: its ensurepip module is missing.\n"
        "Install it (on Debian and Ubuntu: apt-get install python3-venv), or virtualenv, and run make again."
    )


def find_pip(folder: Path) -> "list[str] | None":
    """The command that installs into `folder`; None when it is no environment, or of a Python that is too old."""
    python = folder / "bin" / "python"
    new_enough = f"import sys; sys.exit(sys.version_info < {NEEDED})"
    if not python.exists() or not succeeds(str(python), "-c", new_enough):
        return None
    own = [str(python), "-m", "pip"]
    outside = [sys.executable, "-m", "pip", "--python", str(python)]
    for pip in (own, outside):
        if succeeds(*pip, "--version"):
            return pip
    return None


def with_venv(folder: Path) -> bool:
    """Try the usual way."""
    return succeeds(sys.executable, "-m", "venv", str(folder))


def with_virtualenv(folder: Path) -> bool:
    """Try virtualenv, which brings a pip of its own, as a module or as a program."""
    program = shutil.which("virtualenv")
    return succeeds(sys.executable, "-m", "virtualenv", str(folder)) or (
        program is not None and succeeds(program, "--python", sys.executable, str(folder))
    )


def with_pip_outside(folder: Path) -> bool:
    """Try an environment without pip: `find_pip` then lets this Python's own pip install into it."""
    venv.create(folder, with_pip=False)
    return True


def with_apt(folder: Path) -> bool:
    """Install the missing package, if this is root on a system that has apt-get; nothing else is installed."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    print("Installing python3-venv with apt-get, which virtual environments need here", flush=True)
    install = ("apt-get", "install", "--yes", "--no-install-recommends", "python3-venv")
    installed = succeeds(*install) or (succeeds("apt-get", "update") and succeeds(*install))
    return installed and with_venv(folder)


def succeeds(*command: str) -> bool:
    """Whether a command ends well; what it prints is of no interest."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(*command: str) -> None:
    """Run a command that must end well; its own output tells what was wrong."""
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
