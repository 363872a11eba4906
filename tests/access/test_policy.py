"""What a policy decides: explicit deny, then allow, then nothing; wildcards, variables, two names, odd ids."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from repoint.access.actions import split_arn
from repoint.access.document import read_document
from repoint.access.policy import Decision, Policy

HEAD = "arn:aws:mobiletargeting:eu-west-1:123456789012:"
SHOP = "9f1c0d5e7a3b4c2d8e6f1a0b9c8d7e6f"
VARIABLES = {"aws:username": "ana", "aws:userid": "AKIA", "aws:principaltag/app": SHOP, "aws:principaltag/any": "*"}
ALLOW, DENY, NOTHING = Decision.ALLOW, Decision.EXPLICIT_DENY, Decision.IMPLICIT_DENY


class Nothing:
    """A call that has no condition keys but an address."""

    def __init__(self, source_ip: str) -> None:
        self._source_ip = source_ip

    def get(self, key: str) -> Sequence[str] | None:
        """The address."""
        return (self._source_ip,) if key == "aws:sourceip" else None


def decide(
    statements: list[dict[str, Any]], action: str, *names: str, source_ip: str = "192.0.2.7", ignores_case: bool = False
) -> Decision:
    policy = Policy(read_document(json.dumps({"Version": "2012-10-17", "Statement": statements})), VARIABLES)
    rules = policy.rules(action, HEAD, ignores_case=ignores_case)
    return rules.decide(names, Nothing(source_ip))


def allow(action: Any, *resources: str, **others: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources)} | others


def deny(action: Any, *resources: str, **others: Any) -> dict[str, Any]:
    return allow(action, *resources, **others) | {"Effect": "Deny"}


@pytest.mark.parametrize(
    ("action", "pattern", "is_meant"),
    [
        ("mobiletargeting:GetApp", "mobiletargeting:GetApp", True),
        ("mobiletargeting:GetApp", "MobileTargeting:getapp", True),
        ("mobiletargeting:GetApp", "mobiletargeting:Get*", True),
        ("mobiletargeting:GetApp", "mobiletargeting:Get???", True),
        ("mobiletargeting:GetApps", "mobiletargeting:GetApp", False),
        ("mobiletargeting:GetApp", "*", True),
        ("repoint:CountSegment", "mobiletargeting:*", False),
        ("repoint:CountSegment", "repoint:Count*", True),
    ],
)
def test_actions_are_compared_without_case(action: str, pattern: str, is_meant: bool) -> None:  # noqa: FBT001 - of a table
    assert decide([allow(pattern, "*")], action, "apps") is (ALLOW if is_meant else NOTHING)


@pytest.mark.parametrize(
    ("pattern", "name", "is_meant"),
    [
        ("*", "anything", True),
        (f"{HEAD}*", "apps/1", True),
        (f"{HEAD}apps/{SHOP}", f"apps/{SHOP}", True),
        (f"{HEAD}apps/{SHOP}", f"apps/{SHOP}/events", False),
        (f"{HEAD}apps/{SHOP}/*", f"apps/{SHOP}/endpoints/a/b", True),
        (f"{HEAD}apps/{SHOP}/*", f"apps/{SHOP}", False),
        (f"{HEAD}apps/*", f"apps/{SHOP}/events", True),
        (f"{HEAD}apps/?", "apps/1", True),
        (f"{HEAD}apps/*/events", "apps/1/events", True),
        (f"{HEAD}apps/*/events", "apps/1/event", False),
        (f"{HEAD}Apps/1", "apps/1", False),
        ("arn:aws:mobiletargeting:*:*:apps/1", "apps/1", True),
        ("arn:*:mobiletargeting:eu-*:1234?6789012:apps/1", "apps/1", True),
        ("arn:aws:mobiletargeting:us-east-1:123456789012:apps/1", "apps/1", False),
        ("arn:aws:mobiletargeting:eu-west-1:999999999999:*", "apps/1", False),
        ("arn:aws:mobiletargeting:*:apps/1:", "apps/1", False),
        ("arn:aws-cn:mobiletargeting:*:*:*", "apps/1", False),
        (f"{HEAD}apps/${{aws:PrincipalTag/app}}/*", f"apps/{SHOP}/events", True),
        (f"{HEAD}apps/1/endpoints/${{aws:username}}-?", "apps/1/endpoints/ana-1", True),
        (f"{HEAD}apps/${{aws:PrincipalTag/any}}", "apps/1", False),
        (f"{HEAD}apps/${{aws:PrincipalTag/any}}", "apps/*", True),
        (f"{HEAD}apps/${{aws:PrincipalTag/none}}", "apps/", False),
        (f"{HEAD}apps/${{aws:PrincipalTag/none, '1'}}", "apps/1", True),
        (f"{HEAD}apps/${{cognito-identity.amazonaws.com:sub}}*", "apps/1", False),
        (f"{HEAD}apps/${{*}}", "apps/1", False),
    ],
)
def test_resources_are_compared_part_by_part(pattern: str, name: str, is_meant: bool) -> None:  # noqa: FBT001 - of a table
    assert decide([allow("*", pattern)], "mobiletargeting:GetApp", name) is (ALLOW if is_meant else NOTHING)


def test_id_cannot_pass_for_another_application() -> None:
    mine = allow("*", f"arn:aws:mobiletargeting:*:*:apps/{SHOP}/*")

    assert decide([mine], "mobiletargeting:GetEndpoint", f"apps/other/endpoints/x:apps/{SHOP}/y") is NOTHING


def test_wildcards_of_an_id_are_ordinary_signs() -> None:
    assert decide(
        [allow("*", f"{HEAD}apps/1/endpoints/abc")], "mobiletargeting:GetEndpoint", "apps/1/endpoints/a*"
    ) is (NOTHING)


def test_explicit_deny_wins_wherever_it_stands() -> None:
    denied = deny("mobiletargeting:Delete*", "*")

    for statements in ([denied, allow("*", "*")], [allow("*", "*"), denied]):
        assert decide(statements, "mobiletargeting:DeleteApp", "apps/1") is DENY
        assert decide(statements, "mobiletargeting:GetApp", "apps/1") is ALLOW


def test_of_two_names_allowing_one_allows_and_denying_one_denies() -> None:
    names = ("apps/1/campaigns", "apps/1")

    for name in names:
        assert decide([allow("*", HEAD + name)], "mobiletargeting:CreateCampaign", *names) is ALLOW
        statements = [allow("*", "*"), deny("*", HEAD + name)]
        assert decide(statements, "mobiletargeting:CreateCampaign", *names) is DENY
    assert decide([allow("*", f"{HEAD}apps/2")], "mobiletargeting:CreateCampaign", *names) is NOTHING


def test_not_action_is_every_other_action() -> None:
    statement = {"Effect": "Allow", "NotAction": ["mobiletargeting:Delete*", "repoint:*"], "Resource": "*"}

    assert decide([statement], "mobiletargeting:GetApp", "apps/1") is ALLOW
    assert decide([statement], "mobiletargeting:DeleteApp", "apps/1") is NOTHING
    assert decide([statement], "repoint:CreateKey", "keys") is NOTHING


def test_not_resource_is_every_other_resource() -> None:
    others = {"Effect": "Deny", "Action": "*", "NotResource": [f"{HEAD}apps/{SHOP}", f"{HEAD}apps/{SHOP}/*"]}
    statements = [allow("*", "*"), others]

    assert decide(statements, "mobiletargeting:GetApp", f"apps/{SHOP}") is ALLOW
    assert decide(statements, "mobiletargeting:GetApp", "apps/2") is DENY


def test_variable_without_value_does_not_widen_a_right() -> None:
    listed = {"Action": "*", "NotResource": [f"{HEAD}apps/${{aws:PrincipalTag/none}}"]}

    assert decide([{"Effect": "Allow"} | listed], "mobiletargeting:GetApp", "apps/1") is NOTHING
    assert decide([allow("*", "*"), {"Effect": "Deny"} | listed], "mobiletargeting:GetApp", "apps/1") is DENY


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike", "ForAnyValue:StringNotEqualsIfExists"])
def test_exception_without_value_allows_nothing(operator: str) -> None:
    def condition(*written: str) -> dict[str, Any]:
        return {"Condition": {operator: {"aws:SourceIp": list(written)}}}

    def decided(*written: str) -> tuple[Decision, Decision]:
        statements = [allow("*", "*", **condition(*written))], [allow("*", "*"), deny("*", "*", **condition(*written))]
        allowed, denied = (decide(each, "mobiletargeting:GetApp", "apps/1") for each in statements)
        return allowed, denied

    assert decided("${aws:PrincipalTag/none}") == (NOTHING, DENY)
    assert decided("192.0.2.1", "${aws:PrincipalTag/none}") == (NOTHING, DENY)
    assert decided("${aws:PrincipalTag/none, '192.0.2.1'}") == (ALLOW, DENY)
    assert decided("${aws:username}") == (ALLOW, DENY)


def test_conditions_must_all_hold() -> None:
    network = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}, "NotIpAddress": {"aws:SourceIp": "192.0.2.99"}}
    statements = [allow("*", "*", Condition=network)]

    assert decide(statements, "mobiletargeting:GetApp", "apps/1", source_ip="192.0.2.7") is ALLOW
    assert decide(statements, "mobiletargeting:GetApp", "apps/1", source_ip="192.0.2.99") is NOTHING
    assert decide(statements, "mobiletargeting:GetApp", "apps/1", source_ip="192.0.3.7") is NOTHING


def test_ids_of_endpoints_are_compared_without_case() -> None:
    statements = [allow("*", "*"), deny("*", f"{HEAD}apps/1/endpoints/Admin-*", f"{HEAD}apps/1/endpoints/ROOT")]

    for name in ("apps/1/endpoints/admin-1", "apps/1/endpoints/ADMIN-1", "apps/1/endpoints/root"):
        assert decide(statements, "mobiletargeting:GetEndpoint", name, ignores_case=True) is DENY
    assert decide(statements, "mobiletargeting:GetEndpoint", "apps/1/endpoints/admin-1") is ALLOW
    # Letters beyond ASCII keep their case in ids, and here.
    other = [allow("*", f"{HEAD}apps/1/endpoints/É")]
    assert decide(other, "mobiletargeting:GetEndpoint", "apps/1/endpoints/é", ignores_case=True) is NOTHING


READ_SHOP = [
    allow("mobiletargeting:GetApps", f"{HEAD}*"),
    allow(["mobiletargeting:Get*", "mobiletargeting:List*"], f"{HEAD}apps/{SHOP}", f"{HEAD}apps/{SHOP}/*"),
]


@pytest.mark.parametrize(
    ("action", "name", "expected"),
    [
        ("mobiletargeting:GetSegments", f"apps/{SHOP}", ALLOW),
        ("mobiletargeting:GetEndpoint", f"apps/{SHOP}/endpoints/x", ALLOW),
        ("mobiletargeting:GetApps", "apps", ALLOW),
        ("mobiletargeting:SendMessages", f"apps/{SHOP}/messages", NOTHING),
        ("mobiletargeting:GetApp", "apps/other", NOTHING),
        ("mobiletargeting:GetReports", "reports", NOTHING),
    ],
)
def test_first_example_of_auth_md(action: str, name: str, expected: Decision) -> None:
    assert decide(READ_SHOP, action, name) is expected


def test_sending_is_allowed_by_messages_from_one_network_only() -> None:
    statements = [
        allow(
            ["mobiletargeting:SendMessages", "mobiletargeting:SendUsersMessages"],
            f"{HEAD}apps/{SHOP}/messages",
            Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        ),
        deny("mobiletargeting:Delete*", "*"),
    ]

    assert decide(statements, "mobiletargeting:SendUsersMessages", f"apps/{SHOP}/messages") is ALLOW
    assert decide(statements, "mobiletargeting:SendMessages", f"apps/{SHOP}/messages", source_ip="10.0.0.1") is NOTHING
    assert decide(statements, "mobiletargeting:DeleteApp", f"apps/{SHOP}") is DENY


def test_heads_of_callers_are_forgotten_again() -> None:
    policy = Policy(read_document(json.dumps({"Statement": allow("iam:PassRole", "arn:aws:iam::1:role/a")})), {})

    for account in range(3000):
        head, names = split_arn(f"arn:aws:iam::{account}:role/a")
        decision = policy.rules("iam:PassRole", head).decide(names, Nothing(""))
        assert decision is (ALLOW if account == 1 else NOTHING)

    assert len(policy._gathered) <= 1000  # noqa: SLF001 - nothing else tells what is kept
