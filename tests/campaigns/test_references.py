"""What campaigns refer to: templates, their application's settings, webhooks, and the quotas they count for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.conftest import SMS, Shop, after, bad, make_shop, missing, told
from tests.fixtures.certificates import serving
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.server import Raw, Serve, make_client

FILTER = {"FilterType": "ENDPOINT", "Dimensions": {"EventType": {"Values": ["bought"]}}}
HEADER = "X-Amz-Pinpoint-AccountId"
REFUSED = bad("The webhook didn't return the expected X-Amz-Pinpoint-AccountId header")


def stored(shop: Shop, campaign_id: str) -> dict[str, Any]:
    [row] = shop.execute("SELECT document FROM documents WHERE id = %(id)s", {"id": campaign_id})
    document: dict[str, Any] = row["document"]
    return document


def put_template(shop: Shop, body: str) -> None:
    """The next version of an SMS template; what is active stays so."""
    put = shop.client.update_sms_template if body != "one" else shop.client.create_sms_template
    more = {} if body == "one" else {"CreateNewVersion": True}
    put(TemplateName="hello", SMSTemplateRequest={"Body": body}, **more)


def text(version: str | None = None, name: str = "hello") -> dict[str, Any]:
    return {"SMSTemplate": {"Name": name} if version is None else {"Name": name, "Version": version}}


def test_a_template_of_a_named_version_is_kept(shop: Shop) -> None:
    put_template(shop, "one")
    put_template(shop, "two")
    treatments = [
        {"SizePercent": 5},
        {"SizePercent": 5, "TemplateConfiguration": text()},
        {"SizePercent": 5, "TemplateConfiguration": text("1")},
    ]
    campaign = shop.create(MessageConfiguration=None, TemplateConfiguration=text("2"), AdditionalTreatments=treatments)
    shop.client.delete_sms_template(TemplateName="hello")

    shop.update(campaign["Id"], TemplateConfiguration=text("2"), AdditionalTreatments=treatments[::2])

    kept = {
        number: {kind: (template["Name"], template["Content"]["Body"]) for kind, template in own.items()}
        for number, own in stored(shop, campaign["Id"])["Templates"].items()
    }
    assert kept == {"0": {"SMS": ("hello", "two")}, "1": {"SMS": ("hello", "two")}, "2": {"SMS": ("hello", "one")}}
    assert campaign["TemplateConfiguration"] == text("2")
    assert {"Templates", "Defaults"}.isdisjoint(campaign)
    assert {"Templates", "Defaults"}.isdisjoint(shop.send("GET", "").json["Item"][0])


def test_a_template_without_a_version_is_only_looked_for(shop: Shop) -> None:
    put_template(shop, "one")

    campaign = shop.create(MessageConfiguration=None, TemplateConfiguration=text())

    assert stored(shop, campaign["Id"])["Templates"] == {}


def test_unknown_templates_are_told(shop: Shop) -> None:
    put_template(shop, "one")
    campaign_id = shop.create(TemplateConfiguration=text())["Id"]
    unknown = [
        (text(name="nobody"), "nobody"),
        (text("2"), "hello"),
        ({"EmailTemplate": {"Name": "hello"}}, "hello"),
        ({"PushTemplate": {"Name": "hello"}}, "hello"),
        ({"InAppTemplate": {"Name": "hello"}}, "hello"),
    ]

    for configuration, name in unknown:
        refused = missing(f"Template not found: {name}")
        assert told(shop.send("POST", "", shop.request(TemplateConfiguration=configuration))) == refused
        assert told(shop.send("PUT", f"/{campaign_id}", {"TemplateConfiguration": configuration})) == refused
        treatments = [{"SizePercent": 5, "TemplateConfiguration": configuration}]
        assert told(shop.send("POST", "", shop.request(AdditionalTreatments=treatments))) == refused


def test_a_campaign_whose_template_is_gone_can_be_paused_but_not_mended_without_one(shop: Shop) -> None:
    put_template(shop, "one")
    campaign_id = shop.create(TemplateConfiguration=text())["Id"]
    shop.client.delete_sms_template(TemplateName="hello")

    assert shop.update(campaign_id, IsPaused=True)["State"] == {"CampaignStatus": "PAUSED"}
    shop.move(campaign_id, "INVALID")
    assert told(shop.send("PUT", f"/{campaign_id}", {"IsPaused": False})) == missing("Template not found: hello")
    mended = shop.update(campaign_id, IsPaused=False, TemplateConfiguration={})
    assert mended["State"] == {"CampaignStatus": "SCHEDULED"}


def test_settings_of_the_application_are_those_of_the_creation(shop: Shop) -> None:
    first = {"Limits": {"Daily": 1}, "QuietTime": {"Start": "21:00", "End": "08:00"}, "CampaignHook": {}}
    for settings in (first, {"Limits": {"Total": 9}}):
        campaign_id = shop.create()["Id"] if settings != first else None
        shop.client.update_application_settings(ApplicationId=shop.id, WriteApplicationSettingsRequest=settings)
    assert campaign_id is not None

    campaign = shop.update(campaign_id, Name="summer")

    assert stored(shop, campaign_id)["Defaults"] == {"Limits": {"Daily": 1}, "QuietTime": first["QuietTime"]}
    assert campaign["Limits"] == {}


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[tuple[Receiver, Path]]:
    """One that speaks TLS as `localhost`, and the file of its CA."""
    context, ca_file = serving("localhost", tmp_path)
    with Receiver().running(context) as receiver:
        yield receiver, ca_file


@pytest.fixture
def own_shop(serve: Serve, webhook: tuple[Receiver, Path], database_url: str) -> Iterator[Shop]:
    """A shop whose server may call the webhook."""
    networks = ("127.0.0.0/8", "::1/128")
    server = serve(allowed_private_networks=networks, webhook_ca_file=webhook[1], account_id="111122223333")
    client = make_client(server)
    yield make_shop(client, Raw(server), database_url)
    client.close()


def custom(receiver: Receiver, path: str = "/hook") -> dict[str, Any]:
    url = f"https://localhost:{receiver.port}{path}"
    return {"CustomDeliveryConfiguration": {"DeliveryUri": url, "EndpointTypes": ["EMAIL"]}}


def test_webhooks_are_asked_when_a_campaign_is_written(own_shop: Shop, webhook: tuple[Receiver, Path]) -> None:
    shop, receiver = own_shop, webhook[0]
    receiver.answer = lambda _: Answer(404, headers={HEADER: "111122223333"})
    treatments = [{"SizePercent": 5, **custom(receiver, "/other")}]
    custom_message = {"CustomMessage": {"Data": "x"}}

    campaign = shop.create(MessageConfiguration=custom_message, AdditionalTreatments=treatments, **custom(receiver))
    asked = sorted((each.method, each.path) for each in receiver.received)
    shop.update(campaign["Id"], Name="summer")
    again = len(receiver.received)
    shop.update(campaign["Id"], IsPaused=True)

    assert asked == [("HEAD", "/hook"), ("HEAD", "/other")]
    assert again == 4
    assert len(receiver.received) == 4, "pausing needs nobody's consent"


@pytest.mark.parametrize("headers", [{}, {HEADER: "444455556666"}])
def test_webhooks_that_do_not_expect_us_are_refused(
    own_shop: Shop, webhook: tuple[Receiver, Path], headers: dict[str, str]
) -> None:
    shop, receiver = own_shop, webhook[0]
    campaign = shop.create()
    receiver.answer = lambda _: Answer(headers=headers)

    told_of = [
        told(shop.send("POST", "", shop.request(**custom(receiver)))),
        told(shop.send("PUT", f"/{campaign['Id']}", custom(receiver))),
    ]

    assert told_of == [REFUSED, REFUSED]
    assert shop.send("GET", "").json == {"Item": [campaign]}


def test_webhooks_that_cannot_be_asked_are_refused(shop: Shop, receiver: Receiver) -> None:
    assert told(shop.send("POST", "", shop.request(**custom(receiver)))) == REFUSED
    assert receiver.received == []


def test_a_webhook_without_tls_is_for_networks_that_are_allowed(own_shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(headers={HEADER: "111122223333"})

    campaign = own_shop.create(CustomDeliveryConfiguration={"DeliveryUri": receiver.url})

    assert campaign["CustomDeliveryConfiguration"] == {"DeliveryUri": receiver.url}


def shop_with(serve: Serve, database_url: str, **settings: int) -> Shop:
    server = serve(**settings)
    return make_shop(make_client(server), Raw(server), database_url)


def test_active_campaigns_have_a_quota_over_all_applications(serve: Serve, database_url: str) -> None:
    shop = shop_with(serve, database_url, max_active_campaigns=3)
    other = make_shop(shop.client, shop.raw, database_url)
    refused = bad("Exceeded maximum number of active campaigns: 3")
    treatments = [{"SizePercent": 5}]
    first = shop.create(AdditionalTreatments=treatments)["Id"]
    shop.create()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: other.send("POST", "", other.request()), range(4)))

    assert sorted(answer.status for answer in answers) == [201, 400, 400, 400]
    assert {told(answer) for answer in answers if answer.status == 400} == {refused}
    assert len(other.send("GET", "").json["Item"]) == 1
    # Those that are paused or done are not active.
    assert shop.create(IsPaused=True)["Version"] == 1
    shop.move(first, "COMPLETED")
    assert shop.create()["Version"] == 1
    assert told(shop.send("POST", "", shop.request())) == refused
    shop.client.close()


@pytest.mark.parametrize("frequency", ["EVENT", "IN_APP_EVENT"])
def test_campaigns_that_wait_for_events_have_quotas_of_their_application(
    serve: Serve, database_url: str, frequency: str
) -> None:
    shop = shop_with(serve, database_url, max_event_campaigns=1, max_in_app_campaigns=1)
    other = make_shop(shop.client, shop.raw, database_url)
    schedule = {"StartTime": after(days=1), "EndTime": after(days=2), "Frequency": frequency, "EventFilter": FILTER}
    others = {"EVENT": "IN_APP_EVENT", "IN_APP_EVENT": "EVENT"}[frequency]
    shop.create(Schedule=schedule)

    answer = shop.send("POST", "", shop.request(Schedule=schedule))
    by_treatment = shop.send("POST", "", shop.request(AdditionalTreatments=[{"SizePercent": 5, "Schedule": schedule}]))

    assert told(answer) == told(by_treatment) == bad("Exceeded maximum number of active campaigns: 1")
    assert shop.create(Schedule=schedule | {"Frequency": others})["Version"] == 1
    assert shop.create(MessageConfiguration=SMS)["Version"] == 1
    assert other.create(Schedule=schedule)["Version"] == 1
    shop.client.close()


def test_campaigns_on_events_need_notice_where_the_operator_says_so(serve: Serve, database_url: str) -> None:
    shop = shop_with(serve, database_url, strict_event_start=True)
    schedule = {"EndTime": after(days=2), "Frequency": "EVENT", "EventFilter": FILTER}
    refused = bad("StartTime must be at least 15 minutes in the future.")

    told_of = [
        told(shop.send("POST", "", shop.request(Schedule=schedule | {"StartTime": starts_at})))
        for starts_at in (after(minutes=14), "IMMEDIATE")
    ]

    assert told_of == [refused, refused]
    assert shop.create(Schedule=schedule | {"StartTime": after(minutes=16)})["Version"] == 1
    shop.client.close()


def test_campaigns_on_events_may_start_at_once(shop: Shop) -> None:
    schedule = {"StartTime": "IMMEDIATE", "EndTime": after(days=2), "Frequency": "EVENT", "EventFilter": FILTER}

    assert shop.create(Schedule=schedule)["State"] == {"CampaignStatus": "SCHEDULED"}


def test_quotas_are_pinpoints_by_default(shop: Shop) -> None:
    settings = shop.raw.server.settings

    assert settings.max_active_campaigns == 200
    assert (settings.max_event_campaigns, settings.max_in_app_campaigns) == (25, 25)


def test_published_rates_hold_for_writing_campaigns(serve: Serve, database_url: str) -> None:
    shop = shop_with(serve, database_url, pinpoint_throttles=True)

    answers = [shop.send("DELETE", "/x") for _ in range(60)]

    assert (429, "TooManyRequestsException", "Too many requests") in [told(answer) for answer in answers]
    shop.client.close()
