import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, get_args

import psycopg
import pytest

from repoint.db.pool import Database
from repoint.messages.otp import forget_otps
from repoint.messages.otp_texts import TEXTS
from repoint.queue import TaskContext
from repoint.queue.worker import Worker
from repoint.settings import Settings
from repoint.tables import OtpLanguage
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve, make_client

NUMBER = "+14255550199"
ASKED = {
    "Channel": "SMS",
    "BrandName": "Shop {{x}}",
    "DestinationIdentity": NUMBER,
    "OriginationIdentity": "+12065550100",
    "ReferenceId": "login-1",
}


def new_app(client: Any) -> str:
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"Enabled": True})
    return app


@pytest.fixture
def app(client: Any) -> str:
    return new_app(client)


@pytest.fixture
def stored(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def send(client: Any, app: str, **asked: Any) -> dict[str, Any]:
    answer = client.send_otp_message(ApplicationId=app, SendOTPMessageRequestParameters=ASKED | asked)
    result: dict[str, Any] = answer["MessageResponse"]
    return result


def verify(client: Any, app: str, code: str, number: str = NUMBER, reference: str = "login-1") -> bool:
    said = {"DestinationIdentity": number, "Otp": code, "ReferenceId": reference}
    answer = client.verify_otp_message(ApplicationId=app, VerifyOTPMessageRequestParameters=said)
    return bool(answer["VerificationResponse"]["Valid"])


def messages(raw: Raw, app: str) -> list[dict[str, Any]]:
    """What went out, newest first."""
    listed = raw.send("GET", f"/repoint/v1/mailbox?app={app}").json["Item"]
    return [raw.send("GET", f"/repoint/v1/apps/{app}/mailbox/{each['MessageId']}").json for each in listed]


def last_code(raw: Raw, app: str) -> str:
    found = re.search(r"\d{5,8}", messages(raw, app)[0]["Content"]["body"])
    assert found is not None
    return found[0]


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}}"


def test_a_code_is_sent_and_good_once(client: Any, raw: Raw, app: str) -> None:
    answer = send(client, app, EntityId="entity", TemplateId="template")

    result = answer["Result"][NUMBER]
    assert (answer["ApplicationId"], list(answer["Result"])) == (app, [NUMBER])
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("SUCCESSFUL", 200)
    assert result["StatusMessage"] == f"MessageId: {result['MessageId']}"
    [message] = messages(raw, app)
    code = last_code(raw, app)
    assert message["Address"] == NUMBER
    assert message["Content"] == {
        "body": f"This is your One Time Password: {code} from Shop {{{{x}}}}",
        "message_type": "TRANSACTIONAL",
        "origination_number": "+12065550100",
        "sender_id": None,
        "keyword": None,
        "media_url": None,
        "entity_id": "entity",
        "template_id": "template",
    }
    assert len(code) == 6
    assert verify(client, app, other(code)) is False
    assert verify(client, app, code) is True
    assert verify(client, app, code) is False


def test_a_number_may_be_written_in_several_ways(client: Any, raw: Raw, app: str) -> None:
    send(client, app, DestinationIdentity="1 (425) 555-0199")

    assert verify(client, app, last_code(raw, app), number=NUMBER) is True


@pytest.mark.parametrize(
    ("number", "reference"), [("+14255550198", "login-1"), (NUMBER, "login-2"), (NUMBER, "Login-1")]
)
def test_a_code_is_good_for_its_number_and_reference_only(
    client: Any, raw: Raw, app: str, number: str, reference: str
) -> None:
    send(client, app)

    assert verify(client, app, last_code(raw, app), number, reference) is False
    assert verify(client, app, last_code(raw, app)) is True


def test_a_code_is_good_in_its_application_only(client: Any, raw: Raw, app: str) -> None:
    send(client, app)

    assert verify(client, new_app(client), last_code(raw, app)) is False


def test_nothing_was_sent_so_nothing_is_valid(client: Any, app: str) -> None:
    assert verify(client, app, "123456") is False


def test_a_new_code_takes_the_place_of_the_old_one_with_its_attempts(client: Any, raw: Raw, app: str) -> None:
    send(client, app, AllowedAttempts=2)
    first = last_code(raw, app)
    assert verify(client, app, other(first)) is False
    second = first
    while second == first:
        send(client, app, AllowedAttempts=2)
        second = last_code(raw, app)

    assert verify(client, app, first) is False
    assert verify(client, app, second) is True


@pytest.mark.parametrize(("wrong", "is_good"), [(2, True), (3, False), (4, False)])
def test_too_many_wrong_codes_end_it(client: Any, raw: Raw, app: str, wrong: int, *, is_good: bool) -> None:
    send(client, app)
    code = last_code(raw, app)

    for said in (" ", "x" * 1000, other(code), "0")[-wrong:]:
        assert verify(client, app, said) is False

    assert verify(client, app, code) is is_good


