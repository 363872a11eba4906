"""One part of a mail: compiled so that only what differs between recipients is encoded for each.

Text is quoted-printable, and every part of it begins in the first column and ends with a line break, soft where the
text has none. So each is encoded for itself, those of the template once. Text that is mostly not ASCII would
triple; it is put together first and becomes base64.
"""

import codecs
import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Callable

from repoint.templates.compile import Compiler
from repoint.templates.errors import RenderError, SyntaxFault
from repoint.templates.escape import MAX_OUTPUT, Ink, escape_html
from repoint.templates.html import tokenise_html
from repoint.templates.join import Render
from repoint.templates.parse import parse
from repoint.templates.rendering import Rendering
from repoint.templates.tokens import tokenise

UTF_8 = "utf-8"

_SOFT_BREAK = "=\r\n"
_BASE64_LINE = 76
# How much longer quoted-printable may be than its text; where it would be more, it is base64.
_EXPANSION = 4
# From this share of characters beyond ASCII on, base64 is shorter.
_MANY = 1 / 6
# A value that stands for itself in quoted-printable, with room for the soft break.
_PLAIN = re.compile(r"[ -<>-~]{1,75}").fullmatch
# Charsets of mail that hold ASCII as it is. Others (UTF-16, UTF-7) are sent as UTF-8, which has all of theirs.
_CHARSETS = re.compile(
    r"us-ascii|utf-?8|iso-8859-\d{1,2}|latin-?1|windows-\d{3,4}|cp\d{3,4}|koi8-[rut]|gb2312|gbk|gb18030|big5|big5-hkscs|"
    r"euc-(?:jp|kr)|shift_jis|iso-2022-jp|tis-620|utf-(?:7|16|32)(?:le|be)?",
    re.IGNORECASE,
)
_WIDE = re.compile(r"utf-(?:7|16|32)", re.IGNORECASE)
_ASCII = "".join(map(chr, range(0x20, 0x7F)))


class Body:
    """The text or the HTML of a mail, compiled."""

    def __init__(self, source: str, charset: str, *, part: str, is_html: bool) -> None:
        """Raises TemplateError; RenderError for a charset that there is none."""
        self._source, self._part, self._is_html = source, part, is_html
        self._charset = _known(charset)
        if not _holds(self._charset, source):
            self._charset = UTF_8
        beyond = len(source) - sum(map(str.isascii, source)) if not source.isascii() else 0
        self._is_base64 = beyond > len(source) * _MANY
        # The same in UTF-8, made for the first recipient with a character that the charset does not have.
        self._in_utf_8: Body | None = None
        try:
            self._tree = parse(tokenise_html(source) if is_html else tokenise(source))
            compiler = self._compiler(is_tracked=False)
            self._plain = compiler.sequence(self._tree)
        except SyntaxFault as fault:
            raise fault.of(part, source) from None
        # The same with links that can be replaced, made when somebody wants that.
        self._tracked: Render | None = None
        self.variables = frozenset(compiler.variables)
        self._head = (
            f"Content-Type: text/{'html' if is_html else 'plain'}; charset={self._charset}\r\n"
            f"Content-Transfer-Encoding: {'base64' if self._is_base64 else 'quoted-printable'}\r\n\r\n"
        )

    def _compiler(self, *, is_tracked: bool) -> Compiler:
        escape = escape_html if self._is_html else None
        if self._is_base64:
            return Compiler(Ink(escape, _lines), is_tracked=is_tracked)
        ink = Ink(escape, _quoted_printable(self._charset), _EXPANSION * MAX_OUTPUT)
        return Compiler(ink, is_tracked=is_tracked)

    def render(self, rendering: Rendering) -> str:
        """The part with its header, in ASCII. Raises RenderError."""
        try:
            text = self._chosen(rendering)(rendering)
            encoded = self._base64(text) if self._is_base64 else _ended(text)
        except UnicodeEncodeError:
            if self._in_utf_8 is None:
                self._in_utf_8 = Body(self._source, UTF_8, part=self._part, is_html=self._is_html)
            rendering.context = None
            return self._in_utf_8.render(rendering)
        return self._head + encoded

    def _chosen(self, rendering: Rendering) -> Render:
        if rendering.track is None or not self._is_html:
            return self._plain
        if self._tracked is None:
            self._tracked = self._compiler(is_tracked=True).sequence(self._tree)
        return self._tracked

    def _base64(self, text: str) -> str:
        data = b2a_base64(_encoded(text.replace("\n", "\r\n"), self._charset), newline=False).decode()
        return "\r\n".join([data[at : at + _BASE64_LINE] for at in range(0, len(data), _BASE64_LINE)])


def _quoted_printable(charset: str) -> Callable[[str], str]:
    """What encodes one part."""

    def encode(text: str) -> str:
        if _PLAIN(text):
            return text + _SOFT_BREAK
        if not text:
            return ""
        encoded = b2a_qp(_encoded(_lines(text), charset), istext=True).decode().replace("\n", "\r\n")
        return encoded if encoded.endswith("\n") and not encoded.endswith(_SOFT_BREAK) else encoded + _SOFT_BREAK

    return encode


def _ended(encoded: str) -> str:
    """Parts put together, without the soft break at the end; a blank would be lost there, a dot might end the mail."""
    text = encoded.removesuffix(_SOFT_BREAK)
    last = text[-1:]
    return f"{text[:-1]}={ord(last):02X}" if last in (" ", "\t", ".") else text


def _lines(text: str) -> str:
    """Line ends as one character."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _encoded(text: str, charset: str) -> bytes:
    # Half a pair of surrogates is in no charset.
    return text.encode(charset, "replace" if charset == UTF_8 else "strict")


def _known(charset: str) -> str:
    """The charset as Python and mail call it; "" is UTF-8. Raises RenderError for what is no charset of mail."""
    name = charset.strip().lower() or UTF_8
    if not _CHARSETS.fullmatch(name) or not _is_codec(name):
        raise RenderError(f"Invalid Charset: {charset[:40]}")
    if _WIDE.match(name) or name in ("utf8", "utf-8") or _ASCII.encode(name) != _ASCII.encode():
        return UTF_8
    return name


def _is_codec(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def _holds(charset: str, text: str) -> bool:
    try:
        _encoded(text, charset)
    except UnicodeEncodeError:
        return False
    return True
