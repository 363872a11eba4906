"""The CSV rules of jobs.md section 6."""

from typing import Any

import msgspec
import pytest

from repoint.contract.errors import BadRequestException
from repoint.endpoints.item import check
from repoint.jobs.columns import HeaderError, RowError, read_header, split_cells


def item(header: str, line: str) -> dict[str, Any]:
    found = read_header(header).item(split_cells(line))
    return mentioned(msgspec.to_builtins(found))


def mentioned(members: dict[str, Any]) -> dict[str, Any]:
    return {
        name: mentioned(value) if isinstance(value, dict) else value
        for name, value in members.items()
        if value is not None
    }


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("", [""]),
        ("a,b", ["a", "b"]),
        ("a,,", ["a", "", ""]),
        ('"a,b",c', ["a,b", "c"]),
        ('"say ""hi""",', ['say "hi"', ""]),
        ('""', [""]),
        (" a , b ", [" a ", " b "]),
        ('5" pipe,x', ['5" pipe', "x"]),
        ("a;b|c", ["a;b|c"]),
    ],
)
def test_cells_are_split_at_commas_outside_quotes(line: str, cells: list[str]) -> None:
    assert split_cells(line) == cells


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('a,"b', "Quote left open"),
        ('"', "Quote left open"),
        ('"a""', "Quote left open"),
        ('"a"b,c', "Misplaced quote"),
        ('"a" ,c', "Misplaced quote"),
    ],
)
def test_a_broken_quote_fails_the_row(line: str, message: str) -> None:
    with pytest.raises(RowError, match=message):
        split_cells(line)


def test_every_documented_column_becomes_its_field() -> None:
    columns = {
        "Id": "e1",
        "Address": "ann@example.com",
        "ChannelType": " EMAIL ",
        "OptOut": " NONE",
        "RequestId": "r1",
        "Attributes.Tier": "gold",
        "Attributes.a.b": "dotted",
        "Metrics.Visits": "1.50",
        "Metrics.x.y": "-2e3",
        "Demographic.AppVersion": "007",
        "Demographic.Locale": "en_US",
        "Demographic.Make": "Apple",
        "Demographic.Model": "iPhone",
        "Demographic.ModelVersion": "X",
        "Demographic.Platform": "ios",
        "Demographic.PlatformVersion": "17",
        "Demographic.Timezone": "Europe/Oslo",
        "Location.City": " Oslo ",
        "Location.Country": "NO",
        "Location.PostalCode": "0150",
        "Location.Region": "Oslo",
        "Location.Latitude": "59.91",
        "Location.Longitude": "+10.7",
        "User.UserId": "u 1",
        "User.UserAttributes.First.Name": "Ann",
        "EndpointStatus": "INACTIVE",
        "EffectiveDate": "yesterday",
        "ApplicationId": "x",
        "CohortId": "x",
        "CreationDate": "x",
        "User.UserStatus": "x",
    }

    assert item(",".join(columns), ",".join(columns.values())) == {
        "Id": "e1",
        "Address": "ann@example.com",
        "RequestId": "r1",
        "ChannelType": "EMAIL",
        "OptOut": "NONE",
        "Attributes": {"Tier": ["gold"], "a.b": ["dotted"]},
        "Metrics": {"Visits": 1.5, "x.y": -2000.0},
        "Demographic": {
            "AppVersion": "007",
            "Locale": "en_US",
            "Make": "Apple",
            "Model": "iPhone",
            "ModelVersion": "X",
            "Platform": "ios",
            "PlatformVersion": "17",
            "Timezone": "Europe/Oslo",
        },
        "Location": {
            "City": " Oslo ",
            "Country": "NO",
            "PostalCode": "0150",
            "Region": "Oslo",
            "Latitude": 59.91,
            "Longitude": 10.7,
        },
        "User": {"UserId": "u 1", "UserAttributes": {"First.Name": ["Ann"]}},
    }


def test_repeated_columns_are_one_list_without_their_empty_cells() -> None:
    header = "Id,Attributes.A,Attributes.B,Attributes.A,User.UserAttributes.C,Attributes.A,User.UserAttributes.C"

    assert item(header, "e1,1,x,,c,3,d") == {
        "Id": "e1",
        "Attributes": {"B": ["x"], "A": ["1", "3"]},
        "User": {"UserAttributes": {"C": ["c", "d"]}},
    }


@pytest.mark.parametrize("value", ['"a,b"', "a;b", "a|b", "[a]", "true", "007", " x "])
def test_a_value_is_one_text_as_it_stands(value: str) -> None:
    assert item("Id,Attributes.A", f"e1,{value}")["Attributes"] == {"A": [value.strip('"')]}


def test_an_empty_cell_is_not_mentioned() -> None:
    header = "Id,Address,Attributes.A,Metrics.M,Demographic.Make,Location.City,Location.Latitude,User.UserId,OptOut"

    assert item(header, "e1,,,,,,,,") == {"Id": "e1"}


def test_missing_cells_at_the_end_are_empty() -> None:
    assert item("Id,Address,ChannelType", "e1,ann@example.com") == {"Id": "e1", "Address": "ann@example.com"}