@pytest.mark.parametrize("allowed", [1, 5])
def test_attempts_are_as_many_as_were_allowed(client: Any, raw: Raw, app: str, allowed: int) -> None:
    send(client, app, AllowedAttempts=allowed, ReferenceId="a")
    code_a = last_code(raw, app)
    send(client, app, AllowedAttempts=allowed, ReferenceId="b")
    code_b = last_code(raw, app)

    for _ in range(allowed - 1):
        verify(client, app, other(code_a), reference="a")
    for _ in range(allowed):
        verify(client, app, other(code_b), reference="b")

    assert verify(client, app, code_a, reference="a") is True
    assert verify(client, app, code_b, reference="b") is False


def test_an_expired_code_is_not_valid(client: Any, raw: Raw, app: str, stored: psycopg.Connection[Any]) -> None:
    before = datetime.now(UTC)
    send(client, app, ValidityPeriod=5)
    (expires_at,) = stored.execute("SELECT expires_at FROM one_time_passwords").fetchone() or (None,)
    stored.execute("UPDATE one_time_passwords SET expires_at = now() - interval '1 second'")

    assert verify(client, app, last_code(raw, app)) is False
    assert expires_at is not None
    assert 299 <= (expires_at - before).total_seconds() <= 310


def test_of_right_codes_at_the_same_time_one_is_valid(client: Any, raw: Raw, app: str) -> None:
    for _ in range(5):
        send(client, app)
        code = last_code(raw, app)
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda code: verify(client, app, code), [code] * 8))
        assert told.count(True) == 1


def test_wrong_codes_at_the_same_time_are_all_counted(
    client: Any, raw: Raw, app: str, stored: psycopg.Connection[Any]
) -> None:
    send(client, app, AllowedAttempts=5)
    wrong = other(last_code(raw, app))

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda code: verify(client, app, code), [wrong] * 4))

    assert told == [False] * 4
    assert stored.execute("SELECT attempts_left FROM one_time_passwords").fetchall() == [(1,)]


def test_the_code_is_stored_nowhere(client: Any, raw: Raw, app: str, stored: psycopg.Connection[Any]) -> None:
    send(client, app, CodeLength=8)
    code = last_code(raw, app)
    # The mailbox stands for the phone here.
    stored.execute("DELETE FROM mailbox")

    tables = stored.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    held = {
        table: stored.execute(f'SELECT array_agg(t::text) FROM "{table}" t').fetchone()  # noqa: S608 - from the catalogue
        for (table,) in tables
    }

    assert [table for table, rows in held.items() if code in str(rows)] == []
    assert held["one_time_passwords"] != (None,)


@pytest.mark.parametrize("length", [5, 8])
def test_a_code_has_as_many_digits_as_were_asked_for(client: Any, raw: Raw, app: str, length: int) -> None:
    send(client, app, CodeLength=length, BrandName="B")

    assert re.search(rf"Password: \d{{{length}}} from B$", messages(raw, app)[0]["Content"]["body"])


@pytest.mark.parametrize("language", get_args(OtpLanguage))
def test_each_language_has_its_text(client: Any, raw: Raw, app: str, language: OtpLanguage) -> None:
    send(client, app, Language=language, BrandName="Shop")

    body = messages(raw, app)[0]["Content"]["body"]
    code = last_code(raw, app)
    expected = TEXTS[language]
    assert body == expected.replace("{{otp}}", code).replace("{{brand}}", "Shop")
    assert verify(client, app, code) is True


def test_texts_can_be_the_operators_own(serve: Serve) -> None:
    server = serve(otp_texts={"de-DE": "Code {{otp}}"})
    client, raw = make_client(server), Raw(server)
    app = new_app(client)

    send(client, app, Language="de-DE")

    assert re.fullmatch(r"Code \d{6}", messages(raw, app)[0]["Content"]["body"])
    client.close()


@pytest.mark.parametrize("text", ["Hallo", "{{ otp }}", "{{otp}} {{name}}", "{{otp}} {{", "{{{otp}}}", "{{#if otp}}x"])
def test_a_text_that_could_not_be_sent_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"(?s)otp_texts.*must hold {{otp}}, may hold {{brand}}"):
        Settings(otp_texts={"de-DE": text})


@pytest.mark.parametrize(
    ("origination", "sender"),
    [
        ("12345", ("12345", None)),
        ("SHOP", (None, "SHOP")),
        ("12065550100", ("12065550100", None)),
        ("24x7", (None, "24x7")),
    ],
)
def test_it_comes_from_a_number_or_a_name(
    client: Any, raw: Raw, app: str, origination: str, sender: tuple[str | None, str | None]
) -> None:
    send(client, app, OriginationIdentity=origination)

    content = messages(raw, app)[0]["Content"]
    assert (content["origination_number"], content["sender_id"]) == sender


