"""protocol.md section 4, row by row, and the endpoint messages of endpoints.md, Errors."""

import subprocess
import sys
from typing import Any

import pytest

from repoint.contract.decode import Decoded, decode, decode_document
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.model import OPERATIONS

LABELS = {
    "application-id": "a1",
    "endpoint-id": "e1",
    "template-name": "t1",
    "journey-id": "j1",
    "segment-id": "s1",
    "resource-arn": "arn",
    "kpi-name": "k",
    "attribute-type": "t",
}


def read(operation: str, body: bytes = b"", query: tuple[tuple[str, str], ...] = (), **labels: str) -> Decoded:
    chosen = LABELS | {name.replace("_", "-"): value for name, value in labels.items()}
    return decode(operation, {label: chosen[label] for label in OPERATIONS[operation].labels}, query, body)


def endpoint(body: str) -> Any:
    """The EndpointRequest that a body is read as, which must be without fault."""
    decoded = read("UpdateEndpoint", body.encode())
    assert decoded.held is None
    return decoded.arguments["EndpointRequest"]


def fault(operation: str, body: str = "", query: tuple[tuple[str, str], ...] = (), **labels: str) -> str:
    decoded = read(operation, body.encode(), query, **labels)
    assert isinstance(decoded.held, BadRequestException | NotFoundException)
    return decoded.held.message


def test_arguments_are_the_members_of_the_input_shape() -> None:
    decoded = read("UpdateEndpoint", b'{"Address":"x","Metrics":{"v":1}}')

    request = {"Address": "x", "Metrics": {"v": 1.0}}
    assert decoded == Decoded({"ApplicationId": "a1", "EndpointId": "e1", "EndpointRequest": request}, None)


# Member names, unknown members, null


def test_member_names_are_case_sensitive() -> None:
    assert endpoint('{"address":"x","ADDRESS":"y"}') == {}


def test_unknown_members_are_ignored_at_any_depth() -> None:
    assert endpoint('{"Id":"x","User":{"UserId":"u","Age":[{"x":1}]},"Foo":{"Address":"y"}}') == {
        "User": {"UserId": "u"}
    }


def test_unknown_members_are_ignored_where_the_body_needs_leniency_too() -> None:
    assert endpoint('{"Id":"x","User":{"UserId":7,"Age":[{"x":1}]}}') == {"User": {"UserId": "7"}}


def test_null_is_absent_in_members_map_values_and_list_entries() -> None:
    body = '{"Address":null,"Location":{"City":null},"Attributes":{"a":null,"b":["x",null,"y"],"c":[null]},"User":null}'

    assert endpoint(body) == {"Location": {}, "Attributes": {"b": ["x", "y"], "c": []}}


def test_null_for_a_required_member_is_missing() -> None:
    assert fault("CreateApp", '{"Name":null}') == "Missing Name"


# Empty values


def test_an_empty_optional_string_is_a_value() -> None:
    assert endpoint('{"Address":"","User":{"UserId":""}}') == {"Address": "", "User": {"UserId": ""}}


def test_an_empty_required_string_is_missing() -> None:
    assert fault("CreateApp", '{"Name":""}') == "Missing Name"
    assert fault("CreateImportJob", '{"Format":"","S3Url":"s3://b/k","RoleArn":"r"}') == "Missing Format"


def test_empty_objects_and_lists_are_values() -> None:
    assert endpoint('{"Attributes":{},"User":{}}') == {"Attributes": {}, "User": {}}
    assert endpoint('{"Attributes":{"k":[]}}') == {"Attributes": {"k": []}}


# Wrong JSON type


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("12065550142", "12065550142"),
        ("1.10", "1.10"),
        ("1e3", "1e3"),
        ("-0.5", "-0.5"),
        ("true", "true"),
        ("false", "false"),
    ],
)
def test_a_number_or_boolean_for_a_string_is_converted_as_it_was_written(value: str, text: str) -> None:
    assert endpoint(f'{{"Address":{value}}}') == {"Address": text}


