import pytest

from repoint.contract.model import OPERATIONS, SHAPES


def test_there_are_122_operations() -> None:
    assert len(OPERATIONS) == 122


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        ("CreateApp CreateCampaign CreateSegment CreateJourney CreateImportJob CreateRecommenderConfiguration", 201),
        ("CreateEmailTemplate CreatePushTemplate CreateSmsTemplate CreateVoiceTemplate CreateInAppTemplate", 201),
        ("CreateExportJob PutEvents UpdateEndpoint UpdateEndpointsBatch DeleteEndpoint DeleteUserEndpoints", 202),
        ("UpdateEmailTemplate DeleteEmailTemplate UpdateInAppTemplate DeletePushTemplate", 202),
        ("TagResource UntagResource", 204),
        ("PutEventStream SendMessages VerifyOTPMessage UpdateTemplateActiveVersion DeleteApp GetApp", 200),
    ],
)
def test_success_codes_are_those_of_the_protocol_page(operations: str, status: int) -> None:
    assert {OPERATIONS[name].status for name in operations.split()} == {status}


def test_an_operation_tells_how_its_arguments_travel() -> None:
    model = OPERATIONS["UpdateEmailTemplate"]

    assert model.method == "PUT"
    assert model.path == "/v1/templates/{template-name}/email"
    assert model.labels == {"template-name": "TemplateName"}
    assert model.query == {"create-new-version": "CreateNewVersion", "version": "Version"}
    assert (model.payload_member, model.payload_shape) == ("EmailTemplateRequest", "EmailTemplateRequest")
    assert model.output_shape == "MessageBody"


def test_an_operation_without_bodies_says_so() -> None:
    model = OPERATIONS["UntagResource"]

    assert (model.payload_member, model.payload_shape, model.output_shape) == (None, None, None)


def test_each_shape_named_by_another_exists() -> None:
    named = {
        part for shape in SHAPES.values() for part in (*shape.members.values(), shape.member, shape.key, shape.value)
    }

    assert named - {""} <= set(SHAPES)
