"""How the activities of a journey hang together (journeys.md section 14)."""

from repoint.journeys.checks.faults import Faults, invalid
from repoint.journeys.graph import circle, conditions_of, kinds_of, targets_of
from repoint.journeys.journey import Members
from repoint.journeys.references import activities_of
from repoint.settings import Settings

# Of one split. Each costs every participant who comes to it.
MAX_CONDITIONS = 100


def check_size(content: Members, settings: Settings) -> None:
    """Raises BadRequestException for a journey that is too large to be looked at closely."""
    activities = content.get("Activities", {})
    if len(activities) > settings.max_journey_activities:
        raise invalid(f"Activities exceeds the maximum of {settings.max_journey_activities} items")
    for activity_id, activity in activities_of(content).items():
        if sum(1 for _ in conditions_of(activity)) > MAX_CONDITIONS:
            raise invalid(f"Conditions exceeds the maximum of {MAX_CONDITIONS} items", activity_id)


def structure_faults(content: Members) -> Faults:
    """What is wrong with StartActivity and Activities as a whole."""
    activities, start = content.get("Activities", {}), content.get("StartActivity")
    if not activities:
        yield invalid("Missing Activities")
    if not start:
        yield invalid("Missing StartActivity")
    elif activities and start not in activities:
        yield invalid(f"StartActivity {start} isn't in Activities")
    for activity_id, activity in activities_of(content).items():
        yield from _kind_faults(activity_id, activity)
        for target in targets_of(activity):
            if target not in activities:
                yield invalid(f"Activity {target} isn't in Activities", activity_id)
    repeating = circle(activities, start or "")
    if repeating is not None:
        yield invalid("Activities can't lead back to themselves", repeating)


def _kind_faults(activity_id: str, activity: Members) -> Faults:
    kinds = kinds_of(activity)
    if not kinds:
        yield invalid("Missing type of activity", activity_id)
    elif len(kinds) > 1:
        yield invalid(f"Specify {kinds[0]} or {kinds[1]}, not both", activity_id)
