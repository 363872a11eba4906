"""The way from a message to the providers that are asked to carry it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace

import pytest
import structlog
from msgspec import structs
from pydantic import BaseModel

from repoint.delivery.message import Custom, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import KINDS, Provider, Surroundings, provider
from repoint.delivery.routes import RouteError
from repoint.delivery.routing import open_providers
from repoint.functions.call import Functions, open_functions
from repoint.settings import Settings
from tests.fixtures.messages import APPLICATION, email, other, sms
from tests.fixtures.receiver import Answer, Receiver

SECRET = "hidden-password"
SENT = Outcome(Status.SUCCESSFUL, 200, "sent")
BUSY = Outcome(Status.THROTTLED, 429, "busy")
AWAY = Outcome(Status.TEMPORARY_FAILURE, 500, "away")
NEVER = Outcome(Status.PERMANENT_FAILURE, 400, "never")
PERHAPS = Outcome(Status.UNKNOWN_FAILURE, 500, "perhaps", is_in_doubt=True)


class NoOptions(BaseModel, frozen=True, extra="forbid"):
    """There are none."""


@dataclass
class Fake:
    """A provider that answers what a test wants, by the recipient."""

    answer: Callable[[Message], Outcome] = lambda _: SENT
    opens: int = 0
    closes: int = 0
    fails_to_open: bool = False
    given: list[str] = field(default_factory=list)

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider."""
        self.given += [message.id for message in messages]
        return [self.answer(message) for message in messages]


@dataclass
class Fakes:
    """Two of them, and what was put into the mailbox."""

    first: Fake = field(default_factory=Fake)
    second: Fake = field(default_factory=Fake)
    kept: list[Message] = field(default_factory=list)

    def surroundings(self, **settings: object) -> Surroundings:
        """Where both serve e-mail, one after the other."""

        async def keep(messages: Sequence[Message]) -> None:
            self.kept += messages

        given = {
            "providers": {"a": {"kind": "first"}, "b": {"kind": "second"}},
            "channel_providers": {"EMAIL": ("a", "b")},
            **settings,
        }
        return Surroundings(Settings(**given), keep, Functions(Settings()))  # type: ignore[arg-type] # as a file has it


@contextmanager
def kind(name: str, fake: Fake) -> Iterator[None]:
    """A kind of provider while a test runs."""

    @provider(name, "EMAIL", options=NoOptions)
    @asynccontextmanager
    async def opens(_options: NoOptions, _surroundings: Surroundings) -> AsyncIterator[Provider]:
        fake.opens += 1
        if fake.fails_to_open:
            raise OSError(SECRET)
        opener = asyncio.current_task()
        yield fake
        assert asyncio.current_task() is opener
        fake.closes += 1

    yield
    del KINDS[name]


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    """Both kinds, registered."""
    fakes = Fakes()
    with kind("first", fakes.first), kind("second", fakes.second):
        yield fakes


async def test_messages_go_to_the_provider_of_their_channel_and_application(fakes: Fakes) -> None:
    own = structs.replace(email(2), application_id="own")
    surroundings = fakes.surroundings(application_providers={"own": {"EMAIL": ("b",)}})

    async with open_providers(surroundings) as providers:
        outcomes = await providers.send([email(1), own, sms(3), email(4)])

    assert [outcome.detail for outcome in outcomes] == ["sent", "sent", "kept in the mailbox", "sent"]
    assert (fakes.first.given, fakes.second.given) == (["m-1", "m-4"], ["m-2"])
    assert fakes.kept == [sms(3)]


async def test_custom_messages_call_what_they_name_with_nothing_set_up(receiver: Receiver) -> None:
    receiver.answer = lambda received: Answer(400 if received.path == "/deliver" else 200)
    fakes, functions = Fakes(), {"deliver": {"url": f"{receiver.url}/deliver"}}
    surroundings = fakes.surroundings(
        providers={}, channel_providers={}, functions=functions, allowed_private_networks=["127.0.0.0/8"]
    )
    by_url, by_name = (other("CUSTOM", Custom("e-1", {}, {}, target)) for target in (f"{receiver.url}/hook", "deliver"))

    async with (
        open_functions(surroundings.settings) as opened,
        open_providers(replace(surroundings, functions=opened)) as providers,
    ):
        outcomes = await providers.send([by_url, by_name])

    assert [outcome.status for outcome in outcomes] == [Status.SUCCESSFUL, Status.PERMANENT_FAILURE]
    assert sorted({received.path for received in receiver.received}) == ["/deliver", "/hook"]
    assert fakes.kept == []


