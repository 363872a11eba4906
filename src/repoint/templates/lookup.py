"""How a variable finds its value (templates.md section 5, Lookup order)."""

from collections.abc import Callable, Mapping, Sequence

from repoint.endpoints.patch import one_decimal
from repoint.templates.paths import LOOP_NAMES, ROOT, index_of, substitution_keys
from repoint.templates.rendering import Context, Rendering
from repoint.templates.tree import Path
from repoint.templates.values import Substitutions, Value, item

# Gives a value, None for what is missing.
Read = Callable[[Rendering], Value]

_DEGREES = {("Location", "Latitude"), ("Location", "Longitude")}


def variable(path: Path) -> str:
    """The path as data is asked for it: without index, names without brackets."""
    *names, last = path.steps
    return ".".join(names if index_of(last) is not None else path.steps)


def look_up(path: Path, *, is_nested: bool) -> Read:
    """What reads a path; `is_nested` where there may be a context that is not the outermost."""
    steps = path.steps
    if not steps:
        return _here(path.up)
    if steps[0] in LOOP_NAMES:
        return _loop(steps[0])
    if steps[0] == ROOT:
        return lambda rendering: descend(rendering.values.data, steps[1:])
    return _within(path) if is_nested else _outermost(path)


def _outermost(path: Path) -> Read:
    """Substitutions, the data, then defaults."""
    names, index = path.steps, index_of(path.steps[-1])
    if index is not None:
        names = names[:-1]
    substituted = _substituted(path, index)

    def read(rendering: Rendering) -> Value:
        values = rendering.values
        for layer in values.above:
            if layer and (found := substituted(layer)) is not None:
                return found
        value: Value = values.data
        try:
            for name in names:
                value = value[name]
            if index is not None:
                value = value[index] if value.__class__ is list else item(value, index)
            if value is not None:
                return value
        except (LookupError, TypeError):
            pass
        return substituted(values.below) if values.below else None

    return _rounded(read) if names in _DEGREES else read


def _substituted(path: Path, index: int | None) -> Callable[[Substitutions], Value]:
    """What takes the path's value from one layer of substitutions."""
    keys, list_keys = substitution_keys(path)

    def substituted(layer: Substitutions) -> Value:
        for key in keys:
            if key in layer:
                return layer[key]
        for key in list_keys:
            if key in layer:
                return item(layer[key], index or 0)
        return None

    return substituted


def _rounded(read: Read) -> Read:
    """A coordinate to one decimal, also where the data, say of a hook, has more."""

    def rounded(rendering: Rendering) -> Value:
        value = read(rendering)
        return one_decimal(value) if isinstance(value, float) else value

    return rounded


def _within(path: Path) -> Read:
    """The innermost context that has the path, or only the one that it names; at last the outermost."""
    steps, up, is_local = path.steps, path.up, path.is_local
    outermost = _outermost(path)

    def read(rendering: Rendering) -> Value:
        context = _climbed(rendering.context, up)
        while context:
            found = descend(context.value, steps)
            if found is not None or is_local:
                return found
            context = context.around
        return outermost(rendering)

    return read


def _here(up: int) -> Read:
    """`this`, or a context further out."""

    def read(rendering: Rendering) -> Value:
        context = _climbed(rendering.context, up)
        return context.value if context else rendering.values.data

    return read


def _loop(name: str) -> Read:
    return lambda rendering: rendering.context.told(name) if rendering.context else None


def _climbed(context: Context | None, up: int) -> Context | None:
    for _ in range(up):
        context = context.around if context else None
    return context


def descend(value: Value, steps: Sequence[str]) -> Value:
    """What is found below a value; None when there is nothing."""
    for step in steps:
        index = index_of(step)
        if isinstance(value, Mapping):
            value = value.get(step)
        elif index is not None:
            value = item(value, index)
        else:
            return None
    return value
