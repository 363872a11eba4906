import base64
import json
import sys
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from repoint.cli.configure import given
from repoint.cli.printable import printable
from repoint.cli.remote import EndpointUrl, Remote, label
from repoint.cli.table import print_table

PATH = "/repoint/v1/mailbox"
_COLUMNS = ("KeptAt", "ChannelType", "Address", "Headline", "ApplicationId", "MessageId")
_HEADERS = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID")

app = typer.Typer(
    name="mailbox",
    help="What would have gone out: messages of channels that no provider was set for.",
    invoke_without_command=True,
)


@app.callback()
def mailbox(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    *,
    number: Annotated[int, typer.Option("--number", "-n", min=1, max=1000, help="How many, the newest ones.")] = 20,
    application: Annotated[str | None, typer.Option("--app", help="Only messages of this application.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only messages of this channel, such as EMAIL.")] = None,
    address: Annotated[str | None, typer.Option(help="Only messages to this address.")] = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """List the messages that were kept, the newest one at the end."""
    if context.invoked_subcommand is not None:
        return
    asked = given({"app": application, "channel": channel, "address": address}) | {"page-size": number}
    items = Remote(endpoint_url).json("GET", f"{PATH}?{urlencode(asked)}")["Item"]
    if not items and sys.stdout.isatty():
        typer.echo("The mailbox is empty: send something, or look where the channel's provider sends it.")
    print_table(_COLUMNS, [[printable(str(item[name])) for name in _COLUMNS] for item in reversed(items)])


@app.command()
def show(
    message_id: Annotated[str, typer.Argument(help="As SendMessages told it.")],
    application: Annotated[str, typer.Option("--app", help="Whose message it is.")],
    *,
    as_sent: Annotated[bool, typer.Option("--raw", help="An e-mail as it is on the wire.")] = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print one message: an e-mail with its main headers and its texts, anything else as JSON."""
    path = f"/repoint/v1/apps/{label(application)}/mailbox/{label(message_id)}"
    item = Remote(endpoint_url).json("GET", path)
    if "Mime" not in item:
        typer.echo(printable_lines(json.dumps(item["Content"], ensure_ascii=False, indent=2)))
        return
    mime = base64.b64decode(item["Mime"])
    typer.echo(printable_lines(mime.decode("utf-8", "replace") if as_sent else _readable(mime)))


def printable_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(printable(line) for line in text.splitlines())


def _readable(mime: bytes) -> str:
    # The older policy: the newer one raises for headers and charsets that are none, which a RawEmail may have.
    message = message_from_bytes(mime, policy=policy.compat32)
    lines = [f"{name}: {_decoded(str(message[name]))}" for name in _HEADERS if message[name]]
    return "\n".join(lines + [line for part in _texts(message) for line in part])


def _decoded(header: str) -> str:
    """A header in one line, its encoded words as people read them where they can be read."""
    line = " ".join(header.split())
    try:
        return str(make_header(decode_header(line)))
    except (HeaderParseError, LookupError, ValueError):
        return line


def _texts(message: Message) -> list[list[str]]:
    return [
        ["", f"-- {part.get_content_type()}", *_text(part).splitlines()]
        for part in message.walk()
        if part.get_content_maintype() == "text"
    ]


def _text(part: Message) -> str:
    content: Any = part.get_payload(decode=True)
    charset = part.get_content_charset("utf-8")
    try:
        return str(content.decode(charset, "replace"))
    except LookupError:
        return str(content.decode("utf-8", "replace"))