@pytest.mark.parametrize("value", ["{}", "[]", '["x"]'])
def test_an_object_or_list_for_a_string_is_refused(value: str) -> None:
    assert fault("UpdateEndpoint", f'{{"Address":{value}}}') == "Invalid Address"


@pytest.mark.parametrize(("value", "number"), [('"47.61"', 47.61), ('"-1e2"', -100.0), ('"5"', 5.0), ("3", 3.0)])
def test_a_numeric_string_for_a_double_is_converted(value: str, number: float) -> None:
    assert endpoint(f'{{"Location":{{"Latitude":{value}}}}}') == {"Location": {"Latitude": number}}


def test_a_numeric_string_for_an_integer_is_converted() -> None:
    decoded = read("UpdateApplicationSettings", b'{"Limits":{"Daily":"7","Total":2.0}}')

    assert decoded.held is None
    assert decoded.arguments["WriteApplicationSettingsRequest"] == {"Limits": {"Daily": 7, "Total": 2}}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('"abc"', ": abc"),
        ('""', ": "),
        ('" 5"', ":  5"),
        ('"1_0"', ": 1_0"),
        ("true", ": true"),
        ("[5]", ""),
        ("{}", ""),
    ],
)
def test_what_is_no_number_is_refused_for_a_number(value: str, shown: str) -> None:
    assert fault("UpdateEndpoint", f'{{"Location":{{"Latitude":{value}}}}}') == f"Invalid Latitude{shown}"


def test_true_and_false_as_text_are_booleans() -> None:
    decoded = read("UpdateSmsChannel", b'{"Enabled":"true"}')

    assert decoded.held is None
    assert decoded.arguments["SMSChannelRequest"] == {"Enabled": True}


@pytest.mark.parametrize(("value", "shown"), [('"TRUE"', ": TRUE"), ("1", ": 1"), ('""', ": "), ("[true]", "")])
def test_nothing_else_is_a_boolean(value: str, shown: str) -> None:
    assert fault("UpdateSmsChannel", f'{{"Enabled":{value}}}') == f"Invalid Enabled{shown}"


@pytest.mark.parametrize("value", ['"x"', "1", "[]"])
def test_an_object_is_needed_where_there_is_one(value: str) -> None:
    assert fault("UpdateEndpoint", f'{{"Demographic":{value}}}') == "Invalid Demographic"
    assert fault("UpdateEndpoint", f'{{"Attributes":{value}}}') == "Invalid Attributes"


# Single value for a list


def test_a_single_value_for_a_list_is_refused() -> None:
    assert fault("UpdateEndpointsBatch", '{"Item":{"Id":"x"}}') == "Invalid Item"
    assert fault("RemoveAttributes", '{"Blacklist":"x"}') == "Invalid Blacklist"
    message = '{"MessageConfiguration":{"DefaultMessage":{"Substitutions":{"name":"x"}}}}'
    assert fault("SendMessages", message) == "Invalid Substitutions.name"


@pytest.mark.parametrize(
    ("value", "values"), [('"x"', ["x"]), ("7", ["7"]), ("1.50", ["1.50"]), ("true", ["true"]), ('""', [""])]
)
def test_a_single_attribute_value_is_a_list_of_one(value: str, values: list[str]) -> None:
    assert endpoint(f'{{"Attributes":{{"k":{value}}}}}') == {"Attributes": {"k": values}}
    assert endpoint(f'{{"User":{{"UserAttributes":{{"k":{value}}}}}}}') == {"User": {"UserAttributes": {"k": values}}}


def test_an_object_is_no_attribute_value() -> None:
    assert fault("UpdateEndpoint", '{"Attributes":{"k":{"x":1}}}') == "Invalid Attributes.k"
    assert fault("UpdateEndpoint", '{"Attributes":{"k":[["x"]]}}') == "Invalid Attributes.k"


