from datetime import UTC, datetime

import pytest

from repoint.contract.errors import BadRequestException
from repoint.resources.pages import age_key, read_page

CREATED_AT = datetime(2026, 11, 21, 10, 15, 3, 123456, tzinfo=UTC)


def first(operation: str = "GetImportJobs", scope: str = "app-1") -> str:
    return read_page(operation, scope, None, None).token(age_key(CREATED_AT, "job-1"))


def test_token_leads_behind_the_last_item_given_out() -> None:
    page = read_page("GetImportJobs", "app-1", "7", first())

    assert page.size == 7
    assert page.after == ("2026-11-21T10:15:03.123456+00:00", "job-1")
    assert page.before() == (CREATED_AT, "job-1")


def test_first_page_begins_before_the_end_of_time() -> None:
    page = read_page("GetImportJobs", "app-1", None, None)

    assert page.size == 100
    assert page.before() == (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "")


@pytest.mark.parametrize(("operation", "scope"), [("GetExportJobs", "app-1"), ("GetImportJobs", "app-2")])
def test_token_of_another_list_is_refused(operation: str, scope: str) -> None:
    with pytest.raises(BadRequestException, match=r"^Invalid token$"):
        read_page(operation, scope, None, first())


def test_token_cannot_be_changed_anywhere() -> None:
    token = first()

    for place, letter in enumerate(token):
        changed = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        with pytest.raises(BadRequestException, match=r"^Invalid token$"):
            read_page("GetImportJobs", "app-1", None, changed)


@pytest.mark.parametrize("token", ["", "x", "!", "é", "null", "eyJhIjoxfQ==", "=" * 8, "A" * 4000])
def test_broken_token_is_refused(token: str) -> None:
    with pytest.raises(BadRequestException, match=r"^Invalid token$"):
        read_page("GetImportJobs", "app-1", None, token)


@pytest.mark.parametrize(
    "last", [(), ("job-1",), ("yesterday", "job-1"), ("2026-11-21", "job-1", "x"), ("0001-01-01T00:00:00+23:00", "x")]
)
def test_token_of_a_list_by_another_key_is_refused(last: tuple[str, ...]) -> None:
    token = read_page("GetImportJobs", "app-1", None, None).token(last)

    page = read_page("GetImportJobs", "app-1", None, token)

    with pytest.raises(BadRequestException, match=r"^Invalid token$"):
        page.before()


@pytest.mark.parametrize("page_size", ["1", "100", "1000"])
def test_page_size_may_be_from_1_to_1000(page_size: str) -> None:
    assert read_page("GetApps", "", page_size, None).size == int(page_size)


@pytest.mark.parametrize("page_size", ["", "0", "1001", "-1", "+1", " 1", "1.0", "1e2", "ten", "²", "٣", "9" * 5000])
def test_page_size_out_of_range_is_refused(page_size: str) -> None:
    with pytest.raises(BadRequestException, match=r"^Invalid page-size$"):
        read_page("GetApps", "", page_size, None)


def test_token_is_given_only_when_more_remains() -> None:
    page = read_page("GetApps", "", "2", None)

    assert page.cut(["a", "b"], lambda item: (item,)) == (["a", "b"], None)
    assert page.cut(["a", "b", "c"], lambda item: (item,)) == (["a", "b"], page.token(("b",)))


def test_token_with_a_character_that_no_key_has_is_refused() -> None:
    made_up = read_page("GetApps", "", None, None).token(("2026-11-21T10:15:03+00:00", "\0"))

    with pytest.raises(BadRequestException, match=r"^Invalid token$"):
        read_page("GetApps", "", None, made_up)
