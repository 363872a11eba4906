"""What others do when endpoints are deleted: rooms above register for it."""

from collections.abc import Awaitable, Callable, Sequence

from repoint.db.pool import Db

# Called in the transaction that deletes, with the application and the keys of endpoints, and of their users.
Hook = Callable[[Db, str, Sequence[str], Sequence[str]], Awaitable[None]]

_hooks: list[Hook] = []


def on_gone(hook: Hook) -> Hook:
    """Have this called when endpoints are deleted; not for those that go with their application."""
    _hooks.append(hook)
    return hook


async def tell_gone(db: Db, application_id: str, keys: Sequence[str], user_keys: Sequence[str]) -> None:
    """Tell of endpoints that have just been deleted, and whose they were."""
    for hook in _hooks:
        await hook(db, application_id, keys, user_keys)
