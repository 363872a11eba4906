"""Where an SMTP server is, and how it is entered."""

import ssl
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are at the server."""

    user: str
    password: str
    # Also over a connection that everybody on the way can read.
    may_be_plain: bool = False

    def __repr__(self) -> str:
        return f"Login({self.user!r})"


@dataclass(frozen=True, slots=True)
class Server:
    """A server and the manners for it."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    # None exactly when `tls` is none.
    trust: ssl.SSLContext | None
    login: Login | None
    # How we introduce ourselves; None for the address of the connection.
    helo_name: str | None
    connections: int
    messages_per_connection: int
    connect_timeout_s: float
    command_timeout_s: float
    # From a message's last byte to its answer.
    data_timeout_s: float
    idle_timeout_s: float