# Enums


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ChannelType", "FAX"),
        ("ChannelType", "sms"),
        ("ChannelType", ""),
        ("OptOut", "no"),
        ("EndpointStatus", "active"),
    ],
)
def test_a_word_that_is_not_allowed_is_told(member: str, value: str) -> None:
    assert fault("UpdateEndpoint", f'{{"{member}":"{value}"}}') == f"Invalid {member}: {value}"


def test_a_long_word_is_told_in_part() -> None:
    assert fault("UpdateEndpoint", f'{{"ChannelType":"{"x" * 5000}"}}') == f"Invalid ChannelType: {'x' * 100}"


def test_words_in_lists_and_as_keys_are_checked() -> None:
    custom = '{"CustomDeliveryConfiguration":{"DeliveryUri":"f","EndpointTypes":["SMS","FAX"]}}'
    assert fault("CreateCampaign", custom) == "Invalid EndpointTypes: FAX"
    hours = '{"Name":"j","OpenHours":{"EMAIL":{"SOMEDAY":[]}}}'
    assert fault("CreateJourney", hours) == "Invalid EMAIL: SOMEDAY"


# Required members


def test_a_missing_required_member_is_named() -> None:
    assert fault("CreateApp", "{}") == "Missing Name"
    assert fault("CreateImportJob", '{"Format":"CSV","S3Url":"s3://b/k"}') == "Missing RoleArn"
    assert fault("TagResource", "{}") == "Missing tags"


def test_a_wrapped_body_lacks_its_required_members() -> None:
    assert fault("CreateApp", '{"CreateApplicationRequest":{"Name":"x"}}') == "Missing Name"


def test_the_first_fault_is_told_and_the_good_members_are_there() -> None:
    decoded = read("CreateImportJob", b'{"Format":"XML","S3Url":"s3://b/k","RegisterEndpoints":"maybe"}')

    assert decoded.held is not None
    assert decoded.held.message == "Invalid Format: XML"
    assert decoded.arguments == {"ApplicationId": "a1", "ImportJobRequest": {"S3Url": "s3://b/k"}}


def test_a_fault_in_a_batch_tells_the_item() -> None:
    assert (
        fault("UpdateEndpointsBatch", '{"Item":[{"Id":"x"},{"Id":"y","OptOut":"no"}]}') == "Item 1: Invalid OptOut: no"
    )
    assert fault("UpdateEndpointsBatch", "{}") == "Missing Item"


# Numbers


@pytest.mark.parametrize("value", ["2147483647", "-2147483648"])
def test_integers_have_32_bits(value: str) -> None:
    decoded = read("UpdateApplicationSettings", f'{{"Limits":{{"Daily":{value}}}}}'.encode())

    assert decoded.arguments["WriteApplicationSettingsRequest"] == {"Limits": {"Daily": int(value)}}


@pytest.mark.parametrize(
    "value", ["2147483648", "-2147483649", "1.5", '"1.5"', '"99999999999"', "1" + "0" * 400, "1e400"]
)
def test_integers_beyond_32_bits_and_fractions_are_refused(value: str) -> None:
    shown = value.strip('"')[:100]

    assert fault("UpdateApplicationSettings", f'{{"Limits":{{"Daily":{value}}}}}') == f"Invalid Daily: {shown}"


@pytest.mark.parametrize(
    ("value", "shown"), [("1e400", "1e400"), ('"NaN"', "NaN"), ('"Infinity"', "Infinity"), ('"1e999"', "1e999")]
)
def test_doubles_are_finite(value: str, shown: str) -> None:
    assert fault("UpdateEndpoint", f'{{"Metrics":{{"v":{value}}}}}') == f"Invalid Metrics.v: {shown}"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_words_for_numbers_are_broken_json(word: str) -> None:
    with pytest.raises(BadRequestException, match=r"numbers must be finite at line 1, column 1[78]$"):
        read("UpdateEndpoint", f'{{"Metrics":{{"v":{word}}}}}'.encode())


