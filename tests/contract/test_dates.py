from datetime import UTC, datetime, timedelta, timezone

import pytest

from repoint.contract.dates import format_instant, parse_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-05-24T21:26:33.995Z", datetime(2024, 5, 24, 21, 26, 33, 995000, UTC)),
        ("2024-05-24T21:26:33Z", datetime(2024, 5, 24, 21, 26, 33, 0, UTC)),
        ("2024-05-24T21:26:59.123000Z", datetime(2024, 5, 24, 21, 26, 59, 123000, UTC)),
        ("2024-05-24T21:26:33.1Z", datetime(2024, 5, 24, 21, 26, 33, 100000, UTC)),
        ("2024-05-24T21:26:33.123456789Z", datetime(2024, 5, 24, 21, 26, 33, 123456, UTC)),
        ("2024-05-24T21:26:33+02:00", datetime(2024, 5, 24, 19, 26, 33, 0, UTC)),
        ("2024-05-24T21:26:33-0530", datetime(2024, 5, 25, 2, 56, 33, 0, UTC)),
        ("2024-05-24T21:26:33", datetime(2024, 5, 24, 21, 26, 33, 0, UTC)),
        ("2024-05-24T21:26", datetime(2024, 5, 24, 21, 26, 0, 0, UTC)),
        ("2024-05-24", datetime(2024, 5, 24, 0, 0, 0, 0, UTC)),
    ],
)
def test_every_promised_form_is_read(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "IMMEDIATE",
        "1716585993",
        "2024-06-31",
        "2024-05-24T25:00:00Z",
        "2024-05-24T21:26:33.1234567890Z",
        "2024-05-24T21:26:33,5Z",
        "2024-05-24T21:26:33+25:00",
        "0001-01-01T00:00:00+14:00",
        "20240524T212633Z",
        "2024-W21-5",
        "2024-05-24T21:26:33Z\n",
        "٢٠٢٤-05-24",
        "Fri May 24 21:26:33 UTC 2024",
    ],
)
def test_anything_else_is_no_instant(text: str) -> None:
    assert parse_instant(text) is None


def test_answers_have_three_decimals_in_utc() -> None:
    moment = datetime(2024, 5, 24, 23, 26, 33, 995999, timezone(timedelta(hours=2)))

    assert format_instant(moment) == "2024-05-24T21:26:33.995Z"
    assert format_instant(datetime(2024, 5, 24, tzinfo=UTC)) == "2024-05-24T00:00:00.000Z"
