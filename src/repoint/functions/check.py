"""What the setting `functions` can be found wrong with before anything is called."""

import shutil
from collections.abc import Iterator

from repoint.functions.allow import check_pattern, is_bare
from repoint.functions.local.pool import file_of
from repoint.functions.webhook import RefusedUrlError, read_url
from repoint.settings import Settings
from repoint.tables import Function


def check_functions(settings: Settings) -> list[str]:
    """What is allowed but hardly meant; raises ValueError with a line for each mistake."""
    mistakes = [
        f"functions.{name}.{mistake}"
        for name, function in settings.functions.items()
        for mistake in (*_file(function), *_url(function), *_patterns(function))
    ]
    if mistakes:
        raise ValueError("\n  ".join(["functions cannot be called:", *mistakes]))
    return [
        f"functions.{name}.allow: {pattern} is read as {pattern}/*"
        for name, function in settings.functions.items()
        for pattern in filter(is_bare, function.allow or ())
    ]


def _file(function: Function) -> Iterator[str]:
    if function.file is None:
        return
    path, _ = file_of(function)
    if not path.is_file():
        yield f"file: there is no file {path}"
    if function.python is not None and shutil.which(function.python) is None:
        yield f"python: there is no program {function.python}"


def _url(function: Function) -> Iterator[str]:
    try:
        if function.url is not None:
            read_url(function.url)
    except RefusedUrlError as error:
        yield f"url: {error}"


def _patterns(function: Function) -> Iterator[str]:
    for pattern in function.allow or ():
        try:
            check_pattern(pattern)
        except ValueError as error:
            yield f"allow: {error}"
