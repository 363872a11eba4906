import pytest

from repoint.delivery.sms_parts import TooLongError, count_parts

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)


def test_the_alphabet_has_every_letter_of_the_standard() -> None:
    assert len(set(GSM)) == 127
    assert count_parts(GSM + "x" * 33) == 1
    assert count_parts(GSM + "x" * 34) == 2


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 1600, 11),
        ("^{}\\[~]|€" + "a" * 142, 1),
        ("^{}\\[~]|€" + "a" * 143, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # A letter of two places is not cut in two: 76 fit into a part of 153, and the last place stays empty.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("ж" * 630, 10),
        ("`", 1),
        ("a" * 70 + "`", 2),
        ("🎉" * 35, 1),
        ("🎉" * 36, 2),
        # 33 fit into a part of 67.
        ("🎉" * 66, 2),
        ("🎉" * 67, 3),
        ("🎉" * 315, 10),
    ],
)
def test_a_text_is_sent_in_parts(body: str, parts: int) -> None:
    assert count_parts(body) == parts


@pytest.mark.parametrize("body", ["a" * 1601, "€" * 801, "ж" * 631, "a" * 630 + "ж", "🎉" * 316])
def test_a_text_that_is_too_long_is_refused(body: str) -> None:
    with pytest.raises(TooLongError, match=r"^Invalid Message$"):
        count_parts(body)
