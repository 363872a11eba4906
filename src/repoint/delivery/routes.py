"""Which provider carries a message: settings, read and checked once.

A custom message names what is to be called. So it goes to those providers only that call such things, and without any
to a built-in one: a campaign that names a URL has it called with nothing set up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from repoint.contract.shapes import ChannelType
from repoint.delivery.provider import KINDS, Kind
from repoint.delivery.providers import custom_lambda, custom_webhook, mailbox
from repoint.settings import Settings
from repoint.tables import ProviderSettings

# What carries messages of a channel that nothing was said about.
MAILBOX = "mailbox"
# What calls what custom messages name, where no provider that could was named.
WEBHOOK, LAMBDA = "custom_webhook", "custom_lambda"
_BUILT_IN: dict[str, BaseModel] = {
    MAILBOX: mailbox.MailboxOptions(),
    WEBHOOK: custom_webhook.CustomWebhookOptions(),
    LAMBDA: custom_lambda.CustomLambdaOptions(),
}
_CHANNELS = KINDS[MAILBOX].channels


class RouteError(Exception):
    """Settings about providers that do not fit; `mistakes` names each setting and says what is wrong with it."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Configured:
    """A provider under the operator's name for it."""

    name: str
    kind: Kind[Any]
    options: BaseModel


@dataclass(frozen=True, slots=True)
class Routes:
    """Every provider there is, and who is served by which."""

    providers: Mapping[str, Configured]
    channels: Mapping[str, tuple[str, ...]]
    applications: Mapping[str, Mapping[str, tuple[str, ...]]]

    def names(self, application_id: str, channel_type: ChannelType, target: str | None = None) -> tuple[str, ...]:
        """Providers in the order in which they are asked; `target` is what a custom message is to have called."""
        unfit, default = None, MAILBOX
        if target is not None:
            unfit, default = (LAMBDA, WEBHOOK) if "://" in target else (WEBHOOK, LAMBDA)
        for channels in (self.applications.get(application_id, {}), self.channels):
            names = channels.get(channel_type, ())
            if fitting := tuple(name for name in names if self.providers[name].kind.name != unfit):
                return fitting
        return (default,)


def read_routes(settings: Settings) -> Routes:
    """Raise RouteError with everything that does not fit, without secrets. Kinds are those that were discovered."""
    providers = {name: Configured(name, KINDS[name], options) for name, options in _BUILT_IN.items()}
    mistakes: list[str] = []
    for name, given in settings.providers.items():
        try:
            providers[name] = _configured(name, given)
        except RouteError as error:
            mistakes += error.mistakes
    # A provider that is wrong itself is not unknown, too.
    kinds = {**dict.fromkeys(settings.providers), **{name: each.kind for name, each in providers.items()}}
    mistakes += _misrouted("channel_providers", settings.channel_providers, kinds)
    for application_id, channels in settings.application_providers.items():
        mistakes += _misrouted(f"application_providers.{application_id}", channels, kinds)
    if mistakes:
        raise RouteError(mistakes)
    return Routes(providers, settings.channel_providers, settings.application_providers)


def shown_providers(settings: Settings) -> dict[str, Any]:
    """Every configured provider with its options as JSON, secrets masked; raises RouteError."""
    providers = read_routes(settings).providers
    return {
        name: {"kind": providers[name].kind.name, **providers[name].options.model_dump(mode="json")}
        for name in settings.providers
    }


def _configured(name: str, given: ProviderSettings) -> Configured:
    kind = KINDS.get(given.kind)
    if kind is None:
        raise RouteError([f"providers.{name}.kind: {given.kind} is none of {', '.join(sorted(KINDS))}"])
    if name in _BUILT_IN and name != given.kind:
        raise RouteError([f"providers.{name}.kind: this name is that of the built-in provider of the kind {name}"])
    try:
        return Configured(name, kind, kind.options.model_validate(given.options))
    except ValidationError as error:
        # Of its mistakes only place and text: the values can be secret.
        places = [
            (".".join(["providers", name, *map(str, mistake["loc"])]), mistake["msg"]) for mistake in error.errors()
        ]
        raise RouteError([f"{place}: {text}" for place, text in places]) from None


def _misrouted(
    setting: str, channels: Mapping[str, tuple[str, ...]], kinds: Mapping[str, Kind[Any] | None]
) -> Iterator[str]:
    for channel_type, names in channels.items():
        place = f"{setting}.{channel_type}"
        if channel_type not in _CHANNELS:
            yield f"{place}: {channel_type} is none of {', '.join(sorted(_CHANNELS))}"
            continue
        if not names:
            yield f"{place}: names no provider; leave it out to have the default"
        for name in names:
            if name not in kinds:
                yield f"{place}: there is no provider {name}"
            elif (kind := kinds[name]) is not None and channel_type not in kind.channels:
                yield f"{place}: {name} is of the kind {kind.name}, which does not serve {channel_type}"
