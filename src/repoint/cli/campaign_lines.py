"""What became of an endpoint in a campaign, as the server tells it, in lines for people: a line a decision."""

from collections.abc import Iterator
from typing import Any

Tree = dict[str, Any]


def why_lines(told: Tree) -> Iterator[str]:
    """Where the endpoint belongs first, a line for each decision, newest run first, then what holds it back now."""
    yield f"{told['EndpointId']}: {', '.join(_standing(told))}"
    for run in told["Runs"]:
        at = f"{run['ScheduledStart']}  treatment {run['TreatmentId']}  "
        for delivery in run["Deliveries"]:
            yield at + _delivery(delivery)
        if "Reason" in run:
            yield f"{at}{run['Reason']}: {run['Text']}"
    if not told["Runs"]:
        yield "the campaign has no runs"
    if "NextToken" in told:
        yield "… and older runs, which the API has in pages"
    for line in _now(told["Now"]):
        yield f"now: {line}"


def _standing(told: Tree) -> Iterator[str]:
    if not told["Exists"]:
        yield "there is no such endpoint"
    yield "held out" if told["IsHeldOut"] else f"treatment {told['TreatmentId']}"
    segment = told.get("Segment")
    if segment is not None:
        yield f"{'a' if segment['IsMember'] else 'not a'} member of segment {segment['SegmentId']}"


def _delivery(delivery: Tree) -> str:
    of_message = [f"{delivery[name]}" for name in ("ChannelType", "MessageId") if name in delivery]
    told = f"{delivery['Status']}: {delivery['Text']}"
    if "Detail" in delivery:
        told += f"; {delivery['Detail']}"
    if delivery["WasInDoubt"]:
        told += "; it was in doubt, so it may have arrived once more"
    return "  ".join((told, *of_message, f"at {delivery['DecidedAt']}"))


def _now(now: Tree) -> Iterator[str]:
    if now["IsQuietTime"]:
        yield "it is quiet time"
    if "Suppressed" in now:
        yield f"its address is suppressed ({now['Suppressed']})"
    for cap in now["Caps"]:
        reached = ", so it gets no more" if cap["IsReached"] else ""
        of_whom = " of all campaigns and journeys" if cap["Scope"] == "APPLICATION" else ""
        yield f"{cap['Count']} of {cap['Most']} messages{of_whom} ({cap['Limit']}){reached}"