# Blobs and timestamps


def test_a_blob_is_base64() -> None:
    message = '{"MessageConfiguration":{"EmailMessage":{"RawEmail":{"Data":"%s"}}}}'

    decoded = read("SendMessages", (message % "aGk=").encode())

    assert decoded.held is None
    raw_email = decoded.arguments["MessageRequest"]["MessageConfiguration"]["EmailMessage"]["RawEmail"]
    assert raw_email == {"Data": b"hi"}
    assert fault("SendMessages", message % "a!Gk=") == "Invalid RawEmail"


def test_a_blob_is_base64_where_the_body_needs_leniency_too() -> None:
    message = b'{"TraceId":7,"MessageConfiguration":{"EmailMessage":{"RawEmail":{"Data":"aGk="}}}}'

    request = read("SendMessages", message).arguments["MessageRequest"]

    assert request["MessageConfiguration"]["EmailMessage"]["RawEmail"] == {"Data": b"hi"}


@pytest.mark.parametrize("value", ['"2024-05-24T23:26:33.995123+02:00"', '"2024-05-24T21:26:33.995"', "1716585993.995"])
def test_a_typed_timestamp_becomes_text_in_the_form_of_answers(value: str) -> None:
    decoded = read("CreateJourney", f'{{"Name":"j","Schedule":{{"StartTime":{value}}}}}'.encode())

    assert decoded.held is None
    assert decoded.arguments["WriteJourneyRequest"]["Schedule"] == {"StartTime": "2024-05-24T21:26:33.995Z"}


@pytest.mark.parametrize(
    ("value", "shown"), [('"tomorrow"', ": tomorrow"), ("1e30", ": 1e30"), ("true", ": true"), ("{}", "")]
)
def test_what_is_no_timestamp_is_refused(value: str, shown: str) -> None:
    assert fault("CreateJourney", f'{{"Name":"j","Schedule":{{"StartTime":{value}}}}}') == f"Invalid StartTime{shown}"


def test_untyped_dates_are_left_alone() -> None:
    assert endpoint('{"EffectiveDate":"Fri May 24 21:26:33 UTC 2024"}') == {
        "EffectiveDate": "Fri May 24 21:26:33 UTC 2024"
    }


@pytest.mark.parametrize("member", ["SegmentDimensions", "segmentDimensions"])
def test_the_irregular_member_is_read_in_either_spelling(member: str) -> None:
    condition = f'{{"Conditions":[{{"{member}":{{}}}}]}}'
    body = f'{{"Name":"j","Activities":{{"a":{{"ConditionalSplit":{{"Condition":{condition}}}}}}}}}'

    journey = read("CreateJourney", body.encode()).arguments["WriteJourneyRequest"]

    assert journey["Activities"]["a"]["ConditionalSplit"]["Condition"] == {"Conditions": [{"segmentDimensions": {}}]}


# Duplicates, blanks, unicode, depth


def test_of_duplicate_keys_the_last_wins() -> None:
    assert endpoint('{"Address":"x","Address":"y"}') == {"Address": "y"}
    assert endpoint('{"Address":["x"],"Address":"y"}') == {"Address": "y"}
    assert fault("CreateImportJob", '{"Format":"CSV","Format":"CSV","S3Url":"x","S3Url":"y"}') == "Missing RoleArn"


def test_blanks_are_kept() -> None:
    assert endpoint('{"Address":" x ","Attributes":{" k ":[" v "]}}') == {
        "Address": " x ",
        "Attributes": {" k ": [" v "]},
    }


def test_unicode_is_kept_without_normalisation() -> None:
    assert endpoint('{"Address":"e\\u0301\u00e9😀\\ud83d\\ude00"}') == {"Address": "e\u0301\u00e9😀😀"}


