import pytest

from repoint.delivery.smtp.verp import verp_ids, verp_sender
from repoint.messages.recipients import message_id


def test_the_sender_names_the_message_and_gives_it_back() -> None:
    for _ in range(20):
        sent = message_id("EMAIL")

        sender = verp_sender("bounces.of.shop@mail.example", sent)

        assert sender.startswith("bounces.of.shop+")
        assert len(sender.partition("@")[0]) <= 64
        assert verp_ids(f"Delivered to <{sender.upper()}>") == [sent]


@pytest.mark.parametrize("other", ["", "m-1", "0123456789abcdef-01234567-89ab-4def-a123-456789abcdef-000001"])
def test_an_id_of_another_form_names_nothing(other: str) -> None:
    assert verp_sender("bounces@mail.example", other) == "bounces@mail.example"


@pytest.mark.parametrize("text", ["", "bounces+@x", "a+" + "0" * 47 + "@x", "a+" + "0" * 49 + "@x", "0" * 48 + "@x"])
def test_other_addresses_name_nothing(text: str) -> None:
    assert verp_ids(text) == []
