"""What becomes of each line of a file (jobs.md sections 6 to 8)."""

from typing import Any

import msgspec
import pytest

from repoint.jobs.formats import Format, Row, derive_id, parse_block


def rows(file_format: Format, text: str | bytes, header: str = "", first_line_no: int = 1) -> list[Row]:
    return list(parse_block(file_format, header, first_line_no, text.encode() if isinstance(text, str) else text))


def json_row(**item: Any) -> Row:
    (row,) = rows("JSON", msgspec.json.encode(item))
    return row


def failure(line: str) -> str | None:
    (row,) = rows("JSON", line)
    return row.failure


def test_lines_are_numbered_and_blank_ones_are_skipped() -> None:
    found = rows("CSV", "a\n\n  \r\nb\r\nc", "Id", first_line_no=2)

    assert [(row.line_no, row.patch and row.patch.endpoint_id) for row in found] == [(2, "a"), (5, "b"), (6, "c")]


def test_a_quote_left_open_fails_its_line_only() -> None:
    found = rows("CSV", 'a,"x\nb,y\nc,"z"\n', "Id,Attributes.A", first_line_no=2)

    assert [row.failure for row in found] == ["Quote left open", None, None]


def test_a_tab_or_nul_fails_its_line_only() -> None:
    found = rows("CSV", "a,x\ty\nb,y\nc,\0\n", "Id,Attributes.A", first_line_no=2)

    assert [row.failure for row in found] == ["Tabs are not supported", None, "Invalid character"]


@pytest.mark.parametrize("channel", ["FAX", "email", "Email"])
def test_an_unknown_channel_fails_the_row_without_telling_it(channel: str) -> None:
    (row,) = rows("CSV", f"e1,{channel},x\n", "Id,ChannelType,Address")

    assert row.failure == "Invalid ChannelType"
    assert json_row(Id="e1", ChannelType=channel, Address="x").failure == "Invalid ChannelType"


@pytest.mark.parametrize("opt_out", ["some", "none", "X"])
def test_an_unknown_opt_out_fails_the_row_without_telling_it(opt_out: str) -> None:
    (row,) = rows("CSV", f"e1,{opt_out}\n", "Id,OptOut")

    assert row.failure == "Invalid OptOut"
    assert json_row(Id="e1", OptOut=opt_out).failure == "Invalid OptOut"


def test_a_file_of_user_ids_splits_its_cells_at_spaces() -> None:
    found = rows("CSV", "u1\nu2 u3  u4 \n\n,\nu5,u6\n", "User.UserId", first_line_no=2)

    assert [(row.line_no, row.user_ids, row.definitions, row.failure) for row in found] == [
        (2, ("u1",), 1, None),
        (3, ("u2", "u3", "u4"), 3, None),
        (5, (), 1, "Too many columns"),
        (6, (), 1, "Too many columns"),
    ]


def test_a_space_is_part_of_a_user_id_beside_other_columns_and_in_json() -> None:
    (of_csv,) = rows("CSV", "u1 u2,\n", "User.UserId,Id")

    assert of_csv.user_ids == ("u1 u2",)
    assert json_row(User={"UserId": "u1 u2"}).user_ids == ("u1 u2",)


def test_an_address_and_channel_without_id_get_a_derived_id() -> None:
    (of_csv,) = rows("CSV", "SMS, +12065550100 \n", "ChannelType,Address")
    of_json = json_row(ChannelType="SMS", Address="+12065550100")

    assert of_csv.patch is not None
    assert of_json.patch is not None
    assert of_csv.patch.endpoint_id == of_json.patch.endpoint_id == "k82tly4q0rk85xgm7gghf/mfhcg"


def test_a_derived_id_is_the_lower_cased_unpadded_base64_of_the_digest() -> None:
    assert derive_id("EMAIL", "ann@example.com") == "wdpiaz/ezp229jqp66abfupftkg"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({}, "Missing Address"),
        ({"Address": "x"}, "Missing ChannelType"),
        ({"Address": " ", "ChannelType": "SMS"}, "Missing Address"),
        ({"ChannelType": "SMS"}, "Missing Address"),
        ({"User": {"UserId": "u1"}, "Attributes": {"A": ["x"]}}, "Missing Address"),
        ({"User": {"UserId": "u1", "UserAttributes": {"A": ["x"]}}}, "Missing Address"),
        ({"User": {"UserId": ""}}, "Missing Address"),
        ({"User": {}}, "Missing Address"),
        ({"Attributes": {"A": ["x"]}}, "Missing Address"),
    ],
)
def test_a_row_that_is_neither_endpoint_nor_user_fails(item: dict[str, Any], message: str) -> None:
    assert json_row(**item).failure == message


