"""The operations on templates, driven by boto3 and by hand (templates.md sections 1 to 3 and Errors)."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve, make_client

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
ARN = "arn:aws:mobiletargeting:us-east-1:000000000000:templates"

# Of each kind: in paths, in ARNs, a content.
CONTENT = {
    "BackgroundColor": "#ffffff",
    "BodyConfig": {"Alignment": "LEFT", "Body": "b", "TextColor": "#000000"},
    "HeaderConfig": {"Alignment": "LEFT", "Header": "h", "TextColor": "#000000"},
}
KINDS: dict[str, dict[str, Any]] = {
    "email": {
        "Subject": "Hi {{Id}}",
        "HtmlPart": "<p>{{x}}",
        "TextPart": "t",
        "Headers": [{"Name": "X", "Value": "{{y}}"}],
    },
    "push": {"Default": {"Body": "{{x}}", "Title": "t"}, "APNS": {"RawContent": '{"aps":{"alert":"{{x}}"}}'}},
    "sms": {"Body": "Hi {{User.UserAttributes.FirstName}}"},
    "voice": {"Body": "Hi", "LanguageCode": "en-US", "VoiceId": "Joanna"},
    "inapp": {"Content": [CONTENT], "Layout": "TOP_BANNER", "CustomConfig": {"a": "b"}},
}


def bad(message: str) -> tuple[int, str, str]:
    return 400, "BadRequestException", message


LONG = "x" * 129
MISSING = (404, "NotFoundException", "Resource not found")


def create(client: Any, name: str = "welcome", **request: Any) -> str:
    answer = client.create_sms_template(TemplateName=name, SMSTemplateRequest={"Body": "1", **request})
    return str(answer["CreateTemplateMessageBody"]["Arn"])


def update(client: Any, body: str, **options: Any) -> None:
    client.update_sms_template(TemplateName="welcome", SMSTemplateRequest={"Body": body}, **options)


def get(client: Any, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.get_sms_template(TemplateName="welcome", **options)["SMSTemplateResponse"]
    return found


def body_of(client: Any, **options: Any) -> tuple[str, str]:
    found = get(client, **options)
    return found["Version"], found["Body"]


def activate(client: Any, version: str) -> None:
    client.update_template_active_version(
        TemplateName="welcome", TemplateType="SMS", TemplateActiveVersionRequest={"Version": version}
    )


def versions(client: Any) -> list[str]:
    answer = client.list_template_versions(TemplateName="welcome", TemplateType="SMS")["TemplateVersionsResponse"]
    return [each["Version"] for each in answer["Item"]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_of_each_kind_is_kept_as_it_was_sent(raw: Raw, kind: str) -> None:
    content = {**KINDS[kind], "TemplateDescription": "d"}

    made = raw.send("POST", f"/v1/templates/My_1-a/{kind}", {**content, "tags": {"a": "b"}})
    found = raw.send("GET", f"/v1/templates/My_1-a/{kind}")

    assert (made.status, found.status) == (201, 200)
    assert made.json.keys() == {"Arn", "Message", "RequestID"}
    assert (made.json["Arn"], made.json["Message"]) == (f"{ARN}/My_1-a/{kind.upper()}", "Created")
    assert re.fullmatch(UUID, made.json["RequestID"])
    created = found.json["CreationDate"]
    assert re.fullmatch(INSTANT, created)
    assert found.json == {
        **content,
        "Arn": made.json["Arn"],
        "CreationDate": created,
        "LastModifiedDate": created,
        "TemplateName": "My_1-a",
        "TemplateType": kind.upper(),
        "Version": "1",
        "tags": {"a": "b"},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_may_be_empty(raw: Raw, kind: str) -> None:
    raw.send("POST", f"/v1/templates/x/{kind}", {})

    found = raw.send("GET", f"/v1/templates/x/{kind}").json

    assert found.keys() == {
        "Arn", "CreationDate", "LastModifiedDate", "TemplateName", "TemplateType", "Version", "tags",
    }  # fmt: skip
    assert found["tags"] == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_of_each_kind_is_changed_and_deleted(raw: Raw, kind: str) -> None:
    raw.send("POST", f"/v1/templates/x/{kind}", KINDS[kind])

    changed = raw.send("PUT", f"/v1/templates/x/{kind}", {"TemplateDescription": "d"})
    found = raw.send("GET", f"/v1/templates/x/{kind}").json
    deleted = raw.send("DELETE", f"/v1/templates/x/{kind}")

    assert (changed.status, changed.json["Message"]) == (202, "Accepted")
    assert re.fullmatch(UUID, changed.json["RequestID"])
    assert found["TemplateDescription"] == "d"
    assert KINDS[kind].keys().isdisjoint(found)
    assert (deleted.status, deleted.json["Message"]) == (202, "Accepted")
    assert raw.send("GET", f"/v1/templates/x/{kind}").status == 404


def test_one_name_may_be_a_template_of_each_kind(raw: Raw) -> None:
    answers = [raw.send("POST", f"/v1/templates/x/{kind}", {}).status for kind in KINDS]

    assert answers == [201] * 5


# -- versions


def test_an_update_overwrites_the_latest_version(client: Any) -> None:
    create(client, tags={"a": "b"}, TemplateDescription="d")
    before = get(client)

    update(client, "2")

    after = get(client)
    assert (after["Version"], after["Body"], after["tags"]) == ("1", "2", {"a": "b"})
    assert "TemplateDescription" not in after
    assert after["CreationDate"] == before["CreationDate"]
    assert after["LastModifiedDate"] > before["LastModifiedDate"]


def test_a_new_version_is_not_active(client: Any) -> None:
    create(client)

    update(client, "2", CreateNewVersion=True)

    assert body_of(client) == ("1", "1")
    assert body_of(client, Version="2") == ("2", "2")
    assert versions(client) == ["2", "1"]


def test_an_update_changes_the_latest_version_though_another_is_active(client: Any) -> None:
    create(client)
    update(client, "2", CreateNewVersion=True)

    update(client, "2b", Version="2")

    assert (body_of(client), body_of(client, Version="2")) == (("1", "1"), ("2", "2b"))


def test_an_update_of_another_version_than_the_latest_is_refused(client: Any) -> None:
    create(client)
    update(client, "2", CreateNewVersion=True)

    found = refusal(client.update_sms_template, TemplateName="welcome", SMSTemplateRequest={"Body": "x"}, Version="1")

    assert found == bad("Version must be the latest version: 2")


@pytest.mark.parametrize(("wanted", "active"), [("2", "2"), ("latest", "3"), ("1", "1")])
def test_any_version_can_become_active(client: Any, wanted: str, active: str) -> None:
    create(client)
    update(client, "2", CreateNewVersion=True)
    update(client, "3", CreateNewVersion=True)
    dates = [get(client, Version=version)["LastModifiedDate"] for version in ("1", "2", "3")]

    activate(client, wanted)

    assert body_of(client) == (active, active)
    assert [get(client, Version=version)["LastModifiedDate"] for version in ("1", "2", "3")] == dates


def test_numbers_of_versions_are_never_used_again(client: Any) -> None:
    create(client)
    update(client, "2", CreateNewVersion=True)
    client.delete_sms_template(TemplateName="welcome", Version="2")

    update(client, "3", CreateNewVersion=True)

    assert versions(client) == ["3", "1"]


def test_a_template_made_again_begins_anew(client: Any) -> None:
    create(client)
    update(client, "2", CreateNewVersion=True)
    client.delete_sms_template(TemplateName="welcome")

    create(client)

    assert versions(client) == ["1"]


def test_without_its_active_version_the_highest_is_active(client: Any) -> None:
    create(client)
    for body in ("2", "3"):
        update(client, body, CreateNewVersion=True)

    client.delete_sms_template(TemplateName="welcome", Version="1")

    assert body_of(client) == ("3", "3")


def test_another_version_may_go_without_notice(client: Any) -> None:
    create(client)
    update(client, "2", CreateNewVersion=True)

    client.delete_sms_template(TemplateName="welcome", Version="2")

    assert body_of(client) == ("1", "1")


def test_with_its_only_version_a_template_goes(client: Any) -> None:
    create(client)

    client.delete_sms_template(TemplateName="welcome", Version="1")

    assert refusal(client.get_sms_template, TemplateName="welcome") == MISSING


def test_versions_are_listed_newest_first_and_in_pages(client: Any) -> None:
    create(client, DefaultSubstitutions='{"a": "b"}', TemplateDescription="first")
    for body in ("2", "3"):
        update(client, body, CreateNewVersion=True)
    where = {"TemplateName": "welcome", "TemplateType": "sms", "PageSize": "2"}

    first = client.list_template_versions(**where)["TemplateVersionsResponse"]
    last = client.list_template_versions(**where, NextToken=first["NextToken"])["TemplateVersionsResponse"]

    assert [each["Version"] for each in first["Item"]] == ["3", "2"]
    assert first.keys() == {"Item", "Message", "NextToken", "RequestID"}
    (item,) = last["Item"]
    assert "NextToken" not in last
    dates = item.pop("CreationDate"), item.pop("LastModifiedDate")
    assert [bool(re.fullmatch(INSTANT, date)) for date in dates] == [True, True]
    assert item == {
        "DefaultSubstitutions": '{"a": "b"}',
        "TemplateDescription": "first",
        "TemplateName": "welcome",
        "TemplateType": "SMS",
        "Version": "1",
    }


def test_versions_made_at_once_are_all_kept(client: Any, raw: Raw) -> None:
    create(client)
    target = "/v1/templates/welcome/sms?create-new-version=true"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: raw.send("PUT", target, {"Body": f"b{number}"}), range(8)))

    assert {answer.status for answer in answers} == {202}
    assert versions(client) == ["9", "8", "7", "6", "5", "4", "3", "2", "1"]
    bodies = {body_of(client, Version=str(version))[1] for version in range(2, 10)}
    assert bodies == {f"b{number}" for number in range(8)}


def test_of_those_who_take_a_name_at_once_one_has_it(raw: Raw) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: raw.send("POST", "/v1/templates/x/sms", {}).status, range(8)))

    assert sorted(answers) == [201] + [400] * 7


# -- lists and tags


def listed(client: Any, **options: Any) -> list[tuple[str, str, str]]:
    answer = client.list_templates(**options)["TemplatesResponse"]
    return [(each["TemplateName"], each["TemplateType"], each["Version"]) for each in answer["Item"]]


def test_templates_are_listed_by_name_and_type(client: Any, raw: Raw) -> None:
    for name, kind in (("b", "sms"), ("b", "email"), ("a", "voice"), ("B", "push"), ("ab", "inapp")):
        raw.send("POST", f"/v1/templates/{name}/{kind}", {"DefaultSubstitutions": "{}"} if kind != "inapp" else {})
    raw.send("PUT", "/v1/templates/b/sms?create-new-version=true", {})

    assert listed(client) == [
        ("B", "PUSH", "1"),
        ("a", "VOICE", "1"),
        ("ab", "INAPP", "1"),
        ("b", "EMAIL", "1"),
        ("b", "SMS", "1"),
    ]
    assert listed(client, Prefix="a") == [("a", "VOICE", "1"), ("ab", "INAPP", "1")]
    assert listed(client, TemplateType="email") == [("b", "EMAIL", "1")]
    assert listed(client, Prefix="%") == []
    item = client.list_templates(Prefix="B")["TemplatesResponse"]["Item"][0]
    assert item.keys() == {"CreationDate", "LastModifiedDate", "TemplateName", "TemplateType", "Version"}


def test_lists_of_templates_have_pages(client: Any) -> None:
    for name in ("c", "a", "b"):
        create(client, name)

    first = client.list_templates(PageSize="2")["TemplatesResponse"]
    last = client.list_templates(PageSize="2", NextToken=first["NextToken"])["TemplatesResponse"]

    assert [each["TemplateName"] for each in first["Item"] + last["Item"]] == ["a", "b", "c"]
    assert "NextToken" not in last


def test_a_token_is_for_one_list_only(client: Any) -> None:
    for name in ("a", "b"):
        create(client, name)
    token = client.list_templates(PageSize="1")["TemplatesResponse"]["NextToken"]

    assert refusal(client.list_templates, NextToken=token, Prefix="a") == bad("Invalid token")


def test_templates_have_tags(client: Any) -> None:
    arn = create(client, tags={"a": "b"})

    client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"c": "d"}})
    client.update_sms_template(TemplateName="welcome", SMSTemplateRequest={"tags": {"e": "f"}})

    assert get(client)["tags"] == {"a": "b", "c": "d"}
    assert client.list_tags_for_resource(ResourceArn=arn)["TagsModel"]["tags"] == {"a": "b", "c": "d"}


# -- errors


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "x/sms"),
        ("GET", "welcome/email"),
        ("GET", "Welcome/sms"),
        ("GET", "welcome/sms?version=2"),
        ("PUT", "x/sms"),
        ("DELETE", "x/sms"),
        ("DELETE", "x/sms?version=1"),
        ("DELETE", "welcome/sms?version=2"),
        ("GET", "x/sms/versions"),
        ("PUT", "x/sms/active-version"),
        ("PUT", "welcome/sms/active-version"),
    ],
)
def test_what_is_not_there_is_not_found(client: Any, raw: Raw, method: str, path: str) -> None:
    create(client)

    answer = raw.send(method, f"/v1/templates/{path}", {"Version": "2"} if path.endswith("active-version") else {})

    assert (answer.status, answer.headers["x-amzn-errortype"], answer.json["Message"]) == MISSING


@pytest.mark.parametrize(
    ("request_line", "body", "message"),
    [
        ("POST welcome/sms", {}, "Template already exists: welcome"),
        ("POST -x/sms", {}, "Invalid template name: -x"),
        ("POST x.y/sms", {}, "Invalid template name: x.y"),
        ("POST x%20y/email", {}, "Invalid template name: x y"),
        ("POST %C3%A9/email", {}, "Invalid template name: é"),
        (f"POST {LONG}/email", {}, f"Invalid template name: {LONG}"),
        ("PUT welcome/sms?create-new-version=true&version=1", {},
         "Version can't be specified when creating a new version"),
        ("PUT welcome/sms?version=2", {}, "Version must be the latest version: 1"),
        ("PUT welcome/sms?version=x", {}, "Version must be the latest version: 1"),
        ("PUT welcome/sms", {"Body": "{{"}, "Invalid template syntax in Body: unclosed {{ (line 1, column 1)"),
        ("GET welcome/sms?version=x", b"", "Invalid Version"),
        ("GET welcome/sms?version=0", b"", "Invalid Version"),
        ("DELETE welcome/sms?version=-1", b"", "Invalid Version"),
        ("PUT welcome/sms/active-version", {}, "Invalid Version"),
        ("PUT welcome/sms/active-version", {"Version": "x"}, "Invalid Version"),
        ("PUT welcome/sms/active-version", {"Version": "Latest"}, "Invalid Version"),
        ("PUT welcome/fax/active-version", {"Version": "1"}, "Invalid template type: fax"),
        ("GET welcome/fax/versions", b"", "Invalid template type: fax"),
    ],
)  # fmt: skip
def test_a_mistake_is_told(client: Any, raw: Raw, request_line: str, body: Any, message: str) -> None:
    create(client)
    method, path = request_line.split(" ")

    answer = raw.send(method, f"/v1/templates/{path}", body)

    assert (answer.status, answer.headers["x-amzn-errortype"], answer.json["Message"]) == bad(message)


def test_that_there_is_no_template_is_told_before_its_mistakes(raw: Raw) -> None:
    answer = raw.send("PUT", "/v1/templates/x/sms?create-new-version=true&version=1", {"Body": "{{"})

    assert (answer.status, answer.json["Message"]) == (404, "Resource not found")


def test_an_unknown_type_is_refused_in_lists(raw: Raw) -> None:
    answer = raw.send("GET", "/v1/templates?template-type=FAX")

    assert (answer.status, answer.json["Message"]) == (400, "Invalid template type: FAX")


def test_defaults_are_answered_as_they_were_sent(client: Any) -> None:
    given = '{ "a":"b",\n"n":1.50 }'

    create(client, DefaultSubstitutions=given)

    assert get(client)["DefaultSubstitutions"] == given


def test_templates_and_versions_have_quotas(serve: Serve) -> None:
    client = make_client(serve(max_templates=2, max_template_versions=2))
    for name in ("welcome", "b"):
        create(client, name)
    update(client, "2", CreateNewVersion=True)

    more = refusal(client.create_voice_template, TemplateName="c", VoiceTemplateRequest={})
    newer = refusal(client.update_sms_template, TemplateName="welcome", SMSTemplateRequest={}, CreateNewVersion=True)

    assert more == bad("Exceeded maximum number of templates: 2")
    assert newer == bad("Exceeded maximum number of versions: 2")
    assert [name for name, *_ in listed(client)] == ["b", "welcome"]
    client.close()
