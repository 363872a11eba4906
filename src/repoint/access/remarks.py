"""What is no mistake in a policy but has no effect here: told when it is written, as nobody would notice it later."""

from collections.abc import Iterator

from repoint.access.actions import known_actions
from repoint.access.document import Document, Statement
from repoint.access.patterns import Text, any_matcher, split_arn
from repoint.access.rights import is_known_key
from repoint.settings import Settings

# Those of other services are for other programs to heed.
_OUR_NAMESPACES = ("mobiletargeting:", "repoint:")


def remarks(document: Document, settings: Settings) -> Iterator[str]:
    """One sentence for each action, resource or condition key that nothing here can match."""
    for at, statement in enumerate(document.statements):
        for remark in (*_on_actions(statement), *_on_resources(statement, settings), *_on_conditions(statement)):
            yield f"Statement[{at}]: {remark}"


def _on_actions(statement: Statement) -> Iterator[str]:
    for action in statement.actions:
        matches = any_matcher([action], {})
        if action.written.startswith(_OUR_NAMESPACES) and not any(map(matches, known_actions())):
            yield f"there is no action {action.written}"


def _on_resources(statement: Statement, settings: Settings) -> Iterator[str]:
    heads = [f"arn:aws:mobiletargeting:{region}:{settings.account_id}".split(":") for region in settings.regions]
    for resource in statement.resources:
        *parts, _ = split_arn(resource)
        # A star alone, roles, and what cannot be told without knowing the principal.
        if not parts or parts[2].written.startswith("arn:aws:iam:") or "${" in resource.written:
            continue
        if not any(_has_head(parts, head) for head in heads):
            regions = ", ".join(settings.regions)
            yield f"{resource.written} names nothing here: the account is {settings.account_id}, its regions {regions}"


def _has_head(parts: list[Text], head: list[str]) -> bool:
    return all(any_matcher([part], {})(ours) for part, ours in zip(parts, head, strict=True))


def _on_conditions(statement: Statement) -> Iterator[str]:
    for condition in statement.conditions:
        if not is_known_key(condition.key):
            yield f"the condition key {condition.key} is never there"
