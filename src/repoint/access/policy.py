"""A policy ready to be asked: what bears on one action is gathered once, so that a check costs microseconds."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from repoint.access.actions import fold
from repoint.access.conditions import Condition, Context, compile_condition
from repoint.access.document import Document, Statement
from repoint.access.patterns import Fold, Text, Values, any_matcher, fill, split_arn

# Regions and accounts in ARNs that callers send are theirs to choose: what is gathered for them is not kept for ever.
_GATHERED = 1000


class Decision(Enum):
    """What a policy says of an action on a resource; what is not allowed is denied."""

    ALLOW = "allow"
    IMPLICIT_DENY = "no statement allows it"
    EXPLICIT_DENY = "a statement denies it"


class _Rule(NamedTuple):
    """One or more statements that bear on an action."""

    covers: Callable[[str], bool]
    conditions: tuple[Callable[[Context], bool], ...]


class Rules:
    """All that bears on one action on resources with one head of their ARN."""

    __slots__ = ("_allowing", "_denying", "_is_folded", "needs_tags")

    def __init__(
        self, denying: Iterable[_Rule], allowing: Iterable[_Rule], *, is_folded: bool, needs_tags: bool
    ) -> None:
        self._denying = tuple(denying)
        self._allowing = tuple(allowing)
        self._is_folded = is_folded
        # Whether the decision may depend on the tags of the resource.
        self.needs_tags = needs_tags

    def decide(self, names: tuple[str, ...], context: Context) -> Decision:
        """Ask about a resource that has one name or several: denying one denies, allowing one allows."""
        if self._is_folded:
            names = tuple([fold(name) for name in names])
        if self._denying and _one_applies(self._denying, names, context):
            return Decision.EXPLICIT_DENY
        return Decision.ALLOW if _one_applies(self._allowing, names, context) else Decision.IMPLICIT_DENY


class Policy:
    """One policy for one principal, `variables` being what its variables stand for."""

    def __init__(self, document: Document, variables: Values) -> None:
        self._document = document
        self._variables = variables
        # By action, head of the ARN, and whether case is ignored.
        self._gathered: dict[tuple[str, str, bool], Rules] = {}

    def rules(self, action: str, head: str, *, ignores_case: bool = False) -> Rules:
        """What bears on an action on the resources whose ARNs begin with `head`."""
        place = (action, head, ignores_case)
        found = self._gathered.get(place)
        if found is None:
            if len(self._gathered) >= _GATHERED:
                self._gathered.clear()
            found = self._gathered[place] = self._gather(action, head, ignores_case=ignores_case)
        return found

    def _gather(self, action: str, head: str, *, ignores_case: bool) -> Rules:
        about = self._about(action)
        folds = fold if ignores_case else str
        return Rules(
            self._rules_of([each for each in about if not each.is_allow], head, folds),
            self._rules_of([each for each in about if each.is_allow], head, folds),
            is_folded=ignores_case,
            needs_tags=any(condition.needs_tags for each in about for condition in each.conditions),
        )

    def _about(self, action: str) -> list[Statement]:
        return [each for each in self._document.statements if _is_about(each, action)]

    def _rules_of(self, statements: list[Statement], head: str, folds: Fold) -> Iterator[_Rule]:
        """What asks for nothing but a resource is one rule, and is asked first."""
        plain = [each for each in statements if not each.conditions and not each.is_not_resources]
        if plain:
            yield _Rule(self._matcher([text for each in plain for text in each.resources], head, folds), ())
        for each in statements:
            if each.conditions or each.is_not_resources:
                conditions = tuple(self._holds(condition, is_allow=each.is_allow) for condition in each.conditions)
                yield _Rule(self._covers(each, head, folds), conditions)

    def _covers(self, statement: Statement, head: str, folds: Fold) -> Callable[[str], bool]:
        """Whether a name is meant.

        Where everything but a list is allowed, a variable without value must not widen the right: then nothing is.
        """
        match = self._matcher(statement.resources, head, folds)
        if not statement.is_not_resources:
            return match
        if statement.is_allow and self._lacks_value(statement.resources):
            return lambda _: False
        return lambda name: not match(name)

    def _holds(self, condition: Condition, *, is_allow: bool) -> Callable[[Context], bool]:
        """Whether a condition holds; likewise, an exception without value must not allow what it was to except."""
        if is_allow and condition.is_negated and self._lacks_value(condition.values):
            return lambda _: False
        return compile_condition(condition, self._variables)

    def _lacks_value(self, texts: Iterable[Text]) -> bool:
        return any(fill(text, self._variables) is None for text in texts)

    def _matcher(self, resources: Iterable[Text], head: str, folds: Fold) -> Callable[[str], bool]:
        """The last parts of those ARNs whose other parts are those of `head`.

        Part by part, as IAM does it: else an id that holds `:apps/…` could pass for what is behind the account.
        """
        parts = head.split(":")
        names = []
        for text in resources:
            *ours, name = split_arn(text)
            # A star alone is every ARN.
            if all(any_matcher([our], self._variables)(part) for our, part in zip(ours, parts, strict=False)):
                names.append(name)
        return any_matcher(names, self._variables, folds)


# Loops rather than any() and all(), as this is run at every call.
def _one_applies(rules: Iterable[_Rule], names: tuple[str, ...], context: Context) -> bool:
    for covers, conditions in rules:
        for name in names:
            if covers(name):
                if not conditions or _all_hold(conditions, context):
                    return True
                break
    return False


def _all_hold(conditions: Iterable[Callable[[Context], bool]], context: Context) -> bool:
    for holds in conditions:  # noqa: SIM110 - as above
        if not holds(context):
            return False
    return True


def _is_about(statement: Statement, action: str) -> bool:
    return any_matcher(statement.actions, {})(action.lower()) != statement.is_not_actions
