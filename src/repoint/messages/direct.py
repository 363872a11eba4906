"""Sending what a caller asked for directly: from the request to an outcome for each recipient."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.channels.stored import load_channels
from repoint.delivery.outcome import Outcome
from repoint.delivery.recipient import Recipient, Source
from repoint.delivery.records import Recorder
from repoint.delivery.send import send
from repoint.delivery.tracking import tracking_of
from repoint.endpoints.amend import Gone, ask_set_gone
from repoint.endpoints.key import endpoint_key
from repoint.events.records import Origin
from repoint.messages.templates import load_templates
from repoint.operation import Call

log = structlog.get_logger()

# SDKs wait for 60 seconds; then they ask again, and who had a message would get it twice.
BEGINS_WITHIN_S = 30.0
# What a notification of a direct send says of where it comes from (channels.md section 6.1).
_ORIGIN = {"campaign_id": "_DIRECT", "treatment_id": "0", "campaign_activity_id": ""}


async def direct_source(call: Call, application_id: str, request: Mapping[str, Any]) -> Source:
    """What all recipients of a MessageRequest or a SendUsersMessageRequest have in common; `call.db` is open.

    Raises NotFoundException for a template that there is not.
    """
    return Source(
        application_id,
        request.get("MessageConfiguration") or {},
        await load_templates(call.db, request.get("TemplateConfiguration") or {}),
        await load_channels(call.db, call.settings, application_id),
        request.get("Context") or {},
        _ORIGIN,
        tracking_of(call.settings, application_id),
    )


async def send_direct(
    call: Call, source: Source, recipients: Sequence[Recipient], trace_id: str | None = None
) -> list[Outcome]:
    """Send, record, and make endpoints INACTIVE whose address is no more; one outcome each. No step is open."""
    origin = Origin(call.settings.account_id, source.application_id)
    recorder = Recorder(origin, source, call.request_id, trace_id)
    outcomes = await send(call.database, call.settings, recorder, recipients, call.now, begins_within_s=BEGINS_WITHIN_S)
    told = zip(recipients, outcomes, strict=True)
    gone = [
        (endpoint_key(each.client_id), each.channel_type, each.address)
        for each, outcome in told
        if outcome.is_gone and each.endpoint
    ]
    if gone:
        await _set_gone(call, source.application_id, gone)
    return outcomes


async def _set_gone(call: Call, application_id: str, gone: Sequence[Gone]) -> None:
    """Endpoints whose address is no more. When that fails, the caller is told all the same what became of messages."""
    try:
        async with call.step() as db:
            await db.execute(*ask_set_gone(application_id, gone))
    except (psycopg.Error, PoolTimeout):
        log.exception("Endpoints without an address could not be made inactive", endpoints=len(gone))
