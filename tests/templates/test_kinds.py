"""What a template of each kind may hold (templates.md section 2)."""

from typing import Any

import pytest

from repoint.contract.errors import BadRequestException
from repoint.discover import discover
from repoint.templates.kinds import check_content, kind_of

discover()

CONTENT: dict[str, Any] = {
    "BackgroundColor": "#ffffff",
    "BodyConfig": {"Alignment": "LEFT", "Body": "b", "TextColor": "#000000"},
    "HeaderConfig": {"Alignment": "LEFT", "Header": "h", "TextColor": "#000000"},
}
EMAIL_SUM = {
    "Subject": "x" * 1000,
    "HtmlPart": "x" * 400_000,
    "TextPart": "x" * 198_990,
    "Headers": [{"Name": "X", "Value": "y" * 9}],
}
TOO_LONG = "exceeds the maximum of"


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("email", EMAIL_SUM, None),
        ("email", {**EMAIL_SUM, "Subject": "x" * 1001}, f"EmailTemplateRequest {TOO_LONG} 600000 characters"),
        ("email", {"Headers": [{"Name": "X", "Value": "y"}] * 15}, None),
        ("email", {"Headers": [{"Name": "X", "Value": "y"}] * 16}, f"Headers {TOO_LONG} 15 items"),
        ("email", {"Headers": [{"Name": "x" * 127}]}, f"Headers.Name {TOO_LONG} 126 characters"),
        ("email", {"Headers": [{"Value": "x" * 871}]}, f"Headers.Value {TOO_LONG} 870 characters"),
        ("email", {"Headers": [{"Name": "X", "Value": "{{shout a}}"}]},
         "Invalid template syntax in Headers: unknown helper shout (line 1, column 3)"),
        ("email", {"HtmlPart": "<p>\n{{#if x}}"},
         "Invalid template syntax in HtmlPart: {{#if}} is never closed (line 2, column 1)"),
        ("email", {"Subject": "{{upper}}"},
         "Invalid template syntax in Subject: upper takes 1 arguments, not 0 (line 1, column 3)"),
        ("email", {"TextPart": "{{a"}, "Invalid template syntax in TextPart: unclosed {{ (line 1, column 1)"),
        ("email", {"TemplateDescription": "é" * 500}, None),
        ("email", {"TemplateDescription": "é" * 501}, f"TemplateDescription {TOO_LONG} 500 characters"),
        ("email", {"DefaultSubstitutions": '{"a": "b", "c": 1.50, "d": true, "e": ["f", 2]}'}, None),
        ("email", {"DefaultSubstitutions": "[]"}, "Invalid DefaultSubstitutions"),
        ("email", {"DefaultSubstitutions": "{"}, "Invalid DefaultSubstitutions"),
        ("email", {"DefaultSubstitutions": '{"a": {"b": "c"}}'}, "Invalid DefaultSubstitutions"),
        ("email", {"DefaultSubstitutions": '{"a": [["b"]]}'}, "Invalid DefaultSubstitutions"),
        ("email", {"DefaultSubstitutions": '{"a": NaN}'}, "Invalid DefaultSubstitutions"),
        ("email", {"DefaultSubstitutions": "[" * 100_000}, "Invalid DefaultSubstitutions"),
        ("push", {"Default": {"Body": "x" * 3990, "Title": "x" * 10}}, None),
        ("push", {"Default": {"Body": "x" * 3990, "Title": "x" * 11}}, f"Default {TOO_LONG} 4000 characters"),
        ("push", {"ADM": {"Body": "x" * 6000}}, None),
        ("push", {"ADM": {"Body": "x" * 6001}}, f"ADM {TOO_LONG} 6000 characters"),
        ("push", {"APNS": {"RawContent": "x" * 4001}}, f"APNS {TOO_LONG} 4000 characters"),
        ("push", {"GCM": {"Body": "x" * 4001}}, f"GCM {TOO_LONG} 4000 characters"),
        ("push", {"Baidu": {"Url": "{{#if}}"}},
         "Invalid template syntax in Baidu.Url: {{#if}} is never closed (line 1, column 1)"),
        ("sms", {"Body": "x" * 1600}, None),
        ("sms", {"Body": "x" * 1601}, f"Body {TOO_LONG} 1600 characters"),
        ("voice", {"Body": "x" * 10_000}, None),
        ("voice", {"Body": "x" * 10_001}, f"Body {TOO_LONG} 10000 characters"),
        ("inapp", {"Content": [CONTENT] * 5, "Layout": "CAROUSEL"}, None),
        ("inapp", {"Content": [CONTENT] * 6}, f"Content {TOO_LONG} 5 items"),
        ("inapp", {"Content": [CONTENT] * 2, "Layout": "OVERLAYS"}, f"Content {TOO_LONG} 1 items"),
        ("inapp", {"Content": [CONTENT] * 2}, f"Content {TOO_LONG} 1 items"),
        ("inapp", {"Content": [{**CONTENT, "ImageUrl": "https://shop.example/a.JPG?size=2.gif"}]}, None),
        ("inapp", {"Content": [{**CONTENT, "ImageUrl": "https://shop.webp/images/7"}]}, None),
        ("inapp", {"Content": [{**CONTENT, "ImageUrl": "https://shop.example/image-1.2"}]}, None),
        ("inapp", {"Content": [{**CONTENT, "ImageUrl": "https://shop.example/a.png/b.GIF#x"}]},
         "Content.ImageUrl must be a .jpg or .png image"),
        ("inapp", {"Content": [{**CONTENT, "BackgroundColor": ""}]}, "Missing Content.BackgroundColor"),
        ("inapp", {"Content": [{}]}, "Missing Content.BodyConfig"),
        ("inapp", {"Content": [{**CONTENT, "HeaderConfig": {**CONTENT["HeaderConfig"], "Header": "x" * 65}}]},
         f"Content.HeaderConfig.Header {TOO_LONG} 64 characters"),
        ("inapp", {"Content": [{**CONTENT, "BodyConfig": {**CONTENT["BodyConfig"], "Body": "x" * 151}}]},
         f"Content.BodyConfig.Body {TOO_LONG} 150 characters"),
        ("inapp", {"Content": [{**CONTENT, "PrimaryBtn": {"DefaultConfig": {"Text": "x" * 65}}}]},
         f"Content.PrimaryBtn.DefaultConfig.Text {TOO_LONG} 64 characters"),
        ("inapp", {"CustomConfig": {str(number): "x" for number in range(11)}}, f"CustomConfig {TOO_LONG} 10 items"),
        ("inapp", {"CustomConfig": {"a": "x" * 200_001}}, f"InAppTemplateRequest {TOO_LONG} 200000 characters"),
        ("inapp", {"Content": [{**CONTENT, "BodyConfig": {**CONTENT["BodyConfig"], "Body": "{{"}}]}, None),
    ],
)  # fmt: skip
def test_contents_have_limits(kind: str, content: Any, message: str | None) -> None:
    told = None
    try:
        check_content(kind_of(kind), content)
    except BadRequestException as error:
        told = error.message

    assert told == message
