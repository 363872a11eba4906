"""Which endpoints the activities are for that send messages made from templates (journeys.md section 8)."""

from collections.abc import Mapping

from repoint.contract.shapes import ChannelType

# By the contract's name of the activity.
CHANNEL_TYPES: Mapping[str, tuple[ChannelType, ...]] = {
    "EMAIL": ("EMAIL",),
    "SMS": ("SMS",),
    "PUSH": ("GCM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "ADM", "BAIDU"),
}
