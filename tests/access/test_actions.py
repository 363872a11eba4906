"""What is asked about an operation: the exact action and the exact ARNs, for every one of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from repoint.access.actions import ROLES, asked, known_actions
from repoint.contract.model import OPERATIONS, SHAPES
from repoint.discover import discover
from repoint.operation import EXTENSIONS
from tests.access.arns import RESOURCES

HEAD = "arn:aws:mobiletargeting:eu-west-1:123456789012:"


def labels(operation: str) -> dict[str, str]:
    """A value for each label of the operation's path that can be told from the others."""
    return {argument: f"<{argument}>" for argument in OPERATIONS[operation].labels.values()}


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_operation_has_its_action_and_its_arns(operation: str) -> None:
    arguments = labels(operation)
    if "TemplateType" in arguments:
        arguments["TemplateType"] = "Email"
    if "ResourceArn" in arguments:
        arguments["ResourceArn"] = f"{HEAD}apps/1"
    expected = tuple(
        HEAD + name.format(**arguments | {"TemplateType": "EMAIL"}) if name != "{ResourceArn}" else f"{HEAD}apps/1"
        for name in RESOURCES[operation]
    )

    question = asked(operation)
    head, names = question.resource(HEAD, arguments)

    assert question.action == f"mobiletargeting:{operation}"
    assert tuple(head + name for name in names) == expected


def test_all_122_operations_are_named() -> None:
    assert len(RESOURCES) == 122
    assert sorted(RESOURCES) == sorted(OPERATIONS)


def test_every_operation_of_ours_has_an_action_and_a_resource_of_its_own() -> None:
    discover()

    found = {name: (each.action, each.resource) for name, each in EXTENSIONS.items()}

    assert found
    assert [
        name for name, (action, resource) in found.items() if not action.startswith("repoint:") or not resource
    ] == []
    assert len({action for action, _ in found.values()}) == len(found)
    # Only what the path or the body names can be filled in.
    assert {"keys", "audit", "keys/{AccessKeyId}"} <= {resource for _, resource in found.values()}


def test_operations_below_an_application_are_on_resources_of_it() -> None:
    discover()
    below = {name: each for name, each in EXTENSIONS.items() if "{ApplicationId}" in each.path}

    odd = [name for name, each in below.items() if not each.resource.startswith("apps/{ApplicationId}")]

    assert odd == [], "else a key for one application could not be given the right to them"


def roles(shape: str, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Ways to every role ARN in a body."""
    for member, part in SHAPES[shape].members.items():
        if member.endswith("RoleArn"):
            yield (*way, member)
        elif SHAPES[part].type == "structure" and member not in way:
            yield from roles(part, (*way, member))


def test_every_role_that_can_be_handed_over_is_asked_about() -> None:
    found = {
        name: tuple(roles(model.payload_shape))
        for name, model in OPERATIONS.items()
        if model.payload_shape and tuple(roles(model.payload_shape))
    }

    assert {name: set(ways) for name, ways in ROLES.items()} == {name: set(ways) for name, ways in found.items()}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"WriteJourneyRequest": {"JourneyChannelSettings": {"ConnectCampaignExecutionRoleArn": "r"}}}, ["r"]),
        ({"WriteJourneyRequest": {"JourneyChannelSettings": {}}}, []),
        ({"WriteJourneyRequest": {}}, []),
        ({}, []),
    ],
)
def test_role_is_found_wherever_it_stands(arguments: dict[str, Any], expected: list[str]) -> None:
    assert list(asked("CreateJourney").role_arns(arguments)) == expected


def test_ids_are_taken_as_they_are() -> None:
    arguments = {"ApplicationId": "9f1c", "EndpointId": "a/b:c*?%s {x}"}

    assert asked("GetEndpoint").resource(HEAD, arguments) == (HEAD, ("apps/9f1c/endpoints/a/b:c*?%s {x}",))


def test_member_of_a_body_that_is_missing_is_left_empty() -> None:
    discover()

    assert asked("BeginFileUpload").resource(HEAD, {"Bucket": "b"}) == (HEAD, ("files/b/",))
    assert asked("BeginFileUpload").resource(HEAD, {"Bucket": "b", "Key": "k"}) == (HEAD, ("files/b/k",))


def test_known_actions_are_those_that_a_policy_can_mean() -> None:
    discover()

    assert {
        "mobiletargeting:getapp",
        "mobiletargeting:getreports",
        "repoint:createkey",
        "iam:passrole",
    } <= known_actions()


def test_what_an_operation_of_ours_does_is_named_by_its_path() -> None:
    discover()
    found = {name: extension.does for name, extension in EXTENSIONS.items() if extension.does}

    assert found == {
        "StartImport": ("CreateImportJob",),
        "ReportImport": ("GetImportJob",),
        "ListImportErrors": ("GetImportJob",),
        "ExplainSegmentMember": ("GetSegment", "GetEndpoint"),
        "GetCampaignProgress": ("GetCampaignActivities",),
        "ExplainCampaignEndpoint": ("GetCampaignActivities", "GetEndpoint"),
        "ListCampaignDoubts": ("GetCampaignActivities",),
        "ListDoubts": ("GetCampaigns",),
        "ListJourneyDoubts": ("GetJourneyRuns",),
    }
    for name, does in found.items():
        for operation in does:
            assert all(f"{{{label}}}" in EXTENSIONS[name].path for label in labels(operation))


def test_role_that_is_handed_to_an_operation_of_ours_is_asked_about_too() -> None:
    discover()

    assert list(asked("CreateKey").role_arns({"Name": "a", "RoleArn": "r"})) == ["r"]
