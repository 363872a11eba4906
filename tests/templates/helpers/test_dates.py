"""Helpers that print dates (templates.md section 7.5)."""

import pytest

from tests.templates.rendered import failure, render


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            '{{dateFormat "09/19/2020" inputFormat="MM/dd/yyyy" outputFormat="full" tz=America/Los_Angeles}}',
            "Saturday, September 19, 2020",
        ),
        ('{{dateFormat "2020-09-19" outputFormat="long"}}', "September 19, 2020"),
        ('{{dateFormat "2020-09-19" outputFormat="medium"}}', "Sep 19, 2020"),
        ('{{dateFormat "2020-09-19"}}', "Sep 19, 2020"),
        ('{{dateFormat "2020-09-19" outputFormat="short"}}', "9/19/20"),
        ('{{dateFormat "9/19/20" inputFormat="short" outputFormat="yyyy-MM-dd"}}', "2020-09-19"),
        ('{{dateFormat "Sep 19, 2020" outputFormat="yyyy-MM-dd"}}', "2020-09-19"),
        ('{{dateFormat "september 19, 2020" inputFormat="long" outputFormat="yyyy-MM-dd"}}', "2020-09-19"),
        ('{{dateFormat "Saturday, September 19, 2020" inputFormat="full" outputFormat="short"}}', "9/19/20"),
        # A date is no instant, so no zone shifts it.
        ('{{dateFormat "2020-09-19" outputFormat="yyyy-MM-dd HH:mm z" tz=Asia/Tokyo}}', "2020-09-19 00:00 JST"),
        ('{{dateFormat "2020-09-19T21:05:07Z" outputFormat="yyyy-MM-dd HH:mm"}}', "2020-09-19 21:05"),
        (
            '{{dateFormat "2020-09-19T21:05:07Z" outputFormat="yyyy-MM-dd HH:mm" tz="Asia/Tokyo"}}',
            "2020-09-20 06:05",
        ),
        (
            '{{dateFormat "2020-09-19T21:05:07-07:00" outputFormat="yyyy-MM-dd HH:mm" tz=Europe/Berlin}}',
            "2020-09-20 06:05",
        ),
        # Without an offset the zone is where the time is said.
        (
            '{{dateFormat "2020-09-19T21:05" outputFormat="yyyy-MM-dd HH:mm XXX" tz=Europe/Berlin}}',
            "2020-09-19 21:05 +02:00",
        ),
        ('{{dateFormat "1600549507089" outputFormat="yyyy-MM-dd HH:mm:ss.SSS"}}', "2020-09-19 21:05:07.089"),
        ("{{dateFormat x outputFormat='yyyy'}}", "2020"),
        ('{{dateFormat CreationDate outputFormat="MMM d" tz=Demographic.Timezone}}', "Sep 1"),
        (
            '{{dateFormat "19.09.2020 2:05 PM +0200" inputFormat="dd.MM.yyyy h:mm a Z" outputFormat="HH:mm"}}',
            "12:05",
        ),
        ('{{dateFormat "20200919210507" inputFormat="yyyyMMddHHmmss" outputFormat="H:m:s"}}', "21:5:7"),
        ('{{dateFormat "263 2020" inputFormat="D yyyy" outputFormat="short"}}', "9/19/20"),
        ('{{dateFormat "Sat 24:10" inputFormat="EEE kk:mm" outputFormat="H:mm yyyy"}}', "0:10 1970"),
        ('{{dateFormat "5 o\'clock PST" inputFormat="h \'o\'\'clock\' z" outputFormat="HH:mm"}}', "13:00"),
        ("{{now}}", "Sep 19, 2020"),
        ('{{now "medium" tz=Europe/Berlin}}', "Sep 19, 2020"),
        ('{{now "yyyy-MM-dd HH:mm" tz=Asia/Tokyo}}', "2020-09-20 06:05"),
        ('{{now "EEE d MMM"}}', "Sat 19 Sep"),
        ('{{now "h:mm a"}}', "9:05 PM"),
        ("{{now \"'week' w\"}}", "week 38"),
        (
            "{{now 'yy y yyyy M MM MMM MMMM d dd E EEEE u a G'}}",
            "20 2020 2020 9 09 Sep September 19 19 Sat Saturday 6 PM AD",
        ),
        ("{{now 'H HH k K h m s S SSS D F'}}", "21 21 21 9 9 5 7 89 089 263 3"),
        ("{{now 'z zzzz Z X XX XXX'}}", "UTC Coordinated Universal Time +0000 Z Z Z"),
        ("{{now 'z zzzz Z X XX XXX' tz=Asia/Kolkata}}", "IST India Standard Time +0530 +05 +0530 +05:30"),
        ("{{now 'z zzzz' tz=America/Sao_Paulo}}", "GMT-03:00 GMT-03:00"),
        ("{{now \"'it''s' ''yy''\"}}", "it's '20'"),
    ],
)
def test_dates_are_printed(source: str, text: str) -> None:
    assert render(source, above=({"x": "1600549507089"},)) == text


