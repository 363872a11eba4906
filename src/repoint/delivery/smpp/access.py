"""How an SMSC is reached."""

import ssl
from dataclasses import dataclass, field

from repoint.delivery.smpp.pdu import Command


@dataclass(frozen=True, slots=True)
class Access:
    """Where to and who we are."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    command: Command
    system_id: str
    password: str = field(repr=False)
    system_type: str
    window: int
    # Submits a second; None for as many as the window lets through.
    rate: float | None
    connect_timeout_s: float
    answer_timeout_s: float
    enquire_link_s: float
