import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve, make_client

UNKNOWN = "0123456789abcdef0123456789abcdef"


def create(client: Any, name: str = "Shop", **tags: str) -> Any:
    return client.create_app(CreateApplicationRequest={"Name": name, "tags": tags})["ApplicationResponse"]


def test_create_app_answers_the_new_application(raw: Raw) -> None:
    answer = raw.send("POST", "/v1/apps", {"Name": "Shop", "tags": {"Owner": "ana"}})

    assert answer.status == 201
    app = answer.json
    assert app.keys() == {"Arn", "Id", "Name", "tags", "CreationDate"}
    assert re.fullmatch("[0-9a-f]{32}", app["Id"])
    assert app["Arn"] == f"arn:aws:mobiletargeting:us-east-1:000000000000:apps/{app['Id']}"
    assert app["Name"] == "Shop"
    assert app["tags"] == {"Owner": "ana"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", app["CreationDate"])
    assert abs(datetime.fromisoformat(app["CreationDate"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_get_app_answers_what_create_app_did(client: Any) -> None:
    app = create(client, "Shop", Owner="ana")

    assert client.get_app(ApplicationId=app["Id"])["ApplicationResponse"] == app


def test_app_without_tags_has_empty_ones(raw: Raw) -> None:
    assert raw.send("POST", "/v1/apps", {"Name": "Shop"}).json["tags"] == {}


def test_names_may_repeat_and_keep_their_blanks(client: Any) -> None:
    ids = {create(client, " Shop + Zürich 🛍 ")["Id"] for _ in range(2)}

    assert len(ids) == 2
    assert {client.get_app(ApplicationId=one)["ApplicationResponse"]["Name"] for one in ids} == {" Shop + Zürich 🛍 "}


def test_name_of_64_characters_between_blanks_is_accepted(client: Any) -> None:
    assert create(client, "  " + "é" * 64 + "  ")["Name"] == "  " + "é" * 64 + "  "


def test_create_app_refuses_names(raw: Raw) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({}, "Missing Name"),
        ({"Name": ""}, "Missing Name"),
        ({"Name": " \t "}, "Missing Name"),
        ({"Name": None}, "Missing Name"),
        ({"CreateApplicationRequest": {"Name": "Shop"}}, "Missing Name"),
        ({"Name": "é" * 65}, "Name exceeds 64 characters"),
    ]

    told = [raw.send("POST", "/v1/apps", body) for body, _ in refused]

    assert [answer.json["Message"] for answer in told] == [message for _, message in refused]
    assert {(answer.status, answer.headers["x-amzn-errortype"]) for answer in told} == {(400, "BadRequestException")}
    assert raw.send("GET", "/v1/apps").json == {"Item": []}


def test_create_app_refuses_more_than_the_quota(serve: Serve) -> None:
    client = make_client(serve(max_applications=2))
    for _ in range(2):
        create(client)

    told = refusal(client.create_app, CreateApplicationRequest={"Name": "Third"})

    assert told == (400, "BadRequestException", "Exceeded maximum number of applications: 2")
    assert len(client.get_apps()["ApplicationsResponse"]["Item"]) == 2
    client.close()


def test_quota_of_applications_is_100_by_default_and_counts_existing_ones(client: Any) -> None:
    apps = [create(client) for _ in range(100)]
    told = refusal(client.create_app, CreateApplicationRequest={"Name": "101st"})
    client.delete_app(ApplicationId=apps[0]["Id"])
    create(client)

    assert told == (400, "BadRequestException", "Exceeded maximum number of applications: 100")


def test_quota_holds_when_many_create_at_once(serve: Serve) -> None:
    client = make_client(serve(max_applications=5))

    def try_to_create(_: int) -> bool:
        try:
            create(client)
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(10) as threads:
        created = list(threads.map(try_to_create, range(20)))

    assert sum(created) == 5
    assert len(client.get_apps()["ApplicationsResponse"]["Item"]) == 5
    client.close()


def test_get_apps_pages_250_newest_first(serve: Serve) -> None:
    client = make_client(serve(max_applications=250))
    created = [create(client, f"App {number}") for number in range(250)]

    pages = [client.get_apps(PageSize="100")["ApplicationsResponse"]]
    while "NextToken" in pages[-1]:
        pages.append(client.get_apps(PageSize="100", Token=pages[-1]["NextToken"])["ApplicationsResponse"])

    assert [len(page["Item"]) for page in pages] == [100, 100, 50]
    assert [app for page in pages for app in page["Item"]] == created[::-1]
    client.close()


def test_get_apps_has_no_further_page_when_the_last_is_full(client: Any) -> None:
    for _ in range(2):
        create(client)

    assert "NextToken" not in client.get_apps(PageSize="2")["ApplicationsResponse"]


def test_get_apps_gives_100_by_default(serve: Serve) -> None:
    client = make_client(serve(max_applications=101))
    for _ in range(101):
        create(client)

    assert len(client.get_apps()["ApplicationsResponse"]["Item"]) == 100
    client.close()


def test_pages_stay_right_while_others_create_and_delete(client: Any) -> None:
    ids = [create(client)["Id"] for _ in range(5)]
    first = client.get_apps(PageSize="2")["ApplicationsResponse"]
    create(client)
    client.delete_app(ApplicationId=ids[3])

    rest = client.get_apps(PageSize="4", Token=first["NextToken"])["ApplicationsResponse"]

    assert [app["Id"] for app in first["Item"]] == [ids[4], ids[3]]
    assert [app["Id"] for app in rest["Item"]] == [ids[2], ids[1], ids[0]]
    assert "NextToken" not in rest


def test_get_apps_answers_an_empty_list(raw: Raw) -> None:
    answer = raw.send("GET", "/v1/apps")

    assert (answer.status, answer.json) == (200, {"Item": []})


def test_get_apps_refuses_pages_that_are_none(raw: Raw) -> None:
    refused = {
        "page-size=0": "Invalid page-size",
        "page-size=1001": "Invalid page-size",
        "page-size=": "Invalid page-size",
        "page-size=ten": "Invalid page-size",
        "token=bm9uZQ": "Invalid token",
        "token=": "Invalid token",
    }

    told = {query: raw.send("GET", f"/v1/apps?{query}") for query in refused}

    assert {query: answer.json["Message"] for query, answer in told.items()} == refused
    assert {answer.status for answer in told.values()} == {400}
    assert {answer.headers["x-amzn-errortype"] for answer in told.values()} == {"BadRequestException"}


def test_delete_app_answers_the_application_and_then_every_call_is_404(client: Any) -> None:
    app = create(client, "Shop", Owner="ana")
    client.update_application_settings(
        ApplicationId=app["Id"], WriteApplicationSettingsRequest={"Limits": {"Daily": 3}}
    )

    deleted = client.delete_app(ApplicationId=app["Id"])["ApplicationResponse"]

    assert deleted == app
    for call in (client.get_app, client.delete_app, client.get_application_settings):
        assert refusal(call, ApplicationId=app["Id"]) == (404, "NotFoundException", "Application not found")
    assert refusal(client.list_tags_for_resource, ResourceArn=app["Arn"]).status == 404
    assert client.get_apps()["ApplicationsResponse"]["Item"] == []


def test_unknown_application_is_not_found(client: Any) -> None:
    for unknown in (UNKNOWN, UNKNOWN.upper(), "x", "a/b", "' OR 1=1", "…"):
        told = [
            refusal(client.get_app, ApplicationId=unknown),
            refusal(client.delete_app, ApplicationId=unknown),
            refusal(client.get_application_settings, ApplicationId=unknown),
            # A bad member does not matter where nothing is.
            refusal(
                client.update_application_settings,
                ApplicationId=unknown,
                WriteApplicationSettingsRequest={"Limits": {"Daily": 101}},
            ),
        ]

        assert told == [(404, "NotFoundException", "Application not found")] * 4


def test_app_with_an_empty_id_is_not_found(raw: Raw) -> None:
    for method in ("GET", "DELETE"):
        answer = raw.send(method, "/v1/apps/")

        assert (answer.status, answer.json["Message"]) == (404, "Application not found")
