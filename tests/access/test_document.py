"""Policies that are refused when they are written, each with the statement and the member at fault."""

import json
from typing import Any

import pytest

from repoint.access.document import MAX_BYTES, read_document
from repoint.contract.errors import BadRequestException

ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def policy(*statements: Any, version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def without(member: str, **others: Any) -> dict[str, Any]:
    return {name: value for name, value in ALLOW.items() if name != member} | others


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Unexpected end of input: expecting value at line 1, column 1"),
        ("{", "Unexpected end of input: expecting property name enclosed in double quotes at line 1, column 2"),
        ("[]", "Policy must be a JSON object"),
        ("7", "Policy must be a JSON object"),
        ("{}", "Policy.Statement must be a statement or a list of them"),
        ('{"Statement": []}', "Policy.Statement must be a statement or a list of them"),
        ('{"Statement": "x"}', "Policy.Statement must be a statement or a list of them"),
        ('{"statement": []}', "Policy: there is no member statement"),
        (policy(ALLOW, version="2024-01-01"), "Policy.Version must be 2012-10-17"),
        ('{"Version": ["2012-10-17"], "Statement": {}}', "Policy.Version must be 2012-10-17"),
        ('{"Version": {"a": 1}, "Statement": {}}', "Policy.Version must be 2012-10-17"),
        (policy(ALLOW | {"Effect": ["Allow"]}), "Statement[0].Effect must be Allow or Deny"),
        (policy(ALLOW | {"Effect": {}}), "Statement[0].Effect must be Allow or Deny"),
        ('{"Version": 2012, "Statement": {}}', "Policy.Version must be 2012-10-17"),
        (policy(ALLOW, 7), "Statement[1] must be a JSON object"),
        (policy(ALLOW | {"Effects": 1}), "Statement[0]: there is no member Effects"),
        (policy(ALLOW | {"NotPrincipal": "*"}), "Statement[0]: there is no member NotPrincipal"),
        (policy(without("Effect")), "Statement[0].Effect must be Allow or Deny"),
        (policy(ALLOW | {"Effect": "allow"}), "Statement[0].Effect must be Allow or Deny"),
        (policy(without("Action")), "Statement[0] must have Action or NotAction"),
        (policy(ALLOW | {"NotAction": "*"}), "Statement[0] must have Action or NotAction, not both"),
        (policy(without("Resource")), "Statement[0] must have Resource or NotResource"),
        (policy(ALLOW | {"NotResource": "*"}), "Statement[0] must have Resource or NotResource, not both"),
        (policy(ALLOW | {"Action": []}), "Statement[0].Action must be a text or a list of texts"),
        (policy(ALLOW | {"Action": [7]}), "Statement[0].Action must be a text or a list of texts"),
        (
            policy(without("Action", NotAction={"a": 1})),
            "Statement[0].NotAction must be a text or a list of texts",
        ),
        (
            policy(ALLOW, ALLOW | {"Action": ["*", "GetApp"]}),
            "Statement[1].Action: GetApp is no action; mobiletargeting:GetApp, repoint:* and * are some",
        ),
        (
            policy(ALLOW | {"Action": "mobile*:Get"}),
            "Statement[0].Action: mobile*:Get is no action; mobiletargeting:GetApp, repoint:* and * are some",
        ),
        (policy(ALLOW | {"Resource": "apps/1"}), "Statement[0].Resource: apps/1 is neither an ARN nor *"),
        (policy(ALLOW | {"Resource": "arn:aws:*"}), "Statement[0].Resource: arn:aws:* is neither an ARN nor *"),
        (policy(without("Resource", NotResource="x")), "Statement[0].NotResource: x is neither an ARN nor *"),
        (
            policy(ALLOW | {"Resource": "arn:aws:mobiletargeting:*:*:apps/${aws:nobody}"}),
            (
                "Statement[0].Resource: ${aws:nobody} is no variable; there are ${aws:username}, ${aws:userid}, "
                "${aws:PrincipalArn} and ${aws:PrincipalTag/…}"
            ),
        ),
        (
            policy(ALLOW | {"Resource": "arn:aws:mobiletargeting:*:*:apps/${aws:username"}),
            "Statement[0].Resource: the variable in arn:aws:mobiletargeting:*:*:apps/${aws:username is not closed",
        ),
        (
            policy(ALLOW | {"Resource": "arn:aws:mobiletargeting:*:*:apps/${aws:username}"}, version="2008-10-17"),
            "Policy.Version must be 2012-10-17 for a policy with variables",
        ),
        (policy(ALLOW | {"Sid": "a b"}), "Statement[0].Sid must be letters and digits"),
        (policy(ALLOW | {"Sid": "A"}, ALLOW | {"Sid": "A"}), "Statement[1].Sid: A is written twice"),
        (policy(ALLOW | {"Condition": []}), "Statement[0].Condition must be a JSON object"),
        (
            policy(ALLOW | {"Condition": {"StringEquals": "x"}}),
            "Statement[0].Condition.StringEquals must be a JSON object of condition keys",
        ),
        (
            policy(ALLOW | {"Condition": {"StringIs": {"aws:username": "x"}}}),
            "Statement[0].Condition: there is no operator StringIs",
        ),
        (
            policy(ALLOW | {"Condition": {"ForSomeValues:StringEquals": {"aws:username": "x"}}}),
            "Statement[0].Condition: there is no operator ForSomeValues:StringEquals",
        ),
        (
            policy(ALLOW | {"Condition": {"NullIfExists": {"aws:username": "true"}}}),
            "Statement[0].Condition: NullIfExists: Null has no other forms",
        ),
        (
            policy(ALLOW | {"Condition": {"StringEquals": {"username": "x"}}}),
            "Statement[0].Condition: username is no condition key, which is a namespace, a colon and a name",
        ),
        (
            policy(ALLOW | {"Condition": {"StringEquals": {"aws:username": []}}}),
            "Statement[0].Condition: aws:username has no values",
        ),
        (
            policy(ALLOW | {"Condition": {"StringEquals": {"aws:username": None}}}),
            "Statement[0].Condition.StringEquals.aws:username must be a text, a number, a boolean or a list of these",
        ),
        (
            policy(ALLOW | {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}}),
            "Statement[0].Condition: 10.0.0.0/33 is neither an IP address nor a network such as 192.0.2.0/24",
        ),
        (
            policy(ALLOW | {"Condition": {"NumericEquals": {"aws:EpochTime": "soon"}}}),
            "Statement[0].Condition: soon is no number",
        ),
        (
            policy(ALLOW | {"Condition": {"DateLessThan": {"aws:CurrentTime": "2024-13-01"}}}),
            "Statement[0].Condition: 2024-13-01 is no date",
        ),
        (
            policy(ALLOW | {"Condition": {"Bool": {"aws:SecureTransport": "yes"}}}),
            "Statement[0].Condition: yes is neither true nor false",
        ),
        (
            policy(ALLOW | {"Condition": {"Null": {"aws:username": "no"}}}),
            "Statement[0].Condition: no is neither true nor false",
        ),
        (
            policy(ALLOW | {"Condition": {"ArnLike": {"aws:PrincipalArn": "ana"}}}),
            "Statement[0].Condition: ana is no ARN",
        ),
        (policy(ALLOW | {"Sid": "x" * MAX_BYTES}), f"Policy must have at most {MAX_BYTES} bytes"),
        ('{"Statement": "\\u0000"}', "Invalid character"),
    ],
)
def test_mistake_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadRequestException) as caught:
        read_document(text)

    assert caught.value.message == message


def test_member_written_twice_is_refused() -> None:
    condition = '{"StringEquals": {"aws:username": "a"}, "StringEquals": {"aws:userid": "b"}}'
    text = f'{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}}}'

    with pytest.raises(BadRequestException, match="StringEquals is written twice in one object"):
        read_document(text)


@pytest.mark.parametrize(
    "statement",
    [
        ALLOW,
        ALLOW | {"Principal": {"AWS": "*"}, "Sid": "Anything1"},
        ALLOW | {"Action": "mobiletargeting:Get*", "Resource": ["arn:aws:mobiletargeting:*:*:apps/*", "*"]},
        without("Action", NotAction=["ses:*", "iam:PassRole"]),
        ALLOW | {"Condition": {"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"aws:EpochTime": 5.5}}},
        ALLOW | {"Condition": {"ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a*", "${aws:username, 'x'}"]}}},
    ],
)
def test_policy_that_is_right_is_read(statement: dict[str, Any]) -> None:
    assert len(read_document(policy(statement, statement | {"Sid": ""})).statements) == 2


def test_one_statement_may_stand_without_a_list_and_without_a_version() -> None:
    assert len(read_document(json.dumps({"Id": "x", "Statement": ALLOW})).statements) == 1
