import pytest

from repoint.contract.decode import decode
from repoint.contract.model import OPERATIONS
from repoint.contract.route import CONTRACT_ROUTES, Router
from tests.contract.samples import input_shape, on_the_wire, operation_names, request_of, sample

ROUTER = Router(CONTRACT_ROUTES)


def test_the_model_has_botocores_operations() -> None:
    assert sorted(OPERATIONS) == sorted(operation_names())


@pytest.mark.parametrize("members", ["all", "required"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_boto3_sends_comes_back_as_its_arguments(operation: str, members: str) -> None:
    arguments = sample(input_shape(operation), only_required=members == "required")
    request = request_of(operation, arguments)

    match = ROUTER.match(request.method, request.raw_path)
    decoded = decode(match.name, match.labels, request.query, request.body)

    assert match.name == operation
    assert decoded.held is None
    assert decoded.arguments == on_the_wire(arguments)
