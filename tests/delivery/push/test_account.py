"""Accounts at push services, opened by many at once and kept."""

import asyncio
from typing import cast

import psycopg
import pytest

from repoint.channels.stored import Channel
from repoint.contract.shapes import ChannelType
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.push import account
from repoint.delivery.push.account import Account, Accounts, RefusedError
from tests.fixtures.messages import APPLICATION
from tests.fixtures.push import Channels, channels_of


class Opening:
    """Opens accounts, and counts."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None

    async def open(self, _channel: Channel) -> Account:
        """See Opens."""
        self.count += 1
        await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        return cast("Account", object())


@pytest.fixture
def channels() -> Channels:
    return channels_of("GCM", ApiKey="k")


@pytest.fixture
def opening() -> Opening:
    return Opening()


@pytest.fixture
def accounts(channels: Channels, opening: Opening) -> Accounts:
    return Accounts(channels.find, opening.open)


async def test_many_who_need_one_have_it_opened_once(accounts: Accounts, opening: Opening) -> None:
    found = await asyncio.gather(*(accounts.of(APPLICATION, "GCM") for _ in range(20)))

    assert opening.count == 1
    assert len({id(each) for each in found}) == 1


async def test_who_gives_up_costs_nobody_else_an_account(accounts: Accounts) -> None:
    first = asyncio.create_task(accounts.of(APPLICATION, "GCM"))
    second = asyncio.create_task(accounts.of(APPLICATION, "GCM"))
    await asyncio.sleep(0)
    first.cancel()

    assert not isinstance(await second, Outcome)


async def test_a_changed_channel_is_opened_anew(accounts: Accounts, opening: Opening, channels: Channels) -> None:
    first = await accounts.of(APPLICATION, "GCM")
    channels.put("GCM", ApiKey="other")
    second, again = await accounts.of(APPLICATION, "GCM"), await accounts.of(APPLICATION, "GCM")

    assert first is not second
    assert second is again
    assert opening.count == 2


async def test_what_cannot_be_used_is_told_and_not_tried_again_until_it_changes(
    accounts: Accounts, opening: Opening, channels: Channels
) -> None:
    opening.error = RefusedError.permanent("no key")
    found = [await accounts.of(APPLICATION, "GCM") for _ in range(2)]
    opening.error = None
    channels.put("GCM", ApiKey="better")

    assert found == [Outcome(Status.PERMANENT_FAILURE, 400, "no key")] * 2
    assert opening.count == 1
    assert not isinstance(await accounts.of(APPLICATION, "GCM"), Outcome)


async def test_a_file_that_cannot_be_read_is_tried_again(accounts: Accounts, opening: Opening) -> None:
    opening.error = FileNotFoundError("/etc/ssl/ca.pem")
    found = await accounts.of(APPLICATION, "GCM")
    opening.error = None

    assert isinstance(found, Outcome)
    assert (found.status, found.is_in_doubt, found.may_try_another) == ("TEMPORARY_FAILURE", False, True)
    assert "/etc" not in found.detail
    assert not isinstance(await accounts.of(APPLICATION, "GCM"), Outcome)


async def test_without_the_database_the_last_one_goes_on(channels: Channels, opening: Opening) -> None:
    is_away = False

    async def find(application_id: str, channel_type: ChannelType) -> Channel | None:
        if is_away:
            raise psycopg.OperationalError
        return await channels.find(application_id, channel_type)

    accounts = Accounts(find, opening.open)
    first = await accounts.of(APPLICATION, "GCM")
    is_away = True

    assert await accounts.of(APPLICATION, "GCM") is first
    unknown = await accounts.of(APPLICATION, "APNS")
    assert isinstance(unknown, Outcome)
    assert unknown.may_try_another


async def test_not_all_are_kept(monkeypatch: pytest.MonkeyPatch, channels: Channels, opening: Opening) -> None:
    monkeypatch.setattr(account, "_MOST_KEPT", 2)
    used: list[ChannelType] = ["APNS", "ADM", "APNS", "GCM", "APNS", "ADM"]
    for channel_type in set(used):
        channels.put(channel_type, ApiKey="k")
    accounts = Accounts(channels.find, opening.open)
    for channel_type in used:
        await accounts.of(APPLICATION, channel_type)

    # APNS, which was used again and again, was kept.
    assert opening.count == 4
