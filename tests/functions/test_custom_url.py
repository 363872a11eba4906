"""What may be a custom channel's URL."""

from typing import Any

import pytest

from repoint.functions.custom_url import check_custom_url, is_custom_url
from repoint.functions.webhook import RefusedUrlError
from repoint.settings import Settings
from tests.fixtures.receiver import Answer, Receiver

HERE: dict[str, Any] = {"allowed_private_networks": ("127.0.0.0/8",), "account_id": "111122223333"}


@pytest.mark.parametrize("url", ["https://a-b.example:8443/~x/y_z?q;1#top", "http://localhost/"])
def test_these_letters_may_stand_in_one(url: str) -> None:
    assert is_custom_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/?k=v",
        "https://a.example/?a&b",
        "https://a.example/%20",
        "https://me@a.example/",
        "https://a.example/\n",
        "https://ä.example/",
        "https://",
        "ftp://a.example/",
        "deliver",
    ],
)
def test_others_may_not(url: str) -> None:
    assert not is_custom_url(url)


async def refusal(url: str, **settings: Any) -> str | None:
    """Why it cannot be one."""
    try:
        await check_custom_url(url, Settings(**{**HERE, **settings}))
    except RefusedUrlError as error:
        return str(error)
    return None


@pytest.mark.parametrize("status", [200, 302, 404])
async def test_who_answers_with_our_account_expects_us(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _: Answer(
        status, headers={"X-Amz-Pinpoint-AccountId": "111122223333", "Location": "http://127.0.0.1:9/"}
    )

    assert await refusal(f"{receiver.url}/hook") is None
    assert [(each.method, each.path) for each in receiver.received] == [("HEAD", "/hook")]


@pytest.mark.parametrize("headers", [{}, {"X-Amz-Pinpoint-AccountId": "444455556666"}])
async def test_who_does_not_is_refused(receiver: Receiver, headers: dict[str, str]) -> None:
    receiver.answer = lambda _: Answer(headers=headers)

    told = await refusal(receiver.url)

    assert told == "127.0.0.1 did not answer HEAD with X-Amz-Pinpoint-AccountId: 111122223333"


async def test_what_cannot_be_asked_is_refused(receiver: Receiver) -> None:
    assert await refusal("https://a.example/?k=v") == (
        "not an https:// URL of letters, digits and - . _ ~ ? / # : ; only"
    )
    assert await refusal(receiver.url, allowed_private_networks=()) == (
        "http:// to 127.0.0.1: only into allowed_private_networks, elsewhere https://"
    )
    assert await refusal("http://127.0.0.1:9/") == "127.0.0.1 could not be called: Connection refused"
    assert receiver.received == []
