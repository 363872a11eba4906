import pytest

from repoint.contract.errors import MethodNotAllowedException, NotFoundException
from repoint.contract.route import CONTRACT_ROUTES, Router

ROUTER = Router(
    [*CONTRACT_ROUTES, ("CreateKey", "POST", "/repoint/v1/keys"), ("GetKey", "GET", "/repoint/v1/keys/{id}")]
)


@pytest.mark.parametrize(
    ("request_line", "operation", "labels"),
    [
        ("GET /v1/apps", "GetApps", {}),
        ("DELETE /v1/apps/a1", "DeleteApp", {"application-id": "a1"}),
        (
            "PUT /v1/apps/a1/endpoints/eq%2Fx%20y%3Az%40d",
            "UpdateEndpoint",
            {"application-id": "a1", "endpoint-id": "eq/x y:z@d"},
        ),
        (
            "GET /v1/apps/a1/users/us-east-1:9%2F8",
            "GetUserEndpoints",
            {"application-id": "a1", "user-id": "us-east-1:9/8"},
        ),
        ("GET /v1/apps/a1/users/%C3%A9+", "GetUserEndpoints", {"application-id": "a1", "user-id": "é+"}),
        ("GET /v1/apps/a1/users/%2541", "GetUserEndpoints", {"application-id": "a1", "user-id": "%41"}),
        ("GET /v1/apps/a1/users/%zz", "GetUserEndpoints", {"application-id": "a1", "user-id": "%zz"}),
        ("GET /v1/templates/x/email", "GetEmailTemplate", {"template-name": "x"}),
        (
            "GET /v1/templates/x/email/versions",
            "ListTemplateVersions",
            {"template-name": "x", "template-type": "email"},
        ),
        (
            "PUT /v1/templates/email/email/active-version",
            "UpdateTemplateActiveVersion",
            {"template-name": "email", "template-type": "email"},
        ),
        ("GET /repoint/v1/keys/k%2F1", "GetKey", {"id": "k/1"}),
    ],
)
def test_a_request_finds_its_operation(request_line: str, operation: str, labels: dict[str, str]) -> None:
    method, raw_path = request_line.split()

    assert ROUTER.match(method, raw_path) == (operation, labels)


@pytest.mark.parametrize(
    "raw_arn",
    [
        "arn%3Aaws%3Amobiletargeting%3Aeu-west-1%3A123456789012%3Aapps%2F9f%2Fcampaigns%2F1c",
        "arn:aws:mobiletargeting:eu-west-1:123456789012:apps/9f/campaigns/1c",
        "arn:aws:mobiletargeting:eu-west-1:123456789012:apps%2F9f/campaigns/1c",
    ],
)
def test_an_arn_is_one_label_with_its_slashes_encoded_or_bare(raw_arn: str) -> None:
    arn = "arn:aws:mobiletargeting:eu-west-1:123456789012:apps/9f/campaigns/1c"

    assert ROUTER.match("POST", f"/v1/tags/{raw_arn}") == ("TagResource", {"resource-arn": arn})


@pytest.mark.parametrize(
    ("raw_path", "operation"),
    [("/v1/apps/", "GetApp"), ("/v1/apps//campaigns", "GetCampaigns"), ("/v1/tags/", "ListTagsForResource")],
)
def test_an_empty_label_is_a_label_and_not_a_shorter_path(raw_path: str, operation: str) -> None:
    name, labels = ROUTER.match("GET", raw_path)

    assert (name, set(labels.values())) == (operation, {""})


@pytest.mark.parametrize(
    "raw_path", ["/", "", "/v1", "/v1/", "//v1/apps", "/v1/apps/a1/nothing", "/v2/apps", "/v1/tags"]
)
def test_a_path_that_no_operation_has_is_not_found(raw_path: str) -> None:
    with pytest.raises(NotFoundException, match="Resource not found"):
        ROUTER.match("GET", raw_path)


@pytest.mark.parametrize(
    ("request_line", "allow"),
    [
        ("PATCH /v1/apps", ("GET", "OPTIONS", "POST")),
        ("HEAD /v1/apps/a1", ("DELETE", "GET", "OPTIONS")),
        ("POST /v1/apps/a1/endpoints/e1", ("DELETE", "GET", "OPTIONS", "PUT")),
        ("get /v1/apps", ("GET", "OPTIONS", "POST")),
    ],
)
def test_a_method_that_the_path_has_not_is_refused_with_those_it_has(request_line: str, allow: tuple[str, ...]) -> None:
    method, raw_path = request_line.split()

    with pytest.raises(MethodNotAllowedException) as refused:
        ROUTER.match(method, raw_path)

    assert refused.value.allow == allow


def test_the_methods_of_a_path_are_told_for_browsers() -> None:
    assert ROUTER.methods("/v1/apps/a1/events") == ("OPTIONS", "POST")
    assert ROUTER.methods("/v1/nothing") == ()


def test_labels_that_are_no_utf8_are_left_for_decoding_to_refuse() -> None:
    assert ROUTER.match("GET", "/v1/apps/%ff").labels == {"application-id": "\udcff"}
    assert ROUTER.match("GET", "/v1/apps/\xff").labels == {"application-id": "\udcff"}
