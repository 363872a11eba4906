"""Asking a recommender for the recipients of a message (templates.md section 9).

The provider recommends items to each endpoint or user; a transformer, if there is one, makes of them what templates
show. Within a run an endpoint or user is recommended to once, whatever asks again: another endpoint of the user, or a
worker that repeats what another has lost.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from repoint.functions.call import Callee, Functions
from repoint.functions.payload import payloads
from repoint.functions.result import Failed
from repoint.recommenders.provider import ATTEMPTS, Provider, RecommendationError, open_provider
from repoint.recommenders.recommender import USER_ID, Members
from repoint.resources.documents import Document
from repoint.settings import Settings

# Calls at a time of one who asks.
_CALLS = 8
# Items of so many endpoints or users are remembered, some 20 MB.
_MOST_REMEMBERED = 50_000

# Run, recommender as it was last written, endpoint or user.
_Key = tuple[str, str, Any, str]


@dataclass(frozen=True, slots=True)
class Recommended:
    """What is put beside an endpoint's members for its message: `RecommendationItems` and `Recommendations`."""

    members: Members


@dataclass(frozen=True, slots=True)
class NotRecommended:
    """Why the endpoint gets no message."""

    reason: str


Answer = Recommended | NotRecommended


class _Remembered:
    """Items that were recommended in this process, those used last."""

    def __init__(self) -> None:
        self._found: OrderedDict[_Key, list[str]] = OrderedDict()
        self._turns: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    def get(self, key: _Key) -> list[str] | None:
        if key in self._found:
            self._found.move_to_end(key)
        return self._found.get(key)

    def turn(self, key: _Key) -> asyncio.Lock:
        """What whoever asks for them holds meanwhile."""
        return self._turns.setdefault(key, asyncio.Lock())

    def put(self, key: _Key, items: list[str]) -> None:
        self._found[key] = items
        if len(self._found) > _MOST_REMEMBERED:
            self._found.popitem(last=False)


_remembered = _Remembered()


@asynccontextmanager
async def open_recommender(
    recommender: Document, functions: Functions, settings: Settings, *, run_id: str
) -> AsyncIterator["Recommender"]:
    """A recommender that may be asked for a run; its connections are kept meanwhile."""
    arn = f"arn:aws:mobiletargeting:{settings.regions[0]}:{settings.account_id}:recommenders/{recommender.id}"
    name = recommender.content.get("RecommendationTransformerUri")
    transformer = await functions.find(name, source_arn=arn) if name else None
    async with open_provider(recommender.content, functions, settings, arn) as provider:
        yield Recommender(recommender, provider, transformer, run_id)


class Recommender:
    """A recommender. That nothing can be recommended is an answer; nothing is raised for it."""

    def __init__(
        self, recommender: Document, provider: Provider, transformer: Callee | Failed | None, run_id: str
    ) -> None:
        self._configuration = recommender.content
        self._provider = provider
        self._transformer = transformer
        self._place = (run_id, recommender.id, recommender.modified_at)
        self._turns = asyncio.Semaphore(_CALLS)

    async def ask(self, envelope: Members, endpoints: Mapping[str, Members]) -> dict[str, Answer]:
        """What is recommended to each of these endpoints, by id.

        They are given as payloads have them; `envelope` is what stands around them there.
        """
        subjects = {endpoint_id: self._subject(endpoint_id, each) for endpoint_id, each in endpoints.items()}
        known = {subject for subject in subjects.values() if subject}
        found = dict(zip(known, await asyncio.gather(*map(self._items, known)), strict=True))
        nobody = NotRecommended("the endpoint has no user")
        answers = {endpoint_id: found[subject] if subject else nobody for endpoint_id, subject in subjects.items()}
        return answers if self._transformer is None else await self._transformed(envelope, endpoints, answers)

    def _subject(self, endpoint_id: str, endpoint: Members) -> str | None:
        """Whom items are recommended to; None for an endpoint of nobody where that is its user."""
        if self._configuration["RecommendationProviderIdType"] != USER_ID:
            return endpoint_id
        return endpoint.get("User", {}).get("UserId") or None

    async def _items(self, subject: str) -> Answer:
        key = (*self._place, subject)
        async with _remembered.turn(key):
            items = _remembered.get(key)
            if items is None:
                try:
                    async with self._turns:
                        items = await self._provider.items(subject, self._configuration["RecommendationsPerMessage"])
                except RecommendationError as error:
                    return NotRecommended(str(error))
                _remembered.put(key, items)
        return Recommended({"RecommendationItems": items})

    async def _transformed(
        self, envelope: Members, endpoints: Mapping[str, Members], answers: dict[str, Answer]
    ) -> dict[str, Answer]:
        """With what the transformer makes of the items; who has none is not asked about."""
        told = {
            endpoint_id: {**endpoints[endpoint_id], **answer.members}
            for endpoint_id, answer in answers.items()
            if isinstance(answer, Recommended)
        }
        batches = list(payloads(envelope, told))
        results = await asyncio.gather(*(self._transform(payload) for _, payload in batches))
        for (ids, _), result in zip(batches, results, strict=True):
            for endpoint_id in ids:
                answers[endpoint_id] = self._attributes(told[endpoint_id], result, endpoint_id)
        return answers

    async def _transform(self, payload: bytes) -> Members | NotRecommended:
        """Endpoints by their ids, as the transformer answers them."""
        transformer = self._transformer
        if transformer is None or isinstance(transformer, Failed):
            return NotRecommended(str(transformer))
        async with self._turns:
            result = await transformer.call(payload, attempts=ATTEMPTS)
        if isinstance(result, Failed):
            return NotRecommended(str(result))
        answered = result.value
        # AWS's guide describes one form, its sample answers the other.
        if isinstance(answered, dict) and isinstance(answered.get("Endpoints"), dict):
            answered = answered["Endpoints"]
        return answered if isinstance(answered, dict) else NotRecommended("the transformer answered no endpoints")

    def _attributes(self, told: Members, result: Members | NotRecommended, endpoint_id: str) -> Answer:
        if isinstance(result, NotRecommended):
            return result
        answered = result.get(endpoint_id)
        given = answered.get("Recommendations") if isinstance(answered, dict) else None
        if not isinstance(given, dict):
            return NotRecommended("the transformer answered no recommendations for the endpoint")
        found = {name: value for name, value in given.items() if name in self._configuration["Attributes"]}
        if not all(isinstance(value, str) or _is_texts(value) for value in found.values()):
            return NotRecommended("the transformer answered recommendations that are no texts")
        return Recommended({"RecommendationItems": told["RecommendationItems"], "Recommendations": found})


def _is_texts(value: object) -> bool:
    return isinstance(value, Sequence) and all(isinstance(each, str) for each in value)