def test_a_row_of_an_id_alone_is_bare() -> None:
    (of_csv,) = rows("CSV", "e1,,\n", "Id,Attributes.A,EndpointStatus")
    of_json = json_row(Id="e1", EndpointStatus="INACTIVE", CohortId="7", Unknown=1, Attributes=None)

    assert of_csv.patch is not None
    assert of_csv.patch.is_bare
    assert of_json.patch is not None
    assert of_json.patch.is_bare


def test_what_the_server_alone_sets_is_ignored() -> None:
    row = json_row(
        Id="e1",
        Address="x",
        EndpointStatus={"not": "even text"},
        EffectiveDate=[1],
        ApplicationId=5,
        CohortId={},
        CreationDate="x",
        User={"UserId": "u1", "UserStatus": "x"},
    )

    assert row.failure is None
    assert row.patch is not None
    assert (row.patch.endpoint_status, row.patch.effective_at, row.patch.user_id) == (None, None, "u1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"Id":', "Unexpected end of input: expecting value at column 7"),
        ('{"Id" "e1"}', "Unexpected character ('\"' (code 34)): expecting ':' delimiter at column 7"),
        ("[", "Unexpected end of input: expecting value at column 2"),
        ('[{"Id":"e1"}]', "Unexpected value: expected an object at column 1"),
        ('"e1"', "Unexpected value: expected an object at column 1"),
        ("null", "Unexpected value: expected an object at column 1"),
        ('{"Id":"e1","Address":"a\\u0000b"}', "Invalid character"),
        ('{"Id":"e1","Metrics":{"Visits":"many"}}', "Invalid Metrics.Visits"),
        ('{"Id":"e1","Metrics":{"Visits":1e999}}', "Invalid Metrics.Visits"),
        ('{"Id":"e1","Location":{"Latitude":90.1}}', "Invalid Latitude"),
        ('{"Id":"e1","Attributes":["x"]}', "Invalid Attributes"),
        ('{"Id":"a{b}","Address":"x"}', "Invalid EndpointId"),
        ('{"Id":"e1","Attributes":{"A":["%s"]}}' % ("x" * 101), "Attribute value exceeds 100 characters: A"),
        ('{"Id":"e1","Attributes":{"A":%s}}' % (["x"] * 51), "Attribute has more than 50 values: A"),
        ('{"Id":"e1","Metrics":{"%s":1}}' % ("m" * 51), f"Attribute name exceeds 50 characters: {'m' * 51}"),
    ],
)
def test_a_bad_json_row_is_reported_without_its_values(line: str, message: str) -> None:
    assert failure(line.replace("'", '"')) == message


def test_a_report_is_not_long_whatever_a_row_holds() -> None:
    name = failure('{"Id":"e1","Attributes":{"%s":["x"]}}' % ("a" * 500_000))
    value = failure('{"Id":"e1","Metrics":{"%s":"x: y: z"}}' % ("m" * 500_000))

    assert name == "Attribute name exceeds 50 characters: " + "a" * 162
    assert value is not None
    assert value.startswith("Invalid Metrics.mmm")
    assert len(value) <= 200
    assert "y" not in value


def test_a_pretty_printed_object_fails_line_by_line() -> None:
    found = rows("JSON", '{\n  "Id": "e1"\n}\n')

    assert [row.line_no for row in found if row.failure] == [1, 2, 3]


def test_a_line_over_the_limit_fails_unread() -> None:
    found = rows("JSON", b"x" * 1_000_001 + b'\n{"Id":"e1"}')

    assert [row.failure for row in found] == ["Line exceeds the maximum of 1,000,000 bytes", None]
    (row,) = rows("CSV", b'"' + b"\xc3\xa9" * 500_000, "Id")
    assert row.failure == "Line exceeds the maximum of 1,000,000 bytes"


def test_a_line_of_deep_brackets_fails_and_nothing_else() -> None:
    found = rows("JSON", "[" * 500_000 + '\n{"Id":"e1"}')

    assert found[0].failure is not None
    assert found[1].failure is None
