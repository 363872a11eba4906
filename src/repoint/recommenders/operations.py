"""The five operations on recommender configurations, which belong to the account (templates.md section 9)."""

from typing import Any

from repoint.contract.dates import format_instant
from repoint.contract.shapes import ListRecommenderConfigurationsResponse
from repoint.operation import Call, Input, operation
from repoint.recommenders.recommender import RECOMMENDERS, checked
from repoint.resources.documents import Document
from repoint.resources.pages import read_page


@operation()
async def create_recommender_configuration(call: Call, arguments: Input) -> Any:
    """A new configuration, within the operator's quota."""
    content = checked(arguments["CreateRecommenderConfiguration"], call.settings)
    recommender = await RECOMMENDERS.create(call, content, document_id=call.new_id())
    await RECOMMENDERS.require_at_most(call.db, call.settings.max_recommenders, "recommender configurations")
    return _answer(recommender)


@operation(one_statement=True)
async def get_recommender_configuration(call: Call, arguments: Input) -> Any:
    """One configuration."""
    return _answer(await RECOMMENDERS.get(call.db, arguments["RecommenderId"]))


@operation(one_statement=True)
async def get_recommender_configurations(call: Call, arguments: Input) -> ListRecommenderConfigurationsResponse:
    """The account's configurations, newest first."""
    page = read_page(call.operation, "", arguments.get("PageSize"), arguments.get("Token"))
    recommenders, token = await RECOMMENDERS.newest(call.db, page)
    answer: ListRecommenderConfigurationsResponse = {"Item": [_answer(each) for each in recommenders]}
    return answer | {"NextToken": token} if token else answer


async def _find(call: Call, arguments: Input) -> None:
    await RECOMMENDERS.get(call.db, arguments["RecommenderId"])


@operation(target=_find)
async def update_recommender_configuration(call: Call, arguments: Input) -> Any:
    """Replace all members; those left out are gone, or have their defaults."""
    recommender_id = arguments["RecommenderId"]
    await RECOMMENDERS.lock(call.db, recommender_id)
    content = checked(arguments["UpdateRecommenderConfiguration"], call.settings)
    return _answer(await RECOMMENDERS.replace(call, recommender_id, content))


@operation()
async def delete_recommender_configuration(call: Call, arguments: Input) -> Any:
    """Delete a configuration; the answer is what it was. Messages that use it fail from now on."""
    return _answer(await RECOMMENDERS.delete(call, arguments["RecommenderId"]))


def _answer(recommender: Document) -> Any:
    """A RecommenderConfigurationResponse."""
    return {
        **recommender.content,
        "Id": recommender.id,
        "CreationDate": format_instant(recommender.created_at),
        "LastModifiedDate": format_instant(recommender.modified_at),
    }
