"""Where recommended items come from: a function or URL of the user's, or Amazon Personalize, as the URI says."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from repoint.aws import AwsError, aws_errors, open_client
from repoint.functions.call import TIMEOUT_S, Callee, Functions
from repoint.functions.result import Failed, FailureKind
from repoint.recommenders.recommender import PERSONALIZE, Members
from repoint.settings import Settings

ATTEMPTS = 3
_MOST_CHARACTERS = 100


class RecommendationError(Exception):
    """There are no recommendations for somebody; the text tells why, without what was answered."""


class Provider(Protocol):
    """Recommends."""

    async def items(self, user_id: str, count: int) -> list[str]:
        """The best items for somebody, at most so many, one at least; raises RecommendationError."""


@asynccontextmanager
async def open_provider(
    recommender: Members, functions: Functions, settings: Settings, source_arn: str
) -> AsyncIterator[Provider]:
    """What a recommender's RecommendationProviderUri names, for as many calls as there are.

    Nothing is raised for one that cannot be called: every call tells why.
    """
    uri: str = recommender["RecommendationProviderUri"]
    if "://" in uri:
        async with functions.at_url(uri) as callee:
            yield _Function(callee)
    elif match := PERSONALIZE.fullmatch(uri):
        async with AsyncExitStack() as stack:
            opened = open_client(
                "personalize-runtime",
                settings.personalize,
                region=match["region"],
                role_arn=recommender["RecommendationProviderRoleArn"],
                read_timeout_s=TIMEOUT_S,
                attempts=ATTEMPTS,
            )
            try:
                client = await stack.enter_async_context(opened)
            except AwsError as error:
                yield _Function(Failed(FailureKind.UNREACHABLE, str(error)))
            else:
                yield _Personalize(client, {f"{match['kind']}Arn": uri})
    else:
        yield _Function(await functions.find(uri, source_arn=source_arn))


@dataclass(frozen=True, slots=True)
class _Function:
    """A function or URL, which is asked as Personalize is."""

    callee: Callee | Failed

    async def items(self, user_id: str, count: int) -> list[str]:
        """See `Provider.items`."""
        if isinstance(self.callee, Failed):
            raise RecommendationError(str(self.callee))
        result = await self.callee.call({"userId": user_id, "numResults": count}, attempts=ATTEMPTS)
        if isinstance(result, Failed):
            raise RecommendationError(str(result))
        return _read(result.value, count)


@dataclass(frozen=True, slots=True)
class _Personalize:
    """A campaign or recommender of Amazon Personalize.

    docs.aws.amazon.com/personalize/latest/dg/API_RS_GetRecommendations.html
    """

    client: Any
    named: dict[str, str]

    async def items(self, user_id: str, count: int) -> list[str]:
        """See `Provider.items`."""
        try:
            with aws_errors():
                answer = await self.client.get_recommendations(**self.named, userId=user_id, numResults=count)
        except AwsError as error:
            # What the service says could quote the user.
            raise RecommendationError(str(error) if error.is_ours else error.code) from error
        return _read(answer, count)


def _read(answer: Any, count: int) -> list[str]:
    """The items of `{"itemList": [{"itemId": "…"}, …]}`."""
    listed = answer.get("itemList") if isinstance(answer, dict) else None
    if not isinstance(listed, list) or not listed:
        raise RecommendationError("the recommender answered no items")
    items = [each.get("itemId") if isinstance(each, dict) else None for each in listed[:count]]
    texts = [item for item in items if isinstance(item, str) and 0 < len(item) <= _MOST_CHARACTERS]
    if len(texts) < len(items):
        raise RecommendationError(f"an item was answered that is no text of 1 to {_MOST_CHARACTERS} characters")
    return texts