@pytest.mark.parametrize(
    ("day", "week"),
    [("2020-01-01", "1"), ("2020-01-04", "1"), ("2020-01-05", "2"), ("2020-12-26", "52"), ("2020-12-27", "1"),
     ("2022-12-31", "53"), ("2023-01-01", "1"), ("2021-12-25", "52"), ("2021-12-26", "1")],
)  # fmt: skip
def test_weeks_are_those_of_the_us(day: str, week: str) -> None:
    assert render(f'{{{{dateFormat "{day}" outputFormat="w"}}}}') == week


@pytest.mark.parametrize(
    ("year", "meant"), [("20", "2020"), ("40", "2040"), ("41", "1941"), ("99", "1999"), ("2041", "2041")]
)
def test_two_digits_are_a_year_near_now(year: str, meant: str) -> None:
    assert render(f'{{{{dateFormat "1/2/{year}" inputFormat="short" outputFormat="yyyy"}}}}') == meant


@pytest.mark.timeout(10)
def test_a_pattern_of_many_numbers_is_judged_quickly() -> None:
    pattern, text = "d'1'" * 40, "1" * 400

    assert failure(f'{{{{dateFormat "{text}x" inputFormat="{pattern}"}}}}').endswith("is not a date")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{now tz=Mars/Olympus}}", "now: unknown time zone Mars/Olympus"),
        ("{{now tz='../../etc/passwd'}}", "now: unknown time zone ../../etc/passwd"),
        ("{{now tz=America}}", "now: unknown time zone America"),
        ("{{now 'yyyy Q'}}", "now: unknown letter Q in the date pattern yyyy Q"),
        ('{{now "yyyy \'open"}}', "now: unclosed quote in the date pattern yyyy 'open"),
        ("{{dateFormat 'tomorrow'}}", "dateFormat: tomorrow is not a date"),
        ("{{dateFormat '2020-02-30'}}", "dateFormat: 2020-02-30 is not a date"),
        ("{{dateFormat '13/01/2020' inputFormat='MM/dd/yyyy'}}", "dateFormat: 13/01/2020 is not a date"),
        ("{{dateFormat '2020-09-19' inputFormat='QQ'}}", "dateFormat: unknown letter Q in the date pattern QQ"),
        ("{{dateFormat '999999999999999'}}", "dateFormat: 999999999999999 is not a date"),
        (
            "{{dateFormat '0001-01-01T00:00:00Z' tz=America/New_York}}",
            "dateFormat: 0001-01-01T00:00:00Z is outside of the calendar",
        ),
        ("{{dateFormat Attributes.favorite_colors}}", "dateFormat: blue, red, green is not a date"),
    ],
)
def test_what_is_no_date_fails(source: str, reason: str) -> None:
    assert failure(source) == reason