def test_a_cell_too_many_fails_the_row() -> None:
    with pytest.raises(RowError, match="Too many columns"):
        item("Id,Address", "e1,ann@example.com,")


@pytest.mark.parametrize("cell", ["many", "1_000", "nan", "inf", "1e999", " 1", "1,5", "0x1", "\u0661", "."])
def test_a_number_must_be_written_as_one(cell: str) -> None:
    with pytest.raises(RowError, match=r"Invalid Metrics\.M: not a number"):
        item("Id,Metrics.M", f'e1,"{cell}"')
    with pytest.raises(RowError, match=r"Invalid Location\.Latitude: not a number"):
        item("Id,Location.Latitude", f'e1,"{cell}"')


def test_blanks_around_a_header_name_do_not_count() -> None:
    assert item(" Id , Attributes.A ", "e1,x") == {"Id": "e1", "Attributes": {"A": ["x"]}}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Id,Foo", "Invalid header: Foo"),
        ("Id,id", "Invalid header: id"),
        ("Id,", "Invalid header: "),
        ("Id,Attributes.", "Invalid header: Attributes."),
        ("Id,Metrics", "Invalid header: Metrics"),
        ("Id,Demographic.Color", "Invalid header: Demographic.Color"),
        ("Id,Location.Street", "Invalid header: Location.Street"),
        ("Id,User.Name", "Invalid header: User.Name"),
        ("Id,User.UserAttributes.", "Invalid header: User.UserAttributes."),
        ("Id,Address,Id", "Invalid header: Id"),
        ("Id,Metrics.M,Metrics.M", "Invalid header: Metrics.M"),
        ("Id,EndpointStatus,EndpointStatus", "Invalid header: EndpointStatus"),
        ("Id,Attributes.a\tb", "Invalid header: Attributes.a\tb"),
        ("Id,Attributes.a\0b", "Invalid header: NUL character"),
        ("Id," + "x" * 500_000, "Invalid header: " + "x" * 100),
        ("Id\tAddress", "Invalid header: Id\tAddress"),
        ('Id,"Attributes.A', "Invalid header: Quote left open"),
        ("Address", "Missing ChannelType or Address"),
        ("ChannelType,Attributes.A", "Missing ChannelType or Address"),
    ],
)
def test_a_header_no_row_can_be_read_by_is_refused(header: str, message: str) -> None:
    with pytest.raises(HeaderError) as caught:
        read_header(header)

    assert str(caught.value) == message


@pytest.mark.parametrize("header", ["Id", "Address,ChannelType", "User.UserId", "User.UserId,Attributes.A"])
def test_a_header_that_identifies_its_rows_is_enough(header: str) -> None:
    assert read_header(header).count == header.count(",") + 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"Attributes.A": "x" * 101}, "Attribute value exceeds 100 characters: A"),
        ({"User.UserAttributes.A": "😀" * 101}, "Attribute value exceeds 100 characters: A"),
        ({"Attributes." + "a" * 51: "x"}, "Attribute name exceeds 50 characters: " + "a" * 51),
        ({"User.UserAttributes." + "a" * 51: "x"}, "Attribute name exceeds 50 characters: " + "a" * 51),
        ({"Metrics." + "a" * 51: "1"}, "Attribute name exceeds 50 characters: " + "a" * 51),
        ({"Location.Latitude": "90.1"}, "Invalid Latitude: 90.1"),
        ({"Location.Longitude": "-180.1"}, "Invalid Longitude: -180.1"),
        # The first fault is told: in the order of an endpoint's members, coordinates in that of their columns.
        ({"Location.Longitude": "181", "Location.Latitude": "91"}, "Invalid Longitude: 181.0"),
        ({"User.UserAttributes.U": "x" * 101, "Location.Latitude": "91"}, "Invalid Latitude: 91.0"),
        ({"Location.Latitude": "91", "Attributes.A": "x" * 101}, "Attribute value exceeds 100 characters: A"),
    ],
)
def test_a_row_beyond_a_limit_is_left_to_be_checked(columns: dict[str, str], message: str) -> None:
    found = read_header(",".join(["Id", *columns]))
    cells = ["e1", *columns.values()]

    unchecked = found.unchecked(cells, found.item(cells))

    with pytest.raises(BadRequestException) as caught:
        check(unchecked)
    assert caught.value.message == message


def test_more_columns_of_a_name_than_it_may_have_values_are_left_to_be_checked() -> None:
    found = read_header("Id" + ",Attributes.A" * 51)
    cells = ["e1", *["x"] * 51]

    with pytest.raises(BadRequestException, match="Attribute has more than 50 values: A"):
        check(found.unchecked(cells, found.item(cells)))


def test_a_row_within_the_limits_needs_no_check() -> None:
    found = read_header(f"Id,Address,Attributes.{'a' * 50},Metrics.M,Location.Latitude,Location.Longitude")
    cells = ["e1", "x" * 500, "😀" * 100, "1", "-90", "180"]

    assert found.unchecked(cells, found.item(cells)) == {}
