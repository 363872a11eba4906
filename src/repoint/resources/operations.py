"""Tags of whatever has an ARN that can be tagged (auth.md section 8)."""

from psycopg.types.json import Jsonb

from repoint.contract.errors import NotFoundException
from repoint.contract.shapes import TagsModel
from repoint.db.queries import load_queries
from repoint.operation import Call, Input, operation
from repoint.resources.arns import read_taggable
from repoint.resources.tags import check_number, check_removable, check_tags

Q = load_queries("repoint.resources")


async def _lock_resource(call: Call, arguments: Input) -> None:
    if await call.db.row(Q.lock_tags, _named(call, arguments)) is None:
        raise NotFoundException


@operation(target=_lock_resource)
async def tag_resource(call: Call, arguments: Input) -> None:
    """Add tags, replacing those of the same key."""
    await _lock_resource(call, arguments)
    tags = check_tags(arguments["TagsModel"]["tags"])
    check_number(await call.db.value(Q.add_tags, _named(call, arguments) | {"tags": Jsonb(tags)}))


@operation(target=_lock_resource)
async def untag_resource(call: Call, arguments: Input) -> None:
    """Take tags away; keys that are not there are passed over."""
    await _lock_resource(call, arguments)
    check_removable(arguments["TagKeys"])
    await call.db.execute(Q.remove_tags, _named(call, arguments) | {"keys": arguments["TagKeys"]})


@operation(one_statement=True)
async def list_tags_for_resource(call: Call, arguments: Input) -> TagsModel:
    """Every tag of a resource."""
    row = await call.db.row(Q.get_tags, _named(call, arguments))
    if row is None:
        raise NotFoundException
    return {"tags": row["tags"]}


def _named(call: Call, arguments: Input) -> dict[str, object]:
    named = read_taggable(call, arguments["ResourceArn"])
    return {"kind": named.kind, "id": named.id, "application_id": named.application_id}
