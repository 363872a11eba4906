"""What an application's settings may say (apps.md section 2); campaigns and journeys have members of the same form."""

import re
from collections.abc import Mapping
from typing import Any

from repoint.contract.errors import BadRequestException

Ranges = Mapping[str, tuple[int, int]]

# The contract's integers have 32 bits.
_LARGEST = 2**31 - 1

# Zero is no limit, where it is allowed.
LIMITS: Ranges = {
    "Daily": (0, 100),
    "MaximumDuration": (60, _LARGEST),
    "MessagesPerSecond": (1, 20_000),
    "Total": (0, 100),
    "Session": (0, _LARGEST),
}
JOURNEY_LIMITS: Ranges = {"DailyCap": (0, 100), "TotalCap": (0, 100)}
TIMEFRAME_CAP: Ranges = {"Cap": (0, 100), "Days": (0, 30)}

# HH:MM.
TIME_OF_DAY = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def check_settings(request: Mapping[str, Any]) -> None:
    """Raises BadRequestException for the first member of a WriteApplicationSettingsRequest that may not be so."""
    check_hook(request.get("CampaignHook", {}))
    check_ranges("Limits", request.get("Limits", {}), LIMITS)
    check_quiet_time(request.get("QuietTime", {}))
    journey_limits = request.get("JourneyLimits", {})
    check_ranges("JourneyLimits", journey_limits, JOURNEY_LIMITS)
    check_ranges("JourneyLimits.TimeframeCap", journey_limits.get("TimeframeCap", {}), TIMEFRAME_CAP)


def check_ranges(name: str, limits: Mapping[str, Any], ranges: Ranges) -> None:
    """Raises BadRequestException for a limit below or above its range; both ends belong to it."""
    for member, (least, most) in ranges.items():
        if member in limits and not least <= limits[member] <= most:
            raise BadRequestException(f"{name}.{member} must be between {least} and {most}")


def check_quiet_time(quiet_time: Mapping[str, str]) -> None:
    """Raises BadRequestException unless Start and End are both there as HH:MM, or neither is."""
    if not quiet_time:
        return
    for member in ("Start", "End"):
        if member not in quiet_time:
            raise BadRequestException(f"Invalid QuietTime: {member} is missing")
        if not TIME_OF_DAY.fullmatch(quiet_time[member]):
            raise BadRequestException(f"Invalid QuietTime: {quiet_time[member]}")


def check_hook(hook: Mapping[str, str]) -> None:
    """Raises BadRequestException for two targets and for the mode that Pinpoint gave up (campaigns.md section 9)."""
    if hook.get("Mode") == "DELIVERY":
        raise BadRequestException("Campaign hook mode DELIVERY is not supported")
    if "LambdaFunctionName" in hook and "WebUrl" in hook:
        raise BadRequestException("Specify LambdaFunctionName or WebUrl, not both")


def without_cleared(request: Mapping[str, Any]) -> dict[str, Any]:
    """The request without the empty texts in its objects, which clear what they stand for (protocol.md section 4)."""
    return {
        member: {name: held for name, held in value.items() if held != ""} if isinstance(value, dict) else value
        for member, value in request.items()
    }