@pytest.mark.parametrize(
    "body",
    [
        rb'{"Address":"a\u0000"}',
        rb'{"Foo":"\u0000"}',
        rb'{"\u0000":1}',
        rb'{"Address":"\ud83d"}',
        rb'{"Address":"\ude00\ud83d"}',
        rb'{"Foo":["\ud83d\u0041"]}',
        rb'{"Address":"\\\\\u0000"}',
        b'{"Foo":"\0"}',
        b'{"Foo":"\xed\xa0\xbd"}',
    ],
)
def test_nul_and_lone_surrogates_are_refused_anywhere(body: bytes) -> None:
    with pytest.raises(BadRequestException, match=r"^Invalid character$"):
        read("UpdateEndpoint", body)


def test_what_only_looks_like_an_escape_is_text() -> None:
    assert endpoint(r'{"Address":"\\u0000\\\\ud83d"}') == {"Address": r"\u0000\\ud83d"}


@pytest.mark.parametrize("value", ["\0", "\udcff", "a\ud83d"])
def test_nul_and_broken_utf8_are_refused_in_labels_and_queries(value: str) -> None:
    with pytest.raises(BadRequestException, match=r"^Invalid character$"):
        read("GetApp", application_id=value)
    with pytest.raises(BadRequestException, match=r"^Invalid character$"):
        read("GetApps", query=(("token", value),))


@pytest.mark.parametrize(("opening", "closing"), [('{"x":', "}"), ("[", "]"), ('{"[":[', "]}")])
def test_64_levels_are_read_and_65_are_not(opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{") - opening.count('"[')
    deep = '{"Foo":' + opening * (63 // levels) + "7" + closing * (63 // levels) + "}"
    deeper = '{"Foo":[' + opening * (64 // levels) + "7" + closing * (64 // levels) + "]}"

    assert endpoint(deep) == {}
    with pytest.raises(BadRequestException, match="JSON is nested deeper than 64 levels"):
        read("UpdateEndpoint", deeper.encode())


def test_many_brackets_side_by_side_or_in_strings_are_not_deep() -> None:
    sides = ",".join(['{"a":[]}'] * 200)
    brackets = "[" * 100 + r"\"" + "{" * 100

    assert endpoint('{"Foo":[' + sides + '],"Address":"' + brackets + '"}') == {"Address": brackets.replace("\\", "")}


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b'{"a":' * 1_000_000, b'"' + b"[" * 1_000_000])
def test_depth_without_end_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestException):
        read("UpdateEndpoint", body)


# Broken JSON and missing bodies


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{I:1}", "Unexpected character ('I' (code 73)): .* at line 1, column 2"),
        (b'{"a":1}x', "Unexpected character ('x' (code 120)): .* at line 1, column 8"),
        (b'{"a":\n tru}', "Unexpected character ('t' (code 116)): .* at line 2, column 2"),
        (b'{"Address":"\xc3\xa9" "x"}', "Unexpected character ('\"' (code 34)): .* at line 1, column 16"),
        (b'{"a":"\x01"}', "Unexpected character (code 1): .* at line 1, column 7"),
        (b'{"a":1', "Unexpected end of input: .* at line 1, column 7"),
        (b"\xef\xbb\xbf{}", "Unexpected character (code 65279): .* at line 1, column 1"),
        (b'{"\xc3\xa9":\n"\xc3\xa9\xff"}', "Invalid UTF-8 byte 0xff at line 2, column 3"),
        (b"[]", "Unexpected value: expected an object at line 1, column 1"),
        (b'"x"', "Unexpected value: expected an object at line 1, column 1"),
        (b"7", "Unexpected value: expected an object at line 1, column 1"),
        (b"", "Missing request body"),
        (b" \n", "Missing request body"),
        (b"null", "Missing request body"),
    ],
)
def test_broken_json_is_told_with_its_place(body: bytes, message: str) -> None:
    pattern = message.replace("(", r"\(").replace(")", r"\)")

    with pytest.raises(BadRequestException, match=f"^{pattern}$"):
        read("UpdateEndpoint", body)


