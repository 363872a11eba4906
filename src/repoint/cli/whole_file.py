import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from repoint.cli.mistake import Mistake


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A local file to write that gets its name only when all is written; an exception leaves what was there before.

    Raises Mistake when it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as sink:
            yield sink
        draft.replace(path)
    except OSError as error:
        raise Mistake(f"{path} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
