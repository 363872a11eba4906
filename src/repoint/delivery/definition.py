"""Endpoints as the user's code is told of them, by hooks, custom channels and recommenders (campaigns.md 9 and 10)."""

from typing import Any

from repoint.delivery.recipient import Members

# In the order of the samples. Attributes and User are there even when they are empty, as handlers count on them.
_MEMBERS = (
    "ChannelType",
    "Address",
    "EndpointStatus",
    "OptOut",
    "Location",
    "Demographic",
    "EffectiveDate",
    "Attributes",
    "Metrics",
    "User",
    "CreationDate",
)
_ALWAYS = {"Attributes", "User"}


def endpoint_definition(endpoint: Members) -> dict[str, Any]:
    """An endpoint, as answers show it, for a payload: its cohort is one of its attributes there.

    An attribute that is stored under that name is told instead.
    """
    cohort = {"CohortId": [endpoint["CohortId"]]} if "CohortId" in endpoint else {}
    told = {**endpoint, "Attributes": cohort | endpoint.get("Attributes", {}), "User": endpoint.get("User") or {}}
    return {member: told[member] for member in _MEMBERS if member in _ALWAYS or told.get(member)}
