import pytest
from pydantic import ValidationError

from repoint.delivery.two_way.words import Asks, read
from repoint.settings import Settings
from repoint.tables import SmsNumber

TOPIC = "arn:aws:sns:us-east-1:000000000000:replies"
OURS = "+12065550142"
NUMBER = SmsNumber(destination=TOPIC, keywords={"JOIN": "Welcome", "Info": "See example.com"})


@pytest.mark.parametrize(
    "word", ["ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"]
)
def test_each_word_to_stop_is_known(word: str) -> None:
    for body in (word, word.lower(), f" {word.title()}! please", f'"{word}".', f"\ufeff{word}", f"\u200e{word}\ufffd"):
        found = read(body, OURS, NUMBER)
        assert (found.asks, found.reply, found.is_published) == (Asks.TO_STOP, NUMBER.stop_reply, False)


@pytest.mark.parametrize(
    ("body", "asks", "reply"),
    [
        ("start", Asks.TO_START, NUMBER.start_reply),
        ("UNSTOP", Asks.TO_START, NUMBER.start_reply),
        ("Help me", Asks.FOR_HELP, NUMBER.help_reply),
        ("join", Asks.OTHER, "Welcome"),
        ("INFO please", Asks.OTHER, "See example.com"),
        ("please stop", Asks.OTHER, None),
        ("stopping by", Asks.OTHER, None),
        ("", Asks.OTHER, None),
        ("?!", Asks.OTHER, None),
    ],
)
def test_only_the_first_word_counts(body: str, asks: Asks, reply: str | None) -> None:
    found = read(body, OURS, NUMBER)

    assert (found.asks, found.reply, found.is_published) == (asks, reply, asks is Asks.OTHER)


@pytest.mark.parametrize("body", ["STOP", "HELP", "START"])
def test_self_managed_opt_outs_are_published(body: str) -> None:
    found = read(body, OURS, NUMBER.model_copy(update={"self_managed_opt_outs": True}))

    assert (found.asks, found.reply, found.is_published) == (Asks.OTHER, None, True)


def test_carriers_answer_for_toll_free_numbers() -> None:
    assert read("STOP", "+18005550199", NUMBER).asks is Asks.TO_STOP
    assert read("STOP", "+18005550199", NUMBER).reply is None
    assert read("UNSTOP", "+18885550199", NUMBER).asks is Asks.TO_START
    assert read("QUIT", "+18665550199", NUMBER).asks is Asks.OTHER
    assert read("QUIT", "+18665550199", NUMBER).is_published


def test_without_a_destination_nothing_is_published() -> None:
    found = read("hello", OURS, SmsNumber())

    assert (found.asks, found.reply, found.is_published) == (Asks.OTHER, None, False)


def test_default_replies_can_be_edited_and_left_out() -> None:
    number = SmsNumber(stop_reply="Bye", help_reply="", destination=TOPIC)

    assert read("STOP", OURS, number).reply == "Bye"
    assert read("HELP", OURS, number).reply is None
    assert not read("HELP", OURS, number).is_published


@pytest.mark.parametrize(
    "number",
    [
        {"keywords": {"stop": "x"}},
        {"keywords": {"two words": "x"}},
        {"keywords": {"a": "x", "A": "y"}},
        {"keywords": {f"word{n}": "x" for n in range(31)}},
        {"destination": "arn:aws:sqs:us-east-1:000000000000:queue"},
        {"destination": "ftp://example.com"},
        {"destination": "arn:aws:sns:us-east-1:000000000000:a.fifo"},
        {"application_id": "shop"},
        {"self_managed_opt_outs": True},
        {"surprise": 1},
    ],
)
def test_what_cannot_be_meant_is_refused(number: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings(sms_numbers={OURS: SmsNumber.model_validate(number)})


@pytest.mark.parametrize("number", ["12065550142", "+1", "shop", ""])
def test_numbers_are_whole_or_short_codes(number: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"sms_numbers": {number: {}}})


@pytest.mark.parametrize(
    "destination",
    [
        TOPIC,
        "https://example.com/sms?a=b",
        "http://10.0.0.1/x",
        "replies",
        "arn:aws:lambda:us-east-1:000000000000:function:replies:live",
    ],
)
def test_destinations_are_topics_urls_and_functions(destination: str) -> None:
    assert SmsNumber(destination=destination).destination == destination
