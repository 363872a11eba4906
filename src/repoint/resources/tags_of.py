"""The tags that policies see on a resource (auth.md section 4.1)."""

import re
from collections.abc import Mapping

from repoint.access.rights import resolves_tags
from repoint.contract.errors import BadRequestException
from repoint.db.queries import load_queries
from repoint.operation import Call
from repoint.resources.arns import read_taggable
from repoint.resources.documents import ACCOUNT

Q = load_queries("repoint.resources")

_BELOW_APP = re.compile(r"apps/(?P<id>[^/]+)/.+", re.DOTALL)


@resolves_tags
async def tags_of(call: Call, arn: str) -> Mapping[str, str]:
    """The tags of what an ARN names; its application's for what can have none; none for what there is not.

    Read anew at each call that a policy asks for them, so that a change counts from the next call on.
    """
    named = _named(call, arn)
    if named is None:
        return {}
    async with call.statement() as db:
        tags: Mapping[str, str] | None = await db.value(Q.get_tags, named)
    return tags or {}


def _named(call: Call, arn: str) -> dict[str, object] | None:
    try:
        named = read_taggable(call, arn)
    except BadRequestException:
        below = _BELOW_APP.fullmatch(arn.removeprefix(call.arn("")))
        return {"kind": "app", "id": below["id"], "application_id": ACCOUNT} if below else None
    return {"kind": named.kind, "id": named.id, "application_id": named.application_id}