def test_a_body_is_ignored_where_the_operation_has_none() -> None:
    assert read("GetApp", b"{broken").arguments == {"ApplicationId": "a1"}
    assert read("DeleteApp", b"\0").arguments == {"ApplicationId": "a1"}


# Labels and query


def test_nothing_is_found_under_an_empty_label() -> None:
    unknown_app = read("GetCampaigns", application_id="")
    unknown_endpoint = read("GetEndpoint", endpoint_id="")

    assert isinstance(unknown_app.held, NotFoundException)
    assert unknown_app.held.message == "Application not found"
    assert isinstance(unknown_endpoint.held, NotFoundException)
    assert unknown_endpoint.held.message == "Resource not found"
    assert unknown_endpoint.arguments == {"ApplicationId": "a1", "EndpointId": ""}


def test_known_parameters_are_arguments_and_others_are_ignored() -> None:
    decoded = read("GetApps", query=(("page-size", "5"), ("token", ""), ("PageSize", "7"), ("x", "\0")))

    assert decoded == Decoded({"PageSize": "5", "Token": ""}, None)


def test_a_repeated_parameter_is_a_list_or_counts_as_sent_last() -> None:
    tags = (("tagKeys", "a"), ("tagKeys", "b"))

    assert read("UntagResource", query=tags).arguments["TagKeys"] == ["a", "b"]
    assert read("GetApps", query=(("token", "a"), ("token", "b"))).arguments["Token"] == "b"


def test_a_required_parameter_is_named_by_its_wire_name() -> None:
    assert fault("UntagResource") == "Missing tagKeys"


def test_a_boolean_parameter_is_true_or_false() -> None:
    decoded = read("UpdateSmsTemplate", b"{}", (("create-new-version", "true"),))

    assert decoded.arguments["CreateNewVersion"] is True
    assert fault("UpdateSmsTemplate", "{}", (("create-new-version", "yes"),)) == "Invalid create-new-version: yes"


def test_a_date_parameter_is_an_instant() -> None:
    decoded = read("GetApplicationDateRangeKpi", query=(("start-time", "2024-05-24"),))

    assert decoded.arguments["StartTime"] == "2024-05-24T00:00:00.000Z"
    assert fault("GetApplicationDateRangeKpi", query=(("start-time", "soon"),)) == "Invalid date."


# Documents of files


def test_a_document_of_a_file_is_read_by_the_same_rules() -> None:
    line = b'{"Id":"x","Attributes":{"a":"b"},"Metrics":{"v":"1"},"Foo":1}'

    assert decode_document("EndpointBatchItem", line) == {"Id": "x", "Attributes": {"a": ["b"]}, "Metrics": {"v": 1.0}}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"ChannelType":"FAX"}', "Invalid ChannelType: FAX"),
        (b'{"Metrics":{"Visits":"many"}}', "Invalid Metrics.Visits: many"),
        (b'{"Id" "x"}', "at line 1, column 7"),
        (b"", "Missing request body"),
    ],
)
def test_a_fault_in_a_document_is_raised(line: bytes, message: str) -> None:
    with pytest.raises(BadRequestException, match=message):
        decode_document("EndpointBatchItem", line)


# Several threads meet a shape for the first time, which crashed the process four times in ten.
_AT_ONCE = """
import sys, threading
from repoint.contract import decode
sys.setswitchinterval(1e-6)
BODY = b'{"Addresses": {"a": {"ChannelType": "SMS"}}, "MessageConfiguration": {"SMSMessage": {"Body": "x"}}}'
def read(barrier):
    barrier.wait()
    decode.strict_decoder("MessageRequest").decode(BODY)
for _ in range(20):
    decode.strict_decoder.cache_clear()
    decode._strict_type.cache_clear()
    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=read, args=(barrier,)) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_several_threads_may_read_the_first_document_of_a_shape() -> None:
    done = subprocess.run([sys.executable, "-c", _AT_ONCE], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr
