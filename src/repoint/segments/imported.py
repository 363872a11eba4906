"""Imported segments: a fixed list of endpoints, users and snapshots, written by an import job (jobs.md section 9).

The job calls `define` when it is created, `hold` and `list_endpoints` or `list_users` with each batch, in the batch's
own transaction, and `finish` at its end. Snapshots it writes itself. Until then, and when the job FAILED, the version
before stays the one that counts (docs/decisions/0014).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from repoint.contract.errors import BadRequestException
from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries
from repoint.operation import Call
from repoint.resources.documents import Document
from repoint.segments.segment import IS_INCOMPLETE, SEGMENTS, is_imported

Q = load_queries("repoint.segments")

# Members of a job's definition that its segment shows.
_SHOWN = ("ExternalId", "Format", "RoleArn", "S3Url")


@dataclass(frozen=True, slots=True)
class Imported:
    """One version of an imported segment."""

    application_id: str
    segment_id: str
    version: int

    @property
    def key(self) -> dict[str, object]:
        """The parameters that name it in every statement."""
        return {"application_id": self.application_id, "segment_id": self.segment_id, "version": self.version}


async def require_imported(db: Db, application_id: str, segment_id: str) -> None:
    """Raises NotFoundException for an unknown segment, BadRequestException for one that no import made."""
    _check_imported(await SEGMENTS.get(db, segment_id, application_id))


async def define(
    call: Call, application_id: str, definition: Mapping[str, Any], segment_id: str | None = None
) -> Imported:
    """Create the segment that an import is to fill, or the next version of an existing one, still empty.

    `definition` is the import job's; its SegmentName, if there is one, names or renames the segment. The caller holds
    the application (`hold_application`). Raises as `require_imported` does.
    """
    content: dict[str, Any] = {
        "ImportDefinition": {member: definition[member] for member in _SHOWN} | {"Size": 0, "ChannelCounts": {}},
        IS_INCOMPLETE: True,
    }
    if definition.get("SegmentName"):
        content["Name"] = definition["SegmentName"]
    if segment_id is None:
        made = await SEGMENTS.create(call, content, document_id=call.new_id(), application_id=application_id)
    else:
        before = _check_imported(await SEGMENTS.lock(call.db, segment_id, application_id))
        made = await SEGMENTS.add_version(call, segment_id, before.content | content)
    assert made.version is not None  # noqa: S101 - segments have versions
    return Imported(application_id, made.id, made.version)


async def hold(db: Db, imported: Imported) -> bool:
    """Keep the segment from being deleted while the transaction lasts; False when it is gone.

    Whoever adds members asks this first in the same transaction: what is added to a deleted segment stays for ever.
    """
    return await SEGMENTS.hold(db, imported.segment_id, imported.application_id)


async def list_endpoints(db: Db, imported: Imported, endpoint_keys: Iterable[str]) -> None:
    """Add endpoints to the list; those that are on it already are passed over. Keys as `endpoint_key` makes them."""
    await db.execute(*ask_list_endpoints(imported, endpoint_keys))


def ask_list_endpoints(imported: Imported, endpoint_keys: Iterable[str]) -> tuple[Query, dict[str, object]]:
    """The statement of `list_endpoints`, for those who send it together with others."""
    return Q.list_endpoints, imported.key | {"keys": _sorted_json(endpoint_keys)}


async def list_users(db: Db, imported: Imported, user_keys: Iterable[str]) -> None:
    """Add users to the list; those that are on it already are passed over. Keys as `user_key` makes them."""
    await db.execute(Q.list_users, imported.key | {"keys": _sorted_json(user_keys)})


async def finish(db: Db, imported: Imported, size: int, *, is_complete: bool) -> None:
    """Note what the version holds, now that no member will be added: `size` definitions, and endpoints a channel.

    With `is_complete` it takes the place of the version before. A segment that was deleted meanwhile is passed over.
    """
    if not await hold(db, imported):
        return
    document = (await SEGMENTS.get_version(db, imported.segment_id, imported.version)).content
    counts = {row["channel_type"]: row["endpoints"] for row in await db.rows(Q.count_channels, imported.key)}
    definition = document["ImportDefinition"] | {"Size": size, "ChannelCounts": counts}
    noted = {"ImportDefinition": definition, IS_INCOMPLETE: not is_complete}
    await SEGMENTS.amend_version(db, imported.segment_id, imported.version, noted)


def _check_imported(segment: Document) -> Document:
    if not is_imported(segment.content):
        raise BadRequestException(f"Segment {segment.id} is not an imported segment")
    return segment


def _sorted_json(keys: Iterable[str]) -> str:
    # In key order, so that transactions which add the same keys wait for each other instead of in a circle, and so that
    # neighbours go to the same page of the index. Python's order is that of code points, hence of UTF-8's bytes.
    return msgspec.json.encode(sorted(set(keys))).decode()
