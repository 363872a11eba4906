"""What becomes of campaigns that are deleted: alone, with their segment, or with their application.

A run that is under way is cancelled here; who works at its batches finds that out with the next one, and drops them.
"""

from repoint.campaigns.campaign import CAMPAIGNS
from repoint.campaigns.treatments import Q, key_of
from repoint.db.pool import Db
from repoint.delivery.caps import clear_caps
from repoint.delivery.pace import drop_pace
from repoint.operation import Call
from repoint.queue import enqueue
from repoint.resources.clearing import clears
from repoint.resources.documents import Document, on_delete


async def delete(call: Call, application_id: str, campaign_id: str, reason: str) -> Document:
    """Delete a campaign, which is answered as it was. Raises NotFoundException when there is none."""
    campaign = await CAMPAIGNS.delete(call, campaign_id, application_id)
    key = key_of(campaign)
    cancelled = {"now": call.now, "reason": reason}
    # Runs before treatments, as those lock them who end a run; and once more for one that was just being started.
    await call.db.execute(Q.cancel_runs, key | cancelled)
    await call.db.execute(Q.delete_treatments, key)
    await call.db.execute(Q.cancel_runs, key | cancelled)
    await drop_pace(call.db, application_id, campaign_id)
    await enqueue(call.db, clear_caps, application_id=application_id, scope_id=campaign_id)
    return campaign


@on_delete("segment")
async def delete_campaigns_of_segment(db: Db, call: Call, segment_id: str) -> None:
    """Without its segment a campaign has nobody to send to, and has failed (campaigns.md section 3)."""
    for row in await db.rows(Q.campaigns_of_segment, {"segment_id": segment_id}):
        await delete(call, row["application_id"], row["id"], "The campaign's segment was deleted.")


@on_delete("app")
async def stop_campaigns(db: Db, call: Call, application_id: str) -> None:
    """Nothing starts any more, and what runs ends; the rows go in the background."""
    runs = {"application_id": application_id, "campaign_id": None}
    await db.execute(Q.cancel_runs, runs | {"now": call.now, "reason": "The application was deleted."})
    await db.execute(Q.delete_all_treatments, {"application_id": application_id})


for _statement in (
    Q.clear_batches,
    Q.clear_sweeps,
    Q.clear_runs,
    Q.clear_treatments,
):
    clears(_statement)
