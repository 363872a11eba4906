"""What an SMSC tells later of a journey's text message."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.fixtures.processes import wait_until
from tests.fixtures.smsc import Smsc, running_smsc
from tests.journeys.sending.conftest import RUN, Stage

RECEIPT = b"id:1001 sub:001 dlvrd:001 submit date:2605021000 done date:2605021000 stat:DELIVRD err:000 text:Hi"


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    with running_smsc() as smsc:
        yield smsc


@pytest.fixture
def texting(stage: Stage, smsc: Smsc) -> Stage:
    """A stage whose text messages go through it."""
    carrier = {"kind": "sms_smpp", "host": "127.0.0.1", "port": smsc.port, "source": "+12065550142"}
    given: dict[str, Any] = {"providers": {"carrier": carrier}, "channel_providers": {"SMS": ["carrier"]}}
    settings = Settings(**{**stage.context.settings.model_dump(), **given})
    return replace(stage, context=TaskContext(stage.database, settings, "test"))


async def test_a_receipt_names_the_journey(texting: Stage, smsc: Smsc) -> None:
    texting.put("ann", ChannelType="SMS", Address="+14255550199")
    texting.client.create_sms_template(TemplateName="text", SMSTemplateRequest={"Body": "Hi"})
    journey = await texting.journey(SMS={"TemplateName": "text"})
    await texting.play(texting.group(journey, ["ann"]))
    before = texting.records("_SMS.SUCCESS")

    smsc.deliver(text=RECEIPT, esm_class=4)
    await asyncio.to_thread(wait_until, lambda: bool(smsc.told))

    [buffered] = texting.records("_SMS.BUFFERED")
    [delivered] = texting.records("_SMS.SUCCESS")
    step = {"journey_id": journey.id, "journey_run_id": RUN, "journey_activity_id": "m1"}
    assert before == []
    assert delivered["attributes"]["record_status"] == "DELIVERED"
    assert delivered["attributes"].items() >= step.items()
    assert delivered["client"] == buffered["client"] == {"client_id": "ann"}
