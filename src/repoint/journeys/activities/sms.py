"""Text messages of journeys (journeys.md section 8)."""

from repoint.journeys.activities.kind import performs
from repoint.journeys.sending.templated import Templated, configured

# MessageType, OriginationNumber before SenderId, EntityId and TemplateId for India: as direct messages have them.
performs(Templated("SMS", "SMSTemplate", configured("SMSMessage")))
