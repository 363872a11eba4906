"""How long activities may wait (journeys.md section 8)."""

from datetime import timedelta

from repoint.contract.dates import parse_instant
from repoint.journeys.checks.faults import Faults, invalid, unreadable
from repoint.journeys.durations import parse_duration
from repoint.journeys.journey import Members

_LEAST, _MOST = timedelta(minutes=1), timedelta(days=365)


def wait_faults(activity_id: str, wait: Members, journey: Members) -> Faults:
    """What is wrong with the WaitTime of a Wait; WaitUntil goes before WaitFor."""
    if not wait.get("WaitUntil") and not wait.get("WaitFor"):
        yield invalid("Missing WaitTime", activity_id)
    yield from _time_faults(activity_id, wait, _LEAST)
    end = journey.get("Schedule", {}).get("EndTime")
    until = parse_instant(wait.get("WaitUntil", ""))
    latest = parse_instant(end) if end else None
    if until and latest and until >= latest:
        yield invalid("WaitUntil must be before the journey's EndTime", activity_id)


def evaluation_faults(activity_id: str, wait: Members) -> Faults:
    """What is wrong with the EvaluationWaitTime of a split; empty for none."""
    yield from _time_faults(activity_id, wait, timedelta())


def _time_faults(activity_id: str, wait: Members, least: timedelta) -> Faults:
    until, given = wait.get("WaitUntil"), wait.get("WaitFor")
    if until and parse_instant(until) is None:
        yield unreadable("WaitUntil", until)
    if until or not given:
        return
    duration = parse_duration(given)
    if duration is None:
        yield unreadable("WaitFor", given)
    elif not least <= duration <= _MOST:
        yield invalid(f"WaitFor must be between {'PT1M' if least else 'PT0S'} and P365D", activity_id)
