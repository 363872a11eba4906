"""Small changes of endpoints that the service itself makes, by the code of UpdateEndpoint."""

from collections.abc import Mapping, Sequence

from repoint.endpoints.patch import patch_of_request
from repoint.endpoints.together import write_together
from repoint.endpoints.upsert import Rules
from repoint.operation import Call


async def set_inactive(call: Call, application_id: str, endpoint_ids: Sequence[str]) -> None:
    """Send nothing more to these endpoints until they are written again: their addresses are no more."""
    await _amend(call, application_id, endpoint_ids, {"EndpointStatus": "INACTIVE"})


async def opt_out(call: Call, application_id: str, endpoint_id: str) -> None:
    """Opt an endpoint out of everything."""
    await _amend(call, application_id, [endpoint_id], {"OptOut": "ALL"})


async def _amend(call: Call, application_id: str, endpoint_ids: Sequence[str], change: Mapping[str, str]) -> None:
    """In a transaction of its own; an endpoint that is refused stays as it is."""
    if not endpoint_ids:
        return
    groups = [[patch_of_request(each, change, call.request_id)] for each in endpoint_ids]
    await write_together(call.database, application_id, groups, call.now, Rules.of(call.settings))
