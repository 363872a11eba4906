"""E-mails of journeys (journeys.md section 8)."""

from repoint.journeys.activities.kind import performs
from repoint.journeys.sending.templated import Templated, configured

# FromAddress; without it that of the channel.
performs(Templated("EMAIL", "EmailTemplate", configured("EmailMessage")))