@pytest.mark.parametrize("answer", [BUSY, AWAY])
async def test_the_next_provider_is_asked_for_what_was_not_taken(fakes: Fakes, answer: Outcome) -> None:
    fakes.first.answer = lambda message: answer if message.id == "m-2" else SENT

    async with open_providers(fakes.surroundings()) as providers:
        outcomes = await providers.send([email(1), email(2), email(3)])

    assert outcomes == [SENT, SENT, SENT]
    assert fakes.second.given == ["m-2"]


@pytest.mark.parametrize("answer", [NEVER, PERHAPS, Outcome(Status.OPT_OUT, 400), Outcome(Status.DUPLICATE, 200)])
async def test_the_next_provider_is_not_asked_for_anything_else(fakes: Fakes, answer: Outcome) -> None:
    fakes.first.answer = lambda _: answer

    async with open_providers(fakes.surroundings()) as providers:
        outcomes = await providers.send([email()])

    assert outcomes == [answer]
    assert fakes.second.given == []


async def test_the_last_provider_has_the_last_word(fakes: Fakes) -> None:
    fakes.first.answer = lambda _: BUSY
    fakes.second.answer = lambda _: AWAY

    async with open_providers(fakes.surroundings()) as providers:
        outcomes = await providers.send([email()])

    assert outcomes == [AWAY]


async def test_a_provider_that_raises_costs_its_own_messages_only(fakes: Fakes) -> None:
    def fail(message: Message) -> Outcome:
        raise ValueError(SECRET, message.address)

    fakes.first.answer = fail
    with structlog.testing.capture_logs() as logs:
        async with open_providers(fakes.surroundings()) as providers:
            outcomes = await providers.send([email(1), sms(2)])

    assert (outcomes[0].status, outcomes[0].is_in_doubt) == (Status.UNKNOWN_FAILURE, True)
    assert outcomes[1].is_sent
    assert fakes.second.given == []
    (line,) = logs
    assert (line["log_level"], line["provider"], line["error"]) == ("error", "a", "ValueError")
    assert "hidden" not in str(line)
    assert "example.com" not in str(line)
    assert "in fail" in line["where"]


async def test_a_provider_that_cannot_be_opened_is_passed_over_and_tried_again(fakes: Fakes) -> None:
    fakes.first.fails_to_open = True
    with structlog.testing.capture_logs() as logs:
        async with open_providers(fakes.surroundings()) as providers:
            outcomes = await providers.send([email(1)])
            fakes.first.fails_to_open = False
            outcomes += await providers.send([email(2)])

    assert outcomes == [SENT, SENT]
    assert (fakes.first.given, fakes.second.given) == (["m-2"], ["m-1"])
    assert [line["error"] for line in logs] == ["OSError"]
    assert "hidden" not in str(logs)


async def test_a_provider_is_opened_once_when_it_is_needed_and_closed_at_the_end(fakes: Fakes) -> None:
    async with open_providers(fakes.surroundings()) as providers:
        await providers.send([sms(1)])
        opened_before = fakes.first.opens
        await asyncio.gather(*(providers.send([email(number)]) for number in range(5)))
        closed_before = fakes.first.closes

    assert (opened_before, fakes.first.opens) == (0, 1)
    assert (closed_before, fakes.first.closes) == (0, 1)
    assert fakes.second.opens == 0


async def test_settings_that_do_not_fit_are_refused_at_once(fakes: Fakes) -> None:
    surroundings = fakes.surroundings(application_providers={APPLICATION: {"EMAIL": ("c",)}})

    with pytest.raises(RouteError, match="there is no provider c"):
        async with open_providers(surroundings):
            pass
