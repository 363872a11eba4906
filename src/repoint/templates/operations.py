"""The 23 operations on templates (templates.md sections 1 to 3): four of each kind, and three on all."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from psycopg.types.json import Jsonb

from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.shapes import (
    CreateTemplateMessageBody,
    MessageBody,
    TemplateResponse,
    TemplatesResponse,
    TemplateVersionResponse,
    TemplateVersionsResponse,
)
from repoint.db.pool import Db
from repoint.operation import Call, Input, Output, operation
from repoint.recommenders.recommender import RECOMMENDERS
from repoint.resources.documents import Document
from repoint.resources.lock import lock_quota
from repoint.resources.pages import read_page
from repoint.resources.tags import check_tags
from repoint.templates.find import CREATED, Q, find_template, named, read_version
from repoint.templates.kinds import KINDS, Kind, check_content, check_name, kind_of

Operation = Callable[[Call, Input], Awaitable[Output]]

_LATEST = "latest"
# The locks of a quota are kept apart by kind.
_ALL = "template"


# -- of each kind


def _create(kind: Kind) -> Operation:
    async def create(call: Call, arguments: Input) -> CreateTemplateMessageBody:
        """A new template, whose first version is active."""
        name, request = arguments["TemplateName"], arguments[kind.request]
        check_name(name)
        check_content(kind, request)
        await _check_recommender(call.db, request)
        tags = Jsonb(check_tags(request.get("tags", {})))
        created = await call.db.row(Q.create_template, _written(call, kind, name, request) | {"tags": tags})
        if created is None:
            raise BadRequestException(f"Template already exists: {name}")
        await lock_quota(call.db, _ALL)
        kinds = [each.resource.kind for each in KINDS.values()]
        if await call.db.value(Q.count_templates, {"kinds": kinds}) > call.settings.max_templates:
            raise BadRequestException(f"Exceeded maximum number of templates: {call.settings.max_templates}")
        return {"Arn": _arn(call, kind, name), "Message": "Created", "RequestID": call.request_id}

    return create


async def _check_recommender(db: Db, request: Mapping[str, Any]) -> None:
    recommender_id = request.get("RecommenderId")
    if recommender_id and not await RECOMMENDERS.hold(db, recommender_id):
        raise BadRequestException(f"Recommender not found: {recommender_id}")


def _get(kind: Kind) -> Operation:
    async def get(call: Call, arguments: Input) -> Mapping[str, Any]:
        """One version of a template."""
        name = arguments["TemplateName"]
        template = await find_template(call.db, kind, name, arguments.get("Version"))
        return {
            **template.content,
            "Arn": _arn(call, kind, name),
            "LastModifiedDate": format_instant(template.modified_at),
            "tags": template.tags,
            "TemplateName": name,
            "TemplateType": kind.type,
            "Version": str(template.version),
        }

    return get


def _update(kind: Kind) -> Operation:
    async def update(call: Call, arguments: Input) -> MessageBody:
        """Overwrite the latest version of a template, or add one that is not active."""
        name, request, version = arguments["TemplateName"], arguments[kind.request], arguments.get("Version")
        is_new = arguments.get("CreateNewVersion", False)
        await kind.resource.lock(call.db, name)
        if is_new and version is not None:
            raise BadRequestException("Version can't be specified when creating a new version")
        check_content(kind, request)
        await _check_recommender(call.db, request)
        written = _written(call, kind, name, request)
        there = await call.db.row(Q.versions_there_are, named(kind, name))
        latest, count = (there["latest"], there["versions"]) if there else (0, 0)
        if is_new:
            if count >= call.settings.max_template_versions:
                raise BadRequestException(f"Exceeded maximum number of versions: {call.settings.max_template_versions}")
            await call.db.execute(Q.add_version, written)
        else:
            if version not in (None, str(latest)):
                raise BadRequestException(f"Version must be the latest version: {latest}")
            await call.db.execute(Q.overwrite_version, written | {"version": latest})
        return _accepted(call)

    return update


def _delete(kind: Kind) -> Operation:
    async def delete(call: Call, arguments: Input) -> MessageBody:
        """Delete a template, or one version of it; with its only version it goes itself."""
        name, version = arguments["TemplateName"], arguments.get("Version")
        if version is not None:
            await _delete_version(call, kind, name, read_version(version))
        else:
            await kind.resource.delete(call, name)
        return _accepted(call)

    return delete


async def _delete_version(call: Call, kind: Kind, name: str, version: int) -> None:
    template = await kind.resource.lock(call.db, name)
    if not await call.db.execute(Q.delete_version, named(kind, name) | {"version": version}):
        raise NotFoundException
    there = await call.db.row(Q.versions_there_are, named(kind, name))
    if there is None or there["latest"] is None:
        await kind.resource.delete(call, name)
    elif template.content["ActiveVersion"] == version:
        await call.db.execute(Q.activate_version, named(kind, name) | {"version": there["latest"]})


def _finder(kind: Kind) -> Callable[[Call, Input], Awaitable[None]]:
    async def find(call: Call, arguments: Input) -> None:
        await kind.resource.get(call.db, arguments["TemplateName"])

    return find


def _bind(kind: Kind) -> None:
    """Bind the four operations of one kind: `create_email_template` and so on."""
    targets = {"update": _finder(kind)}
    for verb, make in {"create": _create, "get": _get, "update": _update, "delete": _delete}.items():
        function = make(kind)
        function.__name__ = f"{verb}_{kind.word}_template"
        operation(target=targets.get(verb), one_statement=verb == "get")(function)


for _kind in KINDS.values():
    _bind(_kind)


# -- of all kinds


async def _find(call: Call, arguments: Input) -> None:
    await kind_of(arguments["TemplateType"]).resource.get(call.db, arguments["TemplateName"])


@operation(target=_find)
async def update_template_active_version(call: Call, arguments: Input) -> MessageBody:
    """Make a version the one that messages get where they name none."""
    kind, name = kind_of(arguments["TemplateType"]), arguments["TemplateName"]
    wanted = arguments["TemplateActiveVersionRequest"].get("Version", "")
    await kind.resource.lock(call.db, name)
    if wanted == _LATEST:
        there = await call.db.row(Q.versions_there_are, named(kind, name))
        version = there["latest"] if there else 0
    else:
        version = read_version(wanted)
    if not await call.db.execute(Q.activate_version, named(kind, name) | {"version": version}):
        raise NotFoundException
    return _accepted(call)


@operation()
async def list_template_versions(call: Call, arguments: Input) -> TemplateVersionsResponse:
    """All versions of a template, newest first."""
    kind, name = kind_of(arguments["TemplateType"]), arguments["TemplateName"]
    page = read_page(call.operation, f"{kind.type}/{name}", arguments.get("PageSize"), arguments.get("NextToken"))
    versions, token = await kind.resource.versions(call.db, page, name)
    answer: TemplateVersionsResponse = {
        "Item": [_version(kind, version) for version in versions],
        "Message": "OK",
        "RequestID": call.request_id,
    }
    return answer | {"NextToken": token} if token else answer


@operation(one_statement=True)
async def list_templates(call: Call, arguments: Input) -> TemplatesResponse:
    """Templates in their active versions, by name and type."""
    given, prefix = arguments.get("TemplateType"), arguments.get("Prefix", "")
    kinds = {kind.resource.kind: kind for kind in (KINDS.values() if given is None else (kind_of(given),))}
    scope = f"{','.join(kinds)}/{prefix}"
    page = read_page(call.operation, scope, arguments.get("PageSize"), arguments.get("NextToken"))
    name_after, kind_after = page.after or ("", "")
    rows = await call.db.rows(
        Q.templates_by_name,
        {
            "kinds": list(kinds),
            "prefix": prefix,
            "id_after": name_after,
            "kind_after": kind_after,
            "rows": page.size + 1,
        },
    )
    shown, token = page.cut(rows, lambda row: (row["id"], row["kind"]))
    items: list[TemplateResponse] = [
        {
            "CreationDate": row["created"],
            "LastModifiedDate": format_instant(row["modified_at"]),
            "TemplateName": row["id"],
            "TemplateType": kinds[row["kind"]].type,
            "Version": str(row["version"]),
        }
        for row in shown
    ]
    return {"Item": items, "NextToken": token} if token else {"Item": items}


def _version(kind: Kind, version: Document) -> TemplateVersionResponse:
    answer: TemplateVersionResponse = {
        "CreationDate": version.content[CREATED],
        "LastModifiedDate": format_instant(version.modified_at),
        "TemplateName": version.id,
        "TemplateType": kind.type,
        "Version": str(version.version),
    }
    if "DefaultSubstitutions" in version.content:
        answer["DefaultSubstitutions"] = version.content["DefaultSubstitutions"]
    if "TemplateDescription" in version.content:
        answer["TemplateDescription"] = version.content["TemplateDescription"]
    return answer


def _written(call: Call, kind: Kind, name: str, request: Mapping[str, Any]) -> dict[str, object]:
    """What a statement that writes a content is given. Tags are no part of it: they are taken at creation only."""
    content = {member: value for member, value in request.items() if member != "tags"}
    document = Jsonb(content | {CREATED: format_instant(call.now)})
    return named(kind, name) | {"document": document, "now": call.now}


def _accepted(call: Call) -> MessageBody:
    return {"Message": "Accepted", "RequestID": call.request_id}


def _arn(call: Call, kind: Kind, name: str) -> str:
    return call.arn(f"templates/{name}/{kind.type}")
