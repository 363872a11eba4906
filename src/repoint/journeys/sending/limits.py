"""How often a journey's messages go to an endpoint (journeys.md section 6)."""

from collections.abc import Sequence
from datetime import timedelta

from repoint.delivery.caps import Caps, Rule, all_journeys
from repoint.journeys.journey import Journey


def caps_of(journey: Journey, limited: Sequence[str]) -> Caps:
    """The caps that hold for a journey; in the scopes that are `limited`, whoever does it, its messages count."""
    limits, of_all, of_journeys = journey.limits, journey.application_id, all_journeys(journey.application_id)
    window = timedelta(days=limits.timeframe_days)
    rules = (
        Rule(journey.id, limits.total, None),
        Rule(journey.id, limits.daily),
        Rule(of_journeys, limits.daily_of_journeys),
        Rule(of_all, limits.daily_of_all),
        Rule(of_journeys, limits.timeframe_cap if window else 0, window),
    )
    return Caps(of_all, [rule for rule in rules if rule.most], limited)
