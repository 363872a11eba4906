"""Small changes of endpoints that the service itself makes, by the code of UpdateEndpoint."""

from collections.abc import Mapping, Sequence

from repoint.contract.shapes import ChannelType
from repoint.db.parameters import as_json
from repoint.db.pool import Parameters
from repoint.db.queries import Query, load_queries
from repoint.endpoints.patch import patch_of_request
from repoint.endpoints.plan import Stamp, microseconds
from repoint.endpoints.upsert import Rules, apply_rows
from repoint.operation import Call

Q = load_queries("repoint.endpoints")


# An endpoint's key, and the channel and address that it had.
Gone = tuple[str, ChannelType, str]


def ask_set_gone(application_id: str, gone: Sequence[Gone]) -> tuple[Query, Parameters]:
    """The statement that sends nothing more to endpoints whose address is no more, until they are written again.

    Those that have another address by now stay as they are. It waits for nobody, and needs no lock.
    """
    keys, channel_types, addresses = zip(*gone, strict=True)
    columns = {"keys": as_json(keys), "channel_types": as_json(channel_types), "addresses": as_json(addresses)}
    return Q.set_gone, {"application_id": application_id, **columns}


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
