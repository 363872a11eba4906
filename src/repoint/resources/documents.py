"""Configuration documents: what a caller sets up, reads back, lists, changes and deletes, whatever its kind.

A document is kept as it was sent, under the contract's names; id, dates and tags stand in columns beside it. A room
declares its kind once (`APPS = Resource("app", check=check_app)`) and only writes out what behaves.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.operation import Call
from repoint.resources.lock import lock_quota
from repoint.resources.pages import Page, age_key
from repoint.resources.tags import check_tags

Q = load_queries("repoint.resources")

# Stands for the application of what belongs to none.
ACCOUNT = ""

# Higher than any version.
_ABOVE_ALL = 2**31 - 1

# Run inside the transaction that deletes, after the document has gone.
DeleteHook = Callable[[Db, Call, str], Awaitable[None]]
_delete_hooks: dict[str, list[DeleteHook]] = {}


def on_delete(kind: str) -> Callable[[DeleteHook], DeleteHook]:
    """Register what else happens when a document of this kind is deleted; gets its id.

    A deleted application takes the documents below it along without asking their kinds' hooks: hook on "app" for that.
    """

    def register(hook: DeleteHook) -> DeleteHook:
        _delete_hooks.setdefault(kind, []).append(hook)
        return hook

    return register


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it is stored."""

    id: str
    # ACCOUNT for what belongs to no application.
    application_id: str
    # What the caller sent, without tags.
    content: dict[str, Any]
    tags: dict[str, str]
    created_at: datetime
    # Of a version: when it came into being.
    modified_at: datetime
    # From 1; None for kinds that have no versions.
    version: int | None


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of document.

    Where an `application_id` may be given to find a document by, one of another application is as good as none.
    """

    kind: str
    # Raises BadRequestException for a request that may not be stored.
    check: Callable[[Mapping[str, Any]], None]
    # What a caller is told when there is none.
    missing: str = "Resource not found"
    # Each change adds a version, and old ones stay readable as long as the document.
    versioned: bool = False

    async def create(
        self, call: Call, request: Mapping[str, Any], *, document_id: str, application_id: str = ACCOUNT
    ) -> Document:
        """Store a new document with the tags of the request. Raises BadRequestException as `check` and tags do."""
        self.check(request)
        parameters = {
            "document": Jsonb(_without_tags(request)),
            "tags": Jsonb(check_tags(request.get("tags", {}))),
            "now": call.now,
            "version": 1 if self.versioned else None,
        }
        [row] = await call.db.rows(Q.insert_document, self._named(document_id, application_id) | parameters)
        return _document(row)

    async def merge(self, call: Call, document_id: str, request: Mapping[str, Any]) -> Document:
        """Replace the members that the request has and keep the others; its tags are ignored (auth.md section 8).

        Raises NotFoundException when there is no document, BadRequestException as `check` does.
        """
        self.check(request)
        parameters = {"document": Jsonb(_without_tags(request)), "now": call.now}
        return self._found(await call.db.row(Q.merge_document, self._named(document_id) | parameters))

    async def replace(self, call: Call, document_id: str, content: Mapping[str, Any]) -> Document:
        """Replace all members. Raises as `merge` does."""
        self.check(content)
        parameters = {"document": Jsonb(_without_tags(content)), "now": call.now}
        return self._found(await call.db.row(Q.replace_document, self._named(document_id) | parameters))

    async def add_version(self, call: Call, document_id: str, request: Mapping[str, Any]) -> Document:
        """Make the request the document's next version, tags apart. Raises as `merge` does."""
        self.check(request)
        parameters = {"document": Jsonb(_without_tags(request)), "now": call.now}
        return self._found(await call.db.row(Q.add_version, self._named(document_id) | parameters))

    async def amend_version(self, db: Db, document_id: str, version: int, members: Mapping[str, Any]) -> None:
        """Replace members of one version, which stays that version: for what is known only later.

        A document that is gone is passed over.
        """
        parameters = {"document": Jsonb(_without_tags(members)), "version": version}
        await db.execute(Q.amend_version, self._named(document_id) | parameters)

    async def get(self, db: Db, document_id: str, application_id: str | None = None) -> Document:
        """The document; raises NotFoundException when there is none."""
        return self._found(await db.row(Q.get_document, self._named(document_id, application_id)))

    async def lock(self, db: Db, document_id: str, application_id: str | None = None) -> Document:
        """The document, which nobody else changes until the transaction ends. Raises NotFoundException."""
        return self._found(await db.row(Q.lock_document, self._named(document_id, application_id)))

    async def hold(self, db: Db, document_id: str, application_id: str | None = None) -> bool:
        """Keep the document from being deleted, beside other holders; False when there is none."""
        return await db.row(Q.hold_document, self._named(document_id, application_id)) is not None

    async def get_version(self, db: Db, document_id: str, version: int, application_id: str | None = None) -> Document:
        """The document as that version has it; raises NotFoundException when there is none."""
        named = self._named(document_id, application_id)
        return self._found(await db.row(Q.get_version, named | {"version": version}))

    async def versions(
        self, db: Db, page: Page, document_id: str, application_id: str | None = None
    ) -> tuple[Sequence[Document], str | None]:
        """One page of the document's versions, highest first, and its NextToken; None on the last page.

        Raises NotFoundException when there is no document.
        """
        named = self._named(document_id, application_id)
        below = _ABOVE_ALL if page.after is None else _version_of(page)
        rows = await db.rows(Q.highest_versions, named | {"below": below, "rows": page.size + 1})
        if not rows:
            await self.get(db, document_id, application_id)
        return page.cut([_document(row) for row in rows], lambda last: (f"{last.version}",))

    async def newest(self, db: Db, page: Page, application_id: str = ACCOUNT) -> tuple[Sequence[Document], str | None]:
        """One page of the documents of this kind, newest first, and its NextToken; None on the last page."""
        created_before, id_before = page.before()
        rows = await db.rows(
            Q.newest_documents,
            {
                "kind": self.kind,
                "application_id": application_id,
                "created_before": created_before,
                "id_before": id_before,
                "rows": page.size + 1,
            },
        )
        return page.cut([_document(row) for row in rows], lambda last: age_key(last.created_at, last.id))

    async def delete(self, call: Call, document_id: str, application_id: str | None = None) -> Document:
        """Delete the document with all its versions, run the hooks of its kind, and return it as it was.

        Raises NotFoundException when there is none.
        """
        document = self._found(await call.db.row(Q.delete_document, self._named(document_id, application_id)))
        for hook in _delete_hooks.get(self.kind, ()):
            await hook(call.db, call, document_id)
        return document

    async def require_at_most(self, db: Db, limit: int, noun: str) -> None:
        """Hold a quota of the account exactly: after creating, raises BadRequestException when there are too many.

        Whoever creates at the same time waits here and then counts this one too.
        """
        await lock_quota(db, self.kind)
        if await db.value(Q.count_documents, {"kind": self.kind}) > limit:
            raise BadRequestException(f"Exceeded maximum number of {noun}: {limit}")

    def _named(self, document_id: str, application_id: str | None = None) -> dict[str, object]:
        return {"kind": self.kind, "id": document_id, "application_id": application_id}

    def _found(self, row: Row | None) -> Document:
        if row is None:
            raise NotFoundException(self.missing)
        return _document(row)


def _without_tags(request: Mapping[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in request.items() if member != "tags"}


def _document(row: Row) -> Document:
    return Document(
        row["id"],
        row["application_id"],
        row["document"],
        row["tags"],
        row["created_at"],
        row["modified_at"],
        row["version"],
    )


def _version_of(page: Page) -> int:
    try:
        (version,) = page.after or ()
        return int(version)
    except ValueError:
        raise BadRequestException("Invalid token") from None
