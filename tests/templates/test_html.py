"""Links of HTML that are replaced, and the image that tells of an opening (channels.md, Open and click tracking)."""

import re
from typing import Any

import pytest
from hypothesis import example, given

from repoint.templates.errors import RenderError, TemplateError
from repoint.templates.escape import Escape
from repoint.templates.mime import EmailPart, EmailParts
from tests.templates.mails import FROM, content, html_of, read, send
from tests.templates.rendered import ENDPOINT, PATIENT, SOURCES, render


def tracked(source: str, data: dict[str, Any] | None = None) -> tuple[str, list[tuple[str, str | None]]]:
    """The HTML with each link numbered, and what was asked of the tracker."""
    asked: list[tuple[str, str | None]] = []

    def track(url: str, tag: str | None) -> str:
        asked.append((url, tag))
        return f"https://t.example/{len(asked)}?x&y"

    return html_of(source, data, track=track), asked


@pytest.mark.parametrize(
    ("source", "arrives", "asked"),
    [
        ('<a href="https://a.example/">x</a>', '<a href="@1">x</a>', [("https://a.example/", None)]),
        ("<A class=b HREF='HTTP://a.example/?b=1&amp;c=2' >", "<A class=b HREF='@1' >",
         [("HTTP://a.example/?b=1&c=2", None)]),
        ("<a href=https://a.example/b>", "<a href=@1>", [("https://a.example/b", None)]),
        ('<a\nhref = " https://a.example "\n>', '<a\nhref = "@1"\n>', [("https://a.example", None)]),
        ('<area href="https://a.example">', '<area href="@1">', [("https://a.example", None)]),
        ('<a href="https://a.example" ses:tags="unsubscribeLinkTag:y;">', '<a href="@1">',
         [("https://a.example", "unsubscribeLinkTag:y;")]),
        ('<a ses:no-track href="https://a.example">', '<a href="https://a.example">', []),
        ('<a href="https://a.example" ses:no-track=""/>', '<a href="https://a.example"/>', []),
        ('<a href="mailto:a@b.example">', '<a href="mailto:a@b.example">', []),
        ('<a href="tel:1">', '<a href="tel:1">', []),
        ('<a href="#top">', '<a href="#top">', []),
        ('<a href="/relative">', '<a href="/relative">', []),
        ('<a name="https://a.example">', '<a name="https://a.example">', []),
        ('<abbr href="https://a.example">', '<abbr href="https://a.example">', []),
        ('<link href="https://a.example">', '<link href="https://a.example">', []),
        ('<img src="https://a.example">', '<img src="https://a.example">', []),
        ("https://a.example <a>", "https://a.example <a>", []),
        ('<a href="https://a.example', '<a href="https://a.example', []),
        ('<a title="a > b" href="https://a.example">', '<a title="a > b" href="@1">',
         [("https://a.example", None)]),
        ('<a href="https://a.example/{{x}}?y={{x}}">', '<a href="@1">',
         [('https://a.example/1&"2?y=1&"2', None)]),
        ('<a href="{{u}}">', '<a href="@1">', [("https://u.example/?a&b", None)]),
        ("<a href={{u}}>", "<a href=@1>", [("https://u.example/?a&b", None)]),
        ('<a href="https://a.example/\n{{n}}">', '<a href="@1">', [("https://a.example/bSet-Cookie: c", None)]),
        ('<a href="{{m}}">', '<a href="mailto:u">', []),
        ('<a {{#if x}}class="y"{{/if}} href="https://a.example">', '<a class="y" href="@1">',
         [("https://a.example", None)]),
        ('<a href="{{#if x}}https://a.example{{else}}https://b.example{{/if}}">', '<a href="@1">',
         [("https://a.example", None)]),
        ('<a href="{{lookup o "k"}}">', '<a href="@1">', [("https://o.example", None)]),
        ('{{#each l}}<a href="https://{{this}}.example">{{/each}}',
         '<a href="@1"><a href="@2">',
         [("https://a.example", None), ("https://b.example", None)]),
        ('{{#if x}}<a href="https://a.example{{else}}<a href="{{/if}}">', '<a href="https://a.example">', []),
        ('<a href="https://a.example/\\{{x}}">', '<a href="@1">', [("https://a.example/{{x}}", None)]),
        ('<a href="https://a.example/{{!-- " --}}b">', '<a href="@1">', [("https://a.example/b", None)]),
    ],
)  # fmt: skip
def test_links_that_lead_out_are_replaced(source: str, arrives: str, asked: list[tuple[str, str | None]]) -> None:
    data = {
        "x": '1&"2', "u": "https://u.example/?a&b", "m": "mailto:u", "n": "b\r\nSet-Cookie: c",
        "o": {"k": "https://o.example"},
        "l": ["a", "b"],
    }  # fmt: skip

    found, urls = tracked(source, data)

    # Written short above: where the first and the second link lead.
    assert found == re.sub(r"@(\d)", r"https://t.example/\1?x&amp;y", arrives)
    assert urls == asked


def test_without_tracking_only_notes_to_us_are_taken_away() -> None:
    source = (
        '<a href="https://a.example/?b&amp;{{x}}" ses:tags="t:1;">a</a> <a ses:no-track href="https://b.example">b</a>'
    )

    found = html_of(source, {"x": "<1>"})

    assert found == '<a href="https://a.example/?b&amp;&lt;1&gt;">a</a> <a href="https://b.example">b</a>'


@pytest.mark.parametrize(
    ("source", "arrives"),
    [
        ("<p>x</p>", "<p>x</p>%"),
        ("<body>x</BODY ></html>", "<body>x%</BODY ></html>"),
        ("<!-- </body> --><body>x</body>", "<!-- </body> --><body>x%</body>"),
        ("{{#if x}}<p>y</body>{{/if}}z", "<p>y</body>z%"),
        ("{{x}}", "1%"),
    ],
)
def test_the_image_of_an_opening_ends_the_body(source: str, arrives: str) -> None:
    image = '<img src="https://t.example/?o&amp;1" width="1" height="1" border="0" alt="">'

    assert html_of(source, {"x": "1"}, pixel="https://t.example/?o&1") == arrives.replace("%", image)
    assert html_of(source, {"x": "1"}) == arrives.replace("%", "")


@PATIENT
@given(source=SOURCES)
@example(source="{{#if Id}}" * 63 + '<a href="https://x{{Id}}">' + "{{/if}}" * 63)
@example(source='<a href="{{#* inline "n"}}https://x{{/inline}}{{> n}}">{{> n}}')
def test_in_a_mail_a_template_says_what_it_says_elsewhere(source: str) -> None:
    source += "|"
    try:
        text = render(source, escape=Escape.HTML)
    except (TemplateError, RenderError) as error:
        # Of several mistakes another one may be told.
        with pytest.raises(type(error)):
            html_of(source, ENDPOINT)
    else:
        assert html_of(source, ENDPOINT) == text
        assert html_of(source, ENDPOINT, track=lambda url, _tag: url).endswith("|")


def test_only_html_is_tracked() -> None:
    parts = EmailParts(FROM, text=EmailPart('<a href="https://a.example">'))

    message = read(send(parts, track=lambda url, _tag: f"{url}/t", pixel="https://t.example"))

    assert content(message, "plain") == '<a href="https://a.example">'


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["<a ", "<a x", '<a href="', "<a b='", "<a/ ", "</body", "<a href=https://x"])
def test_odd_html_is_read_quickly(piece: str) -> None:
    assert html_of(piece * 20_000) == piece * 20_000
