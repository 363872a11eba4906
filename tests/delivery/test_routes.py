"""Settings about providers: who serves whom, and what is said about mistakes."""

from typing import Any

import pytest

from repoint.delivery.routes import RouteError, read_routes, shown_providers
from repoint.discover import discover
from repoint.settings import Settings
from tests.fixtures.messages import APPLICATION

RELAY = {"kind": "email_smtp", "host": "mail.example"}
SECRET = {"user": "shop", "password": "hidden-password"}


@pytest.fixture(autouse=True)
def _kinds() -> None:
    discover()


def test_a_message_is_served_by_its_application_then_by_its_channel_then_by_the_mailbox() -> None:
    settings = Settings(
        providers={"one": RELAY, "two": RELAY},  # type: ignore[dict-item] # as a file has it
        channel_providers={"EMAIL": ("one", "two")},
        application_providers={APPLICATION: {"EMAIL": ("two",)}},
    )

    routes = read_routes(settings)

    assert routes.names(APPLICATION, "EMAIL") == ("two",)
    assert routes.names("another", "EMAIL") == ("one", "two")
    assert routes.names(APPLICATION, "SMS") == ("mailbox",)


@pytest.mark.parametrize(
    ("channel", "application", "for_url", "for_function"),
    [
        ((), (), ("custom_webhook",), ("custom_lambda",)),
        (("w", "l", "v"), (), ("w", "v"), ("l",)),
        (("w",), (), ("w",), ("custom_lambda",)),
        (("w", "l"), ("v",), ("v",), ("l",)),
        (("mailbox",), (), ("mailbox",), ("mailbox",)),
        (("l", "mailbox"), (), ("mailbox",), ("l", "mailbox")),
    ],
)
def test_a_custom_message_is_served_by_what_calls_its_target(
    channel: tuple[str, ...], application: tuple[str, ...], for_url: tuple[str, ...], for_function: tuple[str, ...]
) -> None:
    webhook, function = {"kind": "custom_webhook"}, {"kind": "custom_lambda"}
    settings = Settings(
        providers={"w": webhook, "v": webhook, "l": function},  # type: ignore[dict-item] # as a file has it
        channel_providers={"CUSTOM": channel} if channel else {},
        application_providers={APPLICATION: {"CUSTOM": application}} if application else {},
    )

    routes = read_routes(settings)

    for url in ("https://a.example/hook", "http://127.0.0.1/?not=taken"):
        assert routes.names(APPLICATION, "CUSTOM", url) == for_url
    for name in ("deliver", "arn:aws:lambda:us-east-1:111122223333:function:deliver:7"):
        assert routes.names(APPLICATION, "CUSTOM", name) == for_function


@pytest.mark.parametrize(
    ("settings", "mistakes"),
    [
        ({"providers": {"a": {"kind": "email_smtp"}}}, ["providers.a.host: Field required"]),
        (
            {"providers": {"a": {**RELAY, "hots": "x"}, "b": {**RELAY, "port": 0}}},
            [
                "providers.a.hots: Extra inputs are not permitted",
                "providers.b.port: Input should be greater than or equal to 1",
            ],
        ),
        (
            {"providers": {"a": {**RELAY, "user": "shop"}}},
            ["providers.a: Value error, user and password belong together"],
        ),
        (
            {"providers": {"custom_webhook": {"kind": "custom_lambda"}, "custom_lambda": {"kind": "custom_lambda"}}},
            ["providers.custom_webhook.kind: this name is that of the built-in provider of the kind custom_webhook"],
        ),
        ({"channel_providers": {"EMAIL": ["a"]}}, ["channel_providers.EMAIL: there is no provider a"]),
        (
            {"channel_providers": {"EMAIL": []}},
            ["channel_providers.EMAIL: names no provider; leave it out to have the default"],
        ),
        (
            {"providers": {"a": RELAY}, "application_providers": {"b": {"SMS": ["a"]}}},
            ["application_providers.b.SMS: a is of the kind email_smtp, which does not serve SMS"],
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(settings: dict[str, Any], mistakes: list[str]) -> None:
    with pytest.raises(RouteError) as caught:
        read_routes(Settings(**settings))

    assert caught.value.mistakes == mistakes


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"providers": {"a": {"kind": "pigeon"}}}, "providers.a.kind: pigeon is none of .*email_smtp, mailbox"),
        ({"channel_providers": {"email": ["mailbox"]}}, "channel_providers.email: email is none of ADM, .*EMAIL, GCM"),
        ({"channel_providers": {"IN_APP": ["mailbox"]}}, "channel_providers.IN_APP: IN_APP is none of ADM"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(RouteError, match=told):
        read_routes(Settings(**settings))


def test_passwords_are_told_to_nobody() -> None:
    settings = Settings(providers={"a": {**RELAY, **SECRET}})  # type: ignore[dict-item] # as a file has it

    shown = shown_providers(settings)

    assert shown["a"]["user"] == "shop"
    assert shown["a"]["password"] == "**********"
    routes = read_routes(settings)
    assert "hidden" not in repr(settings) + settings.model_dump_json() + repr(routes) + repr(shown)


def test_passwords_are_not_told_with_mistakes() -> None:
    settings = Settings(
        providers={"a": {**RELAY, **SECRET, "tls": "none", "password": {"is": "hidden"}}}  # type: ignore[dict-item] # as a file has it
    )

    with pytest.raises(RouteError) as caught:
        read_routes(settings)

    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None
