"""Small changes of endpoints that the service itself makes, by the code of UpdateEndpoint."""

from collections.abc import Mapping, Sequence

from repoint.endpoints.patch import patch_of_request
from repoint.endpoints.plan import Stamp, microseconds
from repoint.endpoints.upsert import Rules, apply_rows
from repoint.operation import Call


async def set_inactive(call: Call, application_id: str, endpoint_ids: Sequence[str]) -> None:
    """Send nothing more to these endpoints until they are written again: their addresses are no more."""
    await _amend(call, application_id, endpoint_ids, {"EndpointStatus": "INACTIVE"})


async def opt_out(call: Call, application_id: str, endpoint_id: str) -> None:
    """Opt an endpoint out of everything."""
    await _amend(call, application_id, [endpoint_id], {"OptOut": "ALL"})


async def _amend(call: Call, application_id: str, endpoint_ids: Sequence[str], change: Mapping[str, str]) -> None:
    """In the call's open step, or one of its own; an endpoint that is refused, or no longer there, stays as it is."""
    if not endpoint_ids:
        return
    patches = [patch_of_request(each, change, call.request_id) for each in endpoint_ids]
    async with call.step() as db:
        # Rows of an import make no endpoint without an address: one that was deleted meanwhile must not come back.
        await apply_rows(db, application_id, patches, Stamp(microseconds(call.now), ""), Rules.of(call.settings))
