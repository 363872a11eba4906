import subprocess
import sys

import pytest

from repoint.delivery.phone_number import InvalidNumberError, country, e164


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("+12065550100", "+12065550100"),
        ("12065550100", "+12065550100"),
        ("+1 (206) 555-0100", "+12065550100"),
        ("+44.20 7946/0018", "+442079460018"),
        ("12345678", "+12345678"),
        ("123456789012345", "+123456789012345"),
        ("tel:+12065550100", "+12065550100"),
    ],
)
def test_an_address_is_read_as_e164(address: str, number: str) -> None:
    assert e164(address) == number


@pytest.mark.parametrize(
    "address", ["", "+", "hello", "1234567", "1234567890123456", "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668"]
)
def test_what_has_too_few_or_too_many_digits_is_refused(address: str) -> None:
    with pytest.raises(InvalidNumberError, match=r"^Invalid phone number$"):
        e164(address)


@pytest.mark.parametrize("address", ["+1425555019\u0669", "+1425555019\u00b2"])
def test_a_number_with_digits_of_two_scripts_is_refused(address: str) -> None:
    with pytest.raises(InvalidNumberError, match=r"^Invalid phone number$"):
        e164(address)


@pytest.mark.parametrize("address", ["01632 960123", "0044 20 7946 0018", "+0441632960123", "0301234567"])
def test_a_number_as_it_is_dialled_at_home_is_refused(address: str) -> None:
    with pytest.raises(InvalidNumberError, match=r"^Invalid phone number$"):
        e164(address)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+12065550100", "US"),
        ("+14165550100", "CA"),
        ("+18765550100", "JM"),
        ("+4915112345678", "DE"),
        ("+442079460018", "GB"),
        ("+77012345678", "KZ"),
        ("+79161234567", "RU"),
        ("+358401234567", "FI"),
        ("+870773111632", None),
        ("+80012345678", None),
        ("+999123456789", None),
        ("+10000000000", None),
    ],
)
def test_a_number_tells_its_country(number: str, expected: str | None) -> None:
    assert country(number) == expected


def test_the_library_is_read_when_it_is_needed() -> None:
    program = (
        "import sys, repoint.delivery.phone_number as p; p.e164('12065550100'); print('phonenumbers' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
