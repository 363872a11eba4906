"""What any journey has to be, a draft too (journeys.md sections 1 and 2)."""

import re

from repoint.contract.errors import BadRequestException
from repoint.journeys.checks.faults import shown
from repoint.journeys.journey import Members

MAX_NAME_LENGTH = 150

_ID = re.compile(r"[A-Za-z0-9]{1,100}")
# StartActivity is documented with more characters than the ids that it can name.
_REFERENCE = re.compile(r"[A-Za-z0-9]{1,128}")


def check_draft(request: Members) -> None:
    """Raises BadRequestException for a name or an id that no journey can have."""
    if len(request["Name"]) > MAX_NAME_LENGTH:
        raise BadRequestException(f"Name can't exceed {MAX_NAME_LENGTH} characters")
    for activity_id in request.get("Activities", {}):
        _check_id(activity_id, _ID)
    if request.get("StartActivity"):
        _check_id(request["StartActivity"], _REFERENCE)


def _check_id(activity_id: str, form: re.Pattern[str]) -> None:
    if form.fullmatch(activity_id) is None:
        raise BadRequestException(f"Invalid activity ID: {shown(activity_id)}")
