"""Write docs/providers.md: every kind of provider, what it is for and its options, from the kinds themselves."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from repoint.delivery.gateway.callback import CallbackOptions
from repoint.delivery.provider import KINDS, Kind
from repoint.discover import discover

PAGE = Path(__file__).resolve().parent.parent / "docs" / "providers.md"

WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "text, secret",
    dict: "table",
    tuple: "list of texts",
    tuple[int, ...]: "list of whole numbers",
    CallbackOptions: "table",
}
HEAD = """\
# Providers

Written by `make providers` from the kinds of providers that there are; a test says when this page is out of date.

A provider carries messages to the outside. You configure any number of them under names of your own, and say which of
them serve a channel:

```toml
[providers.relay]
kind = "email_smtp"
host = "mail.example.com"
user = "shop"
password = "…"

[providers.spare]
kind = "email_smtp"
host = "mail.example.net"
tls = "implicit"

[channel_providers]
EMAIL = ["relay", "spare"]

[application_providers.0123456789abcdef0123456789abcdef]
EMAIL = ["spare"]
```

- A channel without any is served by the `mailbox`: nothing goes out, and the database keeps what would have.
- Messages of custom channels call what their campaign names: a URL through a provider of the kind `custom_webhook`, a
  function through one of the kind `custom_lambda`, of those that serve `CUSTOM`. Where there is none of that kind, one
  with default options is built in. To have them kept instead, name the `mailbox`: `CUSTOM = ["mailbox"]`.
- The next provider is asked for messages that the one before did not take for a reason that may pass: it cannot be
  reached, it is busy, it failed. It is never asked for a message that may have been taken, nor for one that nobody
  would take.
- An application's own list goes before the channel's.
- Passwords may stand in the environment instead: `REPOINT_PROVIDERS__RELAY__PASSWORD`. They are shown nowhere, not by
  `repoint settings` either, which lists every option with its value and where it comes from.
- Mistakes in these settings keep Repoint from starting, and are told by name.

With an account at Amazon, e-mail, text messages and calls may go on as they went:

```toml
[providers.ses]
kind = "email_ses"
region = "eu-west-1"
configuration_set = "shop"
credentials = { access_key_id = "…", secret_access_key = "…" }

[providers.texts]
kind = "sms_aws"
region = "eu-west-1"
credentials = { access_key_id = "…", secret_access_key = "…" }

[channel_providers]
EMAIL = ["ses"]
SMS = ["texts"]
```

For text messages, [SMS gateways](gateways.md) and [Two-way SMS](two-way-sms.md) have settings to start from. How to
add a kind is told in [Extending](extending.md#a-provider).

Every kind keeps its connections open and shares them among all messages of a process. Each API and worker process has
its own.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")


def render() -> str:
    """Make the page's text."""
    discover()
    # Tests register kinds of their own.
    kinds = [kind for _, kind in sorted(KINDS.items()) if kind.opens.__module__.startswith("repoint.")]
    return "\n".join([HEAD, *(line for kind in kinds for line in section(kind))])


def section(kind: Kind[Any]) -> Iterator[str]:
    """What is to be said about a kind: its module's words, its channels, its options."""
    yield f"## {kind.name}\n"
    yield f"{inspect.cleandoc(module(kind).__doc__ or '')}\n"
    yield f"Channels: {', '.join(sorted(kind.channels))}.\n"
    if not kind.options.model_fields:
        yield "It has no options.\n"
        return
    yield "| Option | Type | Default | What it does |\n|---|---|---|---|"
    for name, field in kind.options.model_fields.items():
        yield f"| `{name}` | {typed(field.annotation)} | {default(field)} | {escaped(field.description)} |"
    yield ""


def module(kind: Kind[Any]) -> ModuleType:
    """Where a kind stands."""
    return sys.modules[kind.opens.__module__]


def typed(annotation: Any) -> str:
    """A type in the words of TOML."""
    parts = [part for part in get_args(annotation) if part is not NoneType]
    if annotation in WORDS:
        return WORDS[annotation]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if get_origin(annotation) in WORDS:
        return WORDS[get_origin(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    # Beside None there is one type, and beside an annotation, too.
    return typed(parts[0])


def default(field: FieldInfo) -> str:
    """Write the default as repoint.toml would have it."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "must be given"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "`{ " + ", ".join(f'{name} = "{item}"' for name, item in value.items()) + " }`" if value else "`{}`"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    return f"`{value}`"


def escaped(text: str | None) -> str:
    """Keep what Markdown would take for its own; what stands in code it leaves alone, but for the table's bars."""
    parts = (text or "").replace("|", "\\|").split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))


if __name__ == "__main__":
    main()
