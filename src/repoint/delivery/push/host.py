"""Options that all providers of push services have, and the way to their host."""

import ssl
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, FilePath

from repoint.delivery.http2.client import Client, Host
from repoint.web import trust


def _leads_somewhere(url: str) -> str:
    """The URL; raises ValueError for one whose host or port cannot be."""
    parts = urlsplit(url)
    (parts.hostname or "").encode("idna")
    if parts.port == 0:
        raise ValueError("there is no port 0")
    return url


_Leading = AfterValidator(_leads_somewhere)
# Where a service is: of the operator's choice alone, so it may be inside as well as outside.
BaseUrl = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9/._~\-]*)?$"), _Leading]
TlsUrl = Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.\-\[\]:]+$"), _Leading]


class PushOptions(BaseModel, frozen=True, extra="forbid"):
    """What every provider of a push service may be told."""

    connect_timeout_s: float = Field(default=10, gt=0, description="Seconds to connect.")
    answer_timeout_s: float = Field(
        default=30, gt=0, description="Seconds that the service has for an answer; then the message is in doubt."
    )
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of CAs that the service may be proved by, beside the public ones."
    )


class Http2Options(PushOptions, frozen=True, extra="forbid"):
    """What one may be told that has one connection for all messages to a host."""

    streams: int = Field(default=500, ge=1, le=10_000, description="Most messages under way at once over a connection.")
    idle_timeout_s: float = Field(default=300, gt=0, description="Seconds after which an idle connection is closed.")


def http2_trust(ca_file: Path | None) -> ssl.SSLContext:
    """Whom servers of HTTP/2 may be proved by; raises OSError for a file that cannot be read."""
    context = trust(ca_file)
    context.set_alpn_protocols(["h2"])
    return context


def http2_client(base_url: str, options: Http2Options, trust: ssl.SSLContext) -> Client:
    """The way to the host of an https URL."""
    parts = urlsplit(base_url)
    host = Host(
        parts.hostname or "",
        parts.port or 443,
        trust,
        options.streams,
        options.connect_timeout_s,
        options.answer_timeout_s,
        options.idle_timeout_s,
    )
    return Client(host)
