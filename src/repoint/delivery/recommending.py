"""Recommendations for a run's recipients (templates.md section 9): asked for where a text shows them, nowhere else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db
from repoint.delivery.compose import template_kind
from repoint.delivery.definition import endpoint_definition
from repoint.delivery.recipient import Members, Recipient, Template
from repoint.functions.call import Functions
from repoint.recommenders.ask import Answer, NotRecommended, Recommender, open_recommender
from repoint.recommenders.recommender import RECOMMENDERS
from repoint.resources.documents import Document
from repoint.settings import Settings
from repoint.templates.check import every_text
from repoint.templates.errors import TemplateError
from repoint.templates.escape import Escape
from repoint.templates.text import compile_text

# What every variable of theirs begins with; most texts have none of it, and need not be looked at more closely.
_HEAD = "Recommendation"


async def load_recommenders(db: Db, message: Members, templates: Mapping[str, Template]) -> dict[str, Document | None]:
    """The recommenders that messages need, by kind of template; None for one that is gone.

    `message` is what is said beside the templates.
    """
    wanted = {
        kind: template.content["RecommenderId"]
        for kind, template in templates.items()
        if template.content.get("RecommenderId") and _shows_them([template.content, message])
    }
    return {kind: await _load(db, recommender_id) for kind, recommender_id in wanted.items()}


async def _load(db: Db, recommender_id: str) -> Document | None:
    try:
        return await RECOMMENDERS.get(db, recommender_id)
    except NotFoundException:
        return None


def _shows_them(document: object) -> bool:
    return any(_HEAD in text and _is_shown_in(text) for text in every_text(document))


def _is_shown_in(text: str) -> bool:
    try:
        return compile_text(text, part="", escape=Escape.NONE).uses_recommendations
    except TemplateError:
        # Whoever renders it will tell.
        return False


@asynccontextmanager
async def open_recommending(
    recommenders: Mapping[str, Document | None], functions: Functions, settings: Settings, *, run_id: str
) -> AsyncIterator["Recommending"]:
    """The recommenders of a run, open for as long as a batch is worked on."""
    async with AsyncExitStack() as stack:
        opened = {
            kind: await stack.enter_async_context(open_recommender(found, functions, settings, run_id=run_id))
            if found is not None
            else None
            for kind, found in recommenders.items()
        }
        yield Recommending(opened)


class Recommending:
    """The recommenders of a run, by kind of template."""

    def __init__(self, recommenders: Mapping[str, Recommender | None]) -> None:
        self._recommenders = recommenders

    async def ask(self, envelope: Members, recipients: Sequence[Recipient]) -> dict[str, Answer]:
        """What is recommended to those whose message shows it, by the endpoint's id; nothing of the others."""
        answers: dict[str, Answer] = {}
        for kind, recommender in self._recommenders.items():
            asked = {each.client_id: each.data for each in recipients if template_kind(each.channel_type) == kind}
            if recommender is None:
                answers |= dict.fromkeys(asked, NotRecommended("the recommender is gone"))
            elif asked:
                definitions = {client_id: endpoint_definition(each) for client_id, each in asked.items()}
                answers |= await recommender.ask(envelope, definitions)
        return answers
