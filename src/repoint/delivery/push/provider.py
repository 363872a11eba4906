"""What providers of push services share: accounts, requests, answers, and a second go with a new token."""

import asyncio
from collections.abc import Collection, Sequence

from repoint.contract.shapes import ChannelType
from repoint.delivery.http2.exchange import Answer, NoAnswer, Request
from repoint.delivery.message import Message, Push
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import FindsChannel
from repoint.delivery.push.account import Account, Accounts, Opens, RefusedError

_TOO_DEEP = Outcome(Status.PERMANENT_FAILURE, 400, "the notification is nested too deeply")


class PushProvider:
    """Hands notifications over to one service, each with the credentials of its application."""

    def __init__(self, find: FindsChannel, opens: Opens) -> None:
        self._accounts = Accounts(find, opens)

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider."""
        outcomes: dict[int, Outcome] = {}
        groups: dict[tuple[str, ChannelType], dict[int, tuple[Message, Push]]] = {}
        for number, message in enumerate(messages):
            content = message.content
            if isinstance(content, Push):
                group = groups.setdefault((message.application_id, message.channel_type), {})
                group[number] = message, content
            else:
                detail = f"a push service carries notifications, and no {type(content).__name__}"
                outcomes[number] = Outcome(Status.PERMANENT_FAILURE, 400, detail)
        for told in await asyncio.gather(*(self._send_group(*key, group) for key, group in groups.items())):
            outcomes |= told
        return [outcomes[number] for number in range(len(messages))]

    async def _send_group(
        self, application_id: str, channel_type: ChannelType, group: dict[int, tuple[Message, Push]]
    ) -> dict[int, Outcome]:
        account = await self._accounts.of(application_id, channel_type)
        if isinstance(account, Outcome):
            return dict.fromkeys(group, account)
        outcomes, left = await _go(account, group)
        if left:
            account.renew()
            again, _ = await _go(account, left, is_last=True)
            outcomes |= again
        return outcomes


async def _go(
    account: Account, group: dict[int, tuple[Message, Push]], *, is_last: bool = False
) -> tuple[dict[int, Outcome], dict[int, tuple[Message, Push]]]:
    """What became of these, and those for which another token is needed."""
    outcomes: dict[int, Outcome] = {}
    left: dict[int, tuple[Message, Push]] = {}
    await account.prepare([content for _, content in group.values()])
    requests: dict[int, Request] = {}
    for number, (message, content) in group.items():
        try:
            requests[number] = account.hand_over(message, content)
        except RefusedError as error:
            outcomes[number] = error.outcome
        except RecursionError:
            # What could just be read is written a level deeper.
            outcomes[number] = _TOO_DEEP
    for number, answer in zip(requests, await _answers(requests.values()), strict=True):
        if isinstance(answer, NoAnswer):
            outcomes[number] = _unanswered(answer)
        elif not is_last and account.is_unauthorized(answer):
            left[number] = group[number]
        else:
            outcomes[number] = account.read(*group[number], answer)
    return outcomes, left


async def _answers(requests: Collection[Request]) -> list[Answer | NoAnswer]:
    """In their order. When we are stopped meanwhile, those that still wait are not made."""
    try:
        return [await request.answer for request in requests]
    finally:
        for request in requests:
            request.answer.cancel()


def _unanswered(why: NoAnswer) -> Outcome:
    status_code = 504 if why.is_late else 500
    if why.is_in_doubt:
        detail = f"{why.detail}; it may have taken the message"
        return Outcome(Status.UNKNOWN_FAILURE, status_code, detail, is_in_doubt=True)
    return Outcome(Status.TEMPORARY_FAILURE, status_code, why.detail)
