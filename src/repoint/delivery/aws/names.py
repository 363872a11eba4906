"""Names in calls to Amazon's services."""

from repoint.delivery.message import Message

# OriginationIdentity of docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html.
IDENTITY = r"^[A-Za-z0-9_:/+-]{1,256}$"


def names(message: Message) -> dict[str, str]:
    """What the service's events are to tell of the message, so that it can be found."""
    return {"repoint-message-id": message.id, "repoint-application-id": message.application_id}
