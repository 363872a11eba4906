"""E-mails: what arrives equals what was meant, whatever is put into it."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repoint.templates.errors import TemplateError
from repoint.templates.mime import EmailPart, EmailParts, compile_email, raw_email
from tests.templates.mails import FROM, content, read, reason_of, send
from tests.templates.rendered import PATIENT

# Everything that text of a request can have: no surrogates, no NUL.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=400)
LINES = st.lists(TEXT | st.text("=. \tab-\r\n", max_size=100) | st.text("日本語é ", max_size=300)).map("\n".join)


def lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text)


def test_a_mail_is_whole() -> None:
    parts = EmailParts(
        "Shop <shop@example.com>",
        "Hi {{User.UserAttributes.FirstName}}",
        EmailPart("<p>Hi {{User.UserAttributes.FirstName}}</p>"),
        EmailPart("Hi {{User.UserAttributes.FirstName}}\n"),
        (("X-Order", "{{Attributes.Order}}"),),
        ("help@example.com", "Owner <owner@example.com>"),
    )
    data = {"User": {"UserAttributes": {"FirstName": ["Ann"]}}, "Attributes": {"Order": ["A-17"]}}

    message = send(parts, data, extra_headers=[("List-Unsubscribe", "<https://example.com/u/1>")])

    boundary = re.findall(rb'boundary="(.*)"', message)[0].decode()
    assert message.decode("ascii").split("\r\n") == [
        "From: Shop <shop@example.com>",
        "To: ann@example.com",
        "Subject: Hi Ann",
        "Date: Sun, 22 Nov 2026 03:04:05 +0000",
        "Message-ID: <m-1@example.com>",
        "Reply-To: help@example.com,",
        " Owner <owner@example.com>",
        "X-Order: A-17",
        "List-Unsubscribe: <https://example.com/u/1>",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Hi =",
        "Ann=",
        "",
        "",
        f"--{boundary}",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "<p>Hi =",
        "Ann=",
        "</p>",
        f"--{boundary}--",
        "",
    ]


@PATIENT
@given(fixed=LINES, value=LINES)
@example(fixed="x ", value=" \t")
@example(fixed="a=", value="=\r\n.\r\n")
@example(fixed="", value="\r\n.\r\nMAIL FROM:<x@example.com>\r\n")
@example(fixed="x" * 75, value="y" * 76)
def test_text_arrives_as_it_was_meant(fixed: str, value: str) -> None:
    source = fixed.replace("{", "(").replace("\\", "/")
    parts = EmailParts(FROM, text=EmailPart(source + "{{x}}" + source + "{{#if x}}{{{x}}}{{/if}}|"))

    message = send(parts, {"x": value})

    assert content(read(message), "plain") == lines(source) + lines(value) + lines(source) + lines(value) + "|"
    assert max(map(len, message.split(b"\r\n"))) <= 998
    assert b"\r\n.\r\n" not in message


@pytest.mark.parametrize(
    "value", [".", "\n.", "\n.\n", "\r\n.\r\nMAIL FROM:<>\r\n", " ", "\t", "a \n\t", "=", "\x1a\x7f"]
)
@pytest.mark.parametrize("source", ["{{x}}", "a\n{{x}}", "{{x}}\n"])
def test_no_value_ends_a_mail_or_loses_its_end(source: str, value: str) -> None:
    message = send(EmailParts(FROM, text=EmailPart(source)), {"x": value})

    # A mail of one part ends with a line end of its own.
    text = lines(source.replace("{{x}}", value)) + "\n"
    assert b"\r\n.\r\n" not in message
    assert read(message).get_payload(decode=True) == text.replace("\n", "\r\n").encode()


@PATIENT
@given(
    value=LINES, charset=st.sampled_from(["UTF-8", "iso-8859-1", "windows-1252", "ISO-2022-JP", "us-ascii", "gb18030"])
)
def test_html_arrives_in_any_charset(value: str, charset: str) -> None:
    parts = EmailParts(FROM, html=EmailPart("<p>{{{x}}}</p>é", charset))

    message = read(send(parts, {"x": value}))

    assert content(message, "html") == f"<p>{lines(value)}</p>é"


@PATIENT
@given(subject=TEXT, value=TEXT, header=st.text("ab ,;<>=?é\r\n\t", max_size=300))
@example(subject="", value="=?utf-8?q?no?=", header="\r\nBcc: x@example.com")
@example(subject=" ", value="a  b", header="x" * 850)
@example(subject="a " * 200, value="b" * 2000, header="a " * 100)
def test_headers_arrive_as_they_were_meant_and_make_no_others(subject: str, value: str, header: str) -> None:
    source = subject.replace("{", "(").replace("\\", "/")
    parts = EmailParts(FROM, source + "{{x}}", headers=(("X-Note", "{{h}}"),))

    message = read(send(parts, {"x": value, "h": header}))

    assert message["Subject"] == one_line(source + value)
    assert message["X-Note"] == one_line(header)
    assert message.keys() == [
        "From", "To", "Subject", "Date", "Message-ID", "X-Note", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    ]  # fmt: skip


def test_lines_with_encoded_words_are_short() -> None:
    message = send(EmailParts(FROM, "é" * 500))

    assert max(map(len, message.split(b"\r\n"))) <= 76


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [
        (EmailParts(FROM, "s"), ["text/plain"]),
        (EmailParts(FROM, "s", EmailPart(""), EmailPart("")), ["text/plain"]),
        (EmailParts(FROM, "s", text=EmailPart("x")), ["text/plain"]),
        (EmailParts(FROM, "s", EmailPart("x")), ["text/html"]),
        (EmailParts(FROM, "s", EmailPart("x"), EmailPart("y")), ["multipart/alternative", "text/plain", "text/html"]),
    ],
)
def test_a_part_that_is_empty_is_left_out(parts: EmailParts, kinds: list[str]) -> None:
    assert [part.get_content_type() for part in read(send(parts)).walk()] == kinds


@pytest.mark.parametrize(
    ("source", "encoding"),
    [
        ("plain", "quoted-printable"),
        ("Überall ein wenig Umlaut", "quoted-printable"),
        ("日本語のテキスト {{x}}", "base64"),
        ("Привет, {{x}}", "base64"),
    ],
)
def test_the_shorter_encoding_is_taken(source: str, encoding: str) -> None:
    message = read(send(EmailParts(FROM, text=EmailPart(source)), {"x": "Ann"}))

    assert message["Content-Transfer-Encoding"] == encoding
    assert content(message, "plain") == source.replace("{{x}}", "Ann")


@pytest.mark.parametrize(
    ("charset", "value", "sent_in"),
    [
        ("", "é", "utf-8"),
        ("UTF8", "é", "utf-8"),
        ("ISO-8859-1", "é", "iso-8859-1"),
        ("ISO-8859-1", "€", "utf-8"),
        ("windows-1252", "€", "windows-1252"),
        ("us-ascii", "e", "us-ascii"),
        ("us-ascii", "é", "utf-8"),
        ("Shift_JIS", "日本", "shift_jis"),
        ("ISO-2022-JP", "日本", "iso-2022-jp"),
        ("UTF-16", "é", "utf-8"),
        ("utf-7", "é+", "utf-8"),
    ],
)
def test_a_charset_is_kept_where_it_has_all_characters(charset: str, value: str, sent_in: str) -> None:
    message = read(send(EmailParts(FROM, text=EmailPart("a {{x}} b", charset)), {"x": value}))

    assert (message.get_content_charset(), content(message, "plain")) == (sent_in, f"a {value} b")


@pytest.mark.parametrize("charset", ["klingon", "rot13", "hex", "idna", "unicode_escape", "zip", "x" * 1000])
def test_what_is_no_charset_of_mail_is_refused(charset: str) -> None:
    assert (
        reason_of(lambda: compile_email(EmailParts(FROM, text=EmailPart("x", charset))))
        == f"Invalid Charset: {charset[:40]}"
    )


def test_parts_of_one_mail_may_have_different_charsets() -> None:
    parts = EmailParts(FROM, html=EmailPart("é", "iso-8859-1"), text=EmailPart("é"))

    message = read(send(parts))

    assert [content(message, kind) for kind in ("plain", "html")] == ["é", "é"]


def test_values_are_escaped_in_html_only() -> None:
    parts = EmailParts(FROM, "{{x}}", EmailPart("{{x}}"), EmailPart("{{x}}"), (("X-Y", "{{x}}"),))

    message = read(send(parts, {"x": "<b>&"}))

    assert content(message, "html") == "&lt;b&gt;&amp;"
    assert [content(message, "plain"), message["Subject"], message["X-Y"]] == ["<b>&"] * 3


# -- headers


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("From", "Header From can't be set"),
        ("TO", "Header TO can't be set"),
        ("subject", "Header subject can't be set"),
        ("Content-Type", "Header Content-Type can't be set"),
        ("content-x", "Header content-x can't be set"),
        ("Bcc", "Header Bcc can't be set"),
        ("Message-ID", "Header Message-ID can't be set"),
        ("X Y", "Invalid header name: X Y"),
        ("X:", "Invalid header name: X:"),
        ("X\r\nBcc", "Invalid header name: X\r\nBcc"),
        ("Ü", "Invalid header name: Ü"),
        ("", "Invalid header name: "),
        ("x" * 127, f"Invalid header name: {'x' * 126}"),
    ],
)
def test_headers_that_are_not_the_callers_are_refused(name: str, reason: str) -> None:
    assert reason_of(lambda: compile_email(EmailParts(FROM, headers=((name, "x"),)))) == reason


def test_replies_go_to_one_list_of_addresses() -> None:
    headers = (("Reply-To", "a@example.com"),)

    assert read(send(EmailParts(FROM, headers=headers)))["Reply-To"] == "a@example.com"
    both = EmailParts(FROM, headers=headers, reply_to=("b@example.com",))
    assert reason_of(lambda: compile_email(both)) == "Header Reply-To can't be set"


def test_headers_have_limits() -> None:
    longest = (("x" * 126, "y" * 870),) * 15

    message = read(send(EmailParts(FROM, headers=longest)))

    assert message.get_all("x" * 126) == ["y" * 870] * 15
    assert (
        reason_of(lambda: compile_email(EmailParts(FROM, headers=(*longest, ("X", "y")))))
        == "Headers exceeds the maximum of 15 items"
    )
    assert (
        reason_of(lambda: compile_email(EmailParts(FROM, headers=(("X", "y" * 871),))))
        == "Header X exceeds the maximum of 870 characters"
    )
    assert (
        reason_of(lambda: send(EmailParts(FROM, headers=(("X", "{{x}}"),)), {"x": "y" * 871}))
        == "Header X exceeds the maximum of 870 characters"
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (EmailParts(FROM, "{{"), "Invalid template syntax in Subject: unclosed {{ (line 1, column 1)"),
        (EmailParts(FROM, html=EmailPart("{{a")),
         "Invalid template syntax in HtmlPart: unclosed {{ (line 1, column 1)"),
        (EmailParts(FROM, text=EmailPart("\n {{/if}}")),
         "Invalid template syntax in TextPart: {{/if}} closes nothing (line 2, column 2)"),
        (EmailParts(FROM, headers=(("X", "{{shout a}}"),)),
         "Invalid template syntax in Headers: unknown helper shout (line 1, column 3)"),
    ],
)  # fmt: skip
def test_the_part_with_a_mistake_is_named(parts: EmailParts, message: str) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_email(parts)

    assert str(raised.value) == message


# -- addresses


@pytest.mark.parametrize(
    ("given", "name", "address"),
    [
        ("a@b.example", "", "a@b.example"),
        ("Shop <a@b.example>", "Shop", "a@b.example"),
        ('"Shop, Inc." <a@b.example>', "Shop, Inc.", "a@b.example"),
        ("Shop, Inc. <a@b.example>", "Shop, Inc.", "a@b.example"),
        ('A "B" \\ C <a@b.example>', 'A "B" \\ C', "a@b.example"),
        ("Jürgen Groß <a@b.example>", "Jürgen Groß", "a@b.example"),
        ("=?utf-8?q?J=C3=BCrgen?= <a@b.example>", "Jürgen", "a@b.example"),
        ("日本" * 40 + " <a@b.example>", "日本" * 40, "a@b.example"),
        ("Shop\r\nBcc: x@y.example <a@b.example>", "Shop Bcc: x@y.example", "a@b.example"),
        ("a@bücher.example", "", "a@xn--bcher-kva.example"),
    ],
)
def test_senders_arrive_with_their_names(given: str, name: str, address: str) -> None:
    # The newer parser of Python 3.11 puts blanks between encoded words of a name.
    message = message_from_bytes(send(EmailParts(given, reply_to=(given,))))

    for header in ("From", "Reply-To"):
        shown, found = parseaddr(message[header])
        assert (str(make_header(decode_header(shown))), found) == (name, address)


@pytest.mark.parametrize(
    ("to", "sent"),
    [
        ("ann@example.com", "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
        ("a..b.@example.com", '"a..b."@example.com'),
        ('"a b"@example.com', '"a b"@example.com'),
        ("o'neil+x/y@example.com", "o'neil+x/y@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@[192.0.2.1]", "ann@[192.0.2.1]"),
        ("jürgen@example.com", "jürgen@example.com"),
    ],
)
def test_addresses_are_sent_as_they_are(to: str, sent: str) -> None:
    message = send(EmailParts(FROM), to=to)

    assert f"\r\nTo: {sent}\r\n".encode() in message
    assert parseaddr(sent) == ("", sent)


@pytest.mark.parametrize(
    "to",
    ["", "ann", "ann@", "@example.com", "ann@example.com\r\nBcc: x@example.com", "a b@example.com", "a@b@example.com",
     "a,b@example.com", "ann@exam ple.com", "ann@example.com, bob@example.com", "<ann@example.com>", "ann@-example.com",
     'a"b@example.com', '"a"b"@example.com', "ann@example..com", "ann@[x y]", "ann@example.com\u2028x",
     "an\u202en@example.com", "ann@example\u00ad.com",
     '"a\u2028b"@example.com', '"a\r\n"@example.com',
     "ann@" + "x" * 320 + ".com", "ann(x)@example.com", "ann@" + "ü" * 70 + ".com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(to: str) -> None:
    assert reason_of(lambda: send(EmailParts(FROM), to=to)) == "Invalid e-mail address"


def test_a_message_id_with_a_domain_stays_as_it_is() -> None:
    assert read(send(EmailParts(FROM), message_id="m@other.example"))["Message-ID"] == "<m@other.example>"


# -- what else


def test_a_missing_value_fails_the_mail() -> None:
    assert (
        reason_of(lambda: send(EmailParts(FROM, html=EmailPart("<a href='https://{{x}}'>"))))
        == "Missing value for message variable: x"
    )


def test_a_mail_tells_which_variables_it_uses() -> None:
    parts = EmailParts(FROM, "{{a}}", EmailPart("<a href='{{b.c.[0]}}'>"), EmailPart("{{d}}"), (("X", "{{e}}"),))

    compiled = compile_email(parts)

    assert compiled.variables == {"a", "b.c", "d", "e"}
    assert not compiled.uses_recommendations
    assert compile_email(EmailParts(FROM, html=EmailPart("{{Recommendations.Title}}"))).uses_recommendations


def test_equal_mails_are_compiled_once() -> None:
    assert compile_email(EmailParts(FROM, "once")) is compile_email(EmailParts(FROM, "once"))


def test_a_mail_is_bounded() -> None:
    assert (
        reason_of(lambda: send(EmailParts(FROM, text=EmailPart("{{x}}")), {"x": "y" * 5_000_000}))
        == "Rendered text exceeds 4194304 characters"
    )


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (b"From: a\r\n\r\nx\r\n", b"From: a\r\n\r\nx\r\n"),
        (b"From: a\n\nx\ry\n", b"From: a\r\n\r\nx\r\ny\r\n"),
        (b"\r\r\n\n", b"\r\n\r\n\r\n"),
        (b"\n.\n\xff", b"\r\n.\r\n\xff"),
    ],
)
def test_a_raw_mail_gets_the_line_ends_of_mail(data: bytes, sent: bytes) -> None:
    assert raw_email(data) == sent


def test_a_raw_mail_is_bounded() -> None:
    assert len(raw_email(b"x" * 10_485_760)) == 10_485_760
    assert reason_of(lambda: raw_email(b"x" * 10_485_761)) == "The message exceeds the maximum of 10485760 bytes"
