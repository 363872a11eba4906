"""Writing endpoints: the one way in for single updates, batches, events and imports.

One transaction holds the application's lock, reads what the patches touch, plays them in memory (plan.py) and writes
the outcome back, so that writers of one application come one after the other and none sees half of another. A crash
anywhere before the commit leaves nothing behind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from repoint.contract.errors import ContractError, NotFoundException
from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries
from repoint.endpoints import plan, rows
from repoint.endpoints.load import Loaded, ask_endpoints, load
from repoint.endpoints.names import Question, captured, tell_names
from repoint.endpoints.patch import PUSH_CHANNELS, Patch
from repoint.endpoints.plan import Endpoint, Stamp, State, User
from repoint.endpoints.project import check_application_id
from repoint.resources.lock import ask_lock
from repoint.settings import Settings

Q = load_queries("repoint.endpoints")

_LINES_AT_ONCE = 200

Refusal = tuple[int, ContractError]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator may set about writing endpoints."""

    max_attribute_names: int
    # Channels on which an address belongs to one ACTIVE endpoint; None is all of them.
    exclusive_channels: frozenset[str] | None

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """The rules these settings ask for."""
        return cls(settings.max_attribute_names, PUSH_CHANNELS if settings.same_address_rule == "push" else None)


async def apply_rows(
    db: Db, application_id: str, patches: Sequence[Patch], stamp: Stamp, rules: Rules
) -> list[ContractError | None]:
    """Apply the rows of an import in order; for each None, or why it was refused.

    Runs in the caller's transaction and holds the application's lock until its end. A row that only names an existing
    endpoint changes nothing; one of an unknown endpoint needs address and channel (jobs.md section 8).
    Raises NotFoundException when the application is gone.
    """
    (kept,), loaded = await _read(db, application_id, [patches], stamp, rules)
    state = loaded.state(rules.exclusive_channels)
    outcomes = plan.play(state, kept, stamp, is_import=True)
    await _save(db, application_id, state)
    return outcomes


async def apply_groups(
    db: Db, application_id: str, groups: Sequence[Sequence[Patch]], stamp: Stamp, rules: Rules
) -> list[Refusal | None]:
    """Apply each group wholly or not at all; for each None, or the position and error of its first refused patch.

    Runs in the caller's transaction and holds the application's lock until its end. Raises NotFoundException when the
    application is gone.
    """
    kept, loaded = await _read(db, application_id, groups, stamp, rules)
    refusals: list[Refusal | None] = [None] * len(kept)
    state = _play_groups(loaded, kept, refusals, stamp, rules)
    while state is None:
        state = _play_groups(loaded, kept, refusals, stamp, rules)
    await _save(db, application_id, state)
    return refusals


async def _read(
    db: Db, application_id: str, groups: Sequence[Sequence[Patch]], stamp: Stamp, rules: Rules
) -> tuple[Sequence[Sequence[Patch]], Loaded]:
    check_application_id(application_id)
    patches = [patch for group in groups for patch in group]
    question = Question.of(application_id, patches, rules.max_attribute_names, stamp.at_us)
    # One round trip: a statement sees what was committed before it began, hence all that the lock waited for.
    _, _, application, found, endpoints = await db.together(
        (Q.go_by_index, {}),
        ask_lock(application_id),
        (Q.application, {"application_id": application_id}),
        question.statement,
        ask_endpoints(application_id, patches),
    )
    if not application:
        raise NotFoundException("Application not found")
    names, removed = await question.answer(db, found)
    if removed:
        groups = [[captured(patch, removed) for patch in group] for group in groups]
        patches = [patch for group in groups for patch in group]
    return groups, await load(db, application_id, patches, endpoints, names)


def _play_groups(
    loaded: Loaded, groups: Sequence[Sequence[Patch]], refusals: list[Refusal | None], stamp: Stamp, rules: Rules
) -> State | None:
    """Play the groups that were not refused; None when one was refused half-way and all must be played anew."""
    state = loaded.state(rules.exclusive_channels)
    played = 0
    for number, group in enumerate(groups):
        if refusals[number] is not None:
            continue
        for position, patch in enumerate(group):
            try:
                plan.play_one(state, patch, stamp, played, is_import=False)
            except ContractError as error:
                refusals[number] = (position, error)
                if position > 0:
                    return None
                break
            played += 1
    return state


async def _save(db: Db, application_id: str, state: State) -> None:
    new = [endpoint for endpoint in state.endpoints.values() if endpoint.is_new]
    changed = [endpoint for endpoint in state.endpoints.values() if not endpoint.is_new and endpoint.changes]
    touched = [user for user in state.users.values() if user.is_touched]
    new_users = [user for user in touched if user.endpoint_count > 0 and not user.is_stored]
    # Others before the rows themselves: what that does to endpoints of the run is then written over.
    await db.together(*_others(application_id, state), (Q.make_changes_table, {}))
    if new:
        await _copy(db, Q.copy_endpoints, (rows.new_row(application_id, each, _changes(each)) for each in new))
    if changed:
        await _copy(db, Q.copy_changes, (rows.change_row(each, _changes(each)) for each in changed))
    if new_users:
        await _copy(db, Q.copy_users, (rows.new_user(application_id, user) for user in new_users))
    merge = [(Q.merge_changes, {"application_id": application_id})] if changed else []
    await db.together(*merge, *_stored_users(application_id, touched))


def _changes(endpoint: Endpoint) -> Patch:
    assert endpoint.changes is not None  # noqa: S101 - only touched endpoints are written
    return endpoint.changes


async def _copy(db: Db, query: Query, lines: Iterator[str]) -> None:
    async with db.copy(query) as copy:
        # The server takes in one part while the next one is made.
        while part := "".join(islice(lines, _LINES_AT_ONCE)):
            await copy.write(part)


Statement = tuple[Query, dict[str, str]]


def _others(application_id: str, state: State) -> Iterator[Statement]:
    """What becomes of the catalogue of names and of endpoints that the patches do not name."""
    key = {"application_id": application_id}
    if state.names.new:
        yield tell_names(application_id, state.names.new)
    if state.claims:
        claims = {
            "channel_types": as_json(channel_type for channel_type, _ in state.claims),
            "addresses": as_json(address for _, address in state.claims),
            "keys": as_json(state.claims.values()),
        }
        yield Q.deactivate_others, key | claims
    if state.evicted:
        yield Q.evict, key | {"keys": as_json(state.evicted)}


def _stored_users(application_id: str, touched: list[User]) -> Iterator[Statement]:
    key = {"application_id": application_id}
    changed = [user for user in touched if user.endpoint_count > 0 and user.is_stored]
    gone = [user.key for user in touched if user.endpoint_count == 0 and user.is_stored]
    if changed:
        yield Q.save_users, key | {"users": f"[{','.join([rows.user_change(user) for user in changed])}]"}
    if gone:
        yield Q.delete_users, key | {"keys": as_json(gone)}