def test_who_cannot_be_sent_to_is_told_as_in_any_message(client: Any, raw: Raw, app: str) -> None:
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"Enabled": False})
    disabled = send(client, app)["Result"][NUMBER]
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"Enabled": True})
    raw.send("PUT", f"/repoint/v1/suppressions/SMS/{NUMBER.replace('+', '%2B')}")
    suppressed = send(client, app)["Result"][NUMBER]

    assert (disabled["DeliveryStatus"], disabled["StatusCode"]) == ("PERMANENT_FAILURE", 400)
    assert disabled["StatusMessage"] == f"No channel of type SMS is enabled for the application {app}"
    assert suppressed["DeliveryStatus"] == "PERMANENT_FAILURE"
    assert messages(raw, app) == []


@pytest.mark.parametrize(
    ("member", "values"),
    [
        ("Channel", ["sms", "VOICE"]),
        ("BrandName", ["x" * 21]),
        ("ReferenceId", ["x" * 49]),
        ("CodeLength", [4, 9, -1, 0]),
        ("ValidityPeriod", [4, 61]),
        ("AllowedAttempts", [0, 6]),
        ("Language", ["en", "EN-US", "nl-NL"]),
        ("DestinationIdentity", ["hello", "1234567", "0301234567", "1234567890123456"]),
        ("OriginationIdentity", ["12", "x" * 12, "+1206", "Shop!"]),
    ],
)
def test_what_is_out_of_range_is_refused(client: Any, app: str, member: str, values: list[Any]) -> None:
    for value in values:
        asked = ASKED | {member: value}
        refused = refusal(client.send_otp_message, ApplicationId=app, SendOTPMessageRequestParameters=asked)

        assert refused == (400, "BadRequestException", f"Invalid {member}: {value}")


@pytest.mark.parametrize(("member", "value"), [("DestinationIdentity", "hello"), ("ReferenceId", "x" * 49)])
def test_a_malformed_question_is_refused(client: Any, app: str, member: str, value: str) -> None:
    said = {"DestinationIdentity": NUMBER, "Otp": "123456", "ReferenceId": "login-1", member: value}

    refused = refusal(client.verify_otp_message, ApplicationId=app, VerifyOTPMessageRequestParameters=said)

    assert refused == (400, "BadRequestException", f"Invalid {member}: {value}")


@pytest.mark.parametrize("member", sorted(ASKED))
def test_what_is_empty_is_missing(client: Any, app: str, member: str) -> None:
    asked = ASKED | {member: ""}

    refused = refusal(client.send_otp_message, ApplicationId=app, SendOTPMessageRequestParameters=asked)

    assert refused == (400, "BadRequestException", f"Missing {member}")


def test_limits_are_within_the_range(client: Any, raw: Raw, app: str) -> None:
    send(
        client, app, BrandName="x" * 20, ReferenceId="y" * 48, CodeLength=8, ValidityPeriod=60, OriginationIdentity="S"
    )

    assert verify(client, app, last_code(raw, app), reference="y" * 48) is True


def test_an_unknown_application_is_not_found(client: Any) -> None:
    unknown = "0" * 32
    said = {"DestinationIdentity": NUMBER, "Otp": "1", "ReferenceId": "r"}

    sent = refusal(client.send_otp_message, ApplicationId=unknown, SendOTPMessageRequestParameters=ASKED)
    verified = refusal(client.verify_otp_message, ApplicationId=unknown, VerifyOTPMessageRequestParameters=said)

    assert sent == verified == (404, "NotFoundException", "Application not found")


async def test_expired_codes_are_forgotten(
    client: Any, app: str, database: Database, settings: Settings, stored: psycopg.Connection[Any]
) -> None:
    send(client, app, ReferenceId="old")
    stored.execute("UPDATE one_time_passwords SET expires_at = now() - interval '1 second'")
    send(client, app, ReferenceId="young")

    await forget_otps.run(TaskContext(database, settings, "worker"))

    assert stored.execute("SELECT reference_id FROM one_time_passwords").fetchall() == [("young",)]


async def test_codes_go_with_their_application(
    client: Any, app: str, worker: Worker, stored: psycopg.Connection[Any]
) -> None:
    send(client, app)
    kept = new_app(client)
    send(client, kept)

    client.delete_app(ApplicationId=app)
    await worker.drain()

    rows = stored.execute("SELECT application_id FROM one_time_passwords").fetchall()
    assert [row[0].hex for row in rows] == [kept]
