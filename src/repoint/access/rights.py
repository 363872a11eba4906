"""What a key may do: its policy, asked about everything that a call needs a right for."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from repoint.access.actions import PASS_ROLE, TAG_RESOURCE, Asked, Resource, asked, split_arn
from repoint.access.document import Document
from repoint.access.patterns import PRINCIPAL_TAG
from repoint.access.policy import Decision, Policy
from repoint.contract.dates import format_instant
from repoint.contract.errors import AccessDeniedException
from repoint.operation import Call, Input

Tags = Mapping[str, str]
# Registered by the room that keeps tags: those of the resource with this ARN; of one that can have none, its project's.
TagResolver = Callable[[Call, str], Awaitable[Tags]]
_resolvers: list[TagResolver] = []

# A role may be handed to either: AWS's own samples name the first, though it is the second that assumes it.
_PASSED_TO = ("mobiletargeting.amazonaws.com", "pinpoint.amazonaws.com")


def resolves_tags(resolver: TagResolver) -> TagResolver:
    """Register who knows the tags of resources."""
    _resolvers[:] = [resolver]
    return resolver


class KeyRights:
    """The rights of one key, for as long as its policy is the one given here."""

    def __init__(self, document: Document, *, arn: str, user_name: str, user_id: str, tags: Tags) -> None:
        self._constants: dict[str, Sequence[str]] = {
            "aws:principalarn": (arn,),
            "aws:username": (user_name,),
            "aws:userid": (user_id,),
            **_by_key(PRINCIPAL_TAG, tags),
        }
        self._policy = Policy(document, {name: values[0] for name, values in self._constants.items()})

    async def check(self, call: Call, arguments: Input) -> None:
        """Raise AccessDeniedException unless the policy allows the call and all that it entails (auth.md section 4)."""
        question = asked(call.operation)
        resource = question.resource(call.arn(""), arguments)
        context = CallContext(call, question, arguments, self._constants)
        await self._require(question.action, resource, context, ignores_case=question.ignores_case)
        for operation in question.does:
            other = asked(operation)
            resource_of_it = other.resource(call.arn(""), arguments)
            await self._require(other.action, resource_of_it, context, ignores_case=other.ignores_case)
        if question.made and question.tags(arguments):
            await self._require(TAG_RESOURCE, question.made_resource(resource[0], arguments), context)
        for role_arn in question.role_arns(arguments) if question.roles else ():
            context.passed_to = _PASSED_TO
            await self._require(PASS_ROLE, split_arn(role_arn), context)

    async def _require(
        self, action: str, resource: Resource, context: "CallContext", *, ignores_case: bool = False
    ) -> None:
        head, names = resource
        rules = self._policy.rules(action, head, ignores_case=ignores_case)
        if rules.needs_tags:
            await context.find_tags(resource)
        decision = rules.decide(names, context)
        if decision is Decision.ALLOW:
            return
        told = " with an explicit deny" if decision is Decision.EXPLICIT_DENY else ""
        user = context.call.principal.arn
        raise AccessDeniedException(
            f"User: {user} is not authorized to perform: {action} on resource: {head}{names[0]}{told}"
        )


class CallContext:
    """The condition keys of one call, each made when it is asked for."""

    __slots__ = ("_constants", "arguments", "asked", "call", "passed_to", "resource_tags")

    def __init__(self, call: Call, question: Asked, arguments: Input, constants: Mapping[str, Sequence[str]]) -> None:
        self.call = call
        self.asked = question
        self.arguments = arguments
        self._constants = constants
        # By condition key. Found only for policies that ask.
        self.resource_tags: Mapping[str, Sequence[str]] = {}
        # The services that a role is handed to; none in other questions.
        self.passed_to: Sequence[str] | None = None

    async def find_tags(self, resource: Resource) -> None:
        """Look up the tags of what the call is done to; of two names, the second is the one that can have tags."""
        head, names = resource
        for resolver in _resolvers:
            self.resource_tags = _by_key(_RESOURCE_TAG, await resolver(self.call, head + names[-1]))

    def get(self, key: str) -> Sequence[str] | None:
        """The values of a condition key, its name in lower case; None when the call has no such key."""
        find = _KEYS.get(key)
        if find is not None:
            return find(self)
        if key.startswith(_RESOURCE_TAG):
            return self.resource_tags.get(key)
        if key.startswith(_REQUEST_TAG):
            return _by_key(_REQUEST_TAG, self.asked.tags(self.arguments)).get(key)
        return self._constants.get(key)


def _tag_keys(context: CallContext) -> Sequence[str] | None:
    return context.asked.tag_keys(context.arguments) or None


_KEYS: Mapping[str, Callable[[CallContext], Sequence[str] | None]] = {
    "aws:sourceip": lambda context: (context.call.source_ip,) if context.call.source_ip else None,
    "aws:currenttime": lambda context: (format_instant(context.call.now),),
    "aws:epochtime": lambda context: (f"{int(context.call.now.timestamp())}",),
    "aws:securetransport": lambda context: ("true" if context.call.is_secure else "false",),
    "aws:useragent": lambda context: (context.call.user_agent,) if context.call.user_agent else None,
    "aws:requestedregion": lambda context: (context.call.region,),
    "aws:principalaccount": lambda context: (context.call.settings.account_id,),
    "aws:tagkeys": _tag_keys,
    "iam:passedtoservice": lambda context: context.passed_to,
}
_RESOURCE_TAG = "aws:resourcetag/"
_REQUEST_TAG = "aws:requesttag/"
# Keys that exist, but never have a value here: keys have no second factor, and nobody comes from another service.
_NEVER_THERE = frozenset({"aws:multifactorauthpresent", "aws:sourceaccount", "aws:sourcearn"})


def is_known_key(key: str) -> bool:
    """Whether a condition key, in lower case, is one that calls can have or that is known never to be there."""
    tags = (_RESOURCE_TAG, _REQUEST_TAG, PRINCIPAL_TAG)
    constants = ("aws:principalarn", "aws:username", "aws:userid")
    return key in _KEYS or key in _NEVER_THERE or key in constants or key.startswith(tags)


def _by_key(prefix: str, tags: Tags) -> dict[str, Sequence[str]]:
    """Tags by condition key. Names of keys have no case, so tags that differ only by case are values of one key."""
    found: dict[str, list[str]] = {}
    for tag, value in tags.items():
        found.setdefault(f"{prefix}{tag.lower()}", []).append(value)
    return {key: tuple(values) for key, values in found.items()}
