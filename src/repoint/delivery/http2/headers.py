"""Headers as HTTP/2 packs them (HPACK, RFC 7541).

Ours: what requests have in common goes into the peer's table once and is a byte from then on. Answers: the peer is
asked to keep no table, so that blocks which are the same mean the same and are unpacked once.
"""

from collections import deque

from hpack import Decoder
from hpack.table import HeaderTable

from repoint.delivery.http2.exchange import Headers

_STATIC = {pair: number for number, pair in reversed(list(enumerate(HeaderTable.STATIC_TABLE, 1)))}
_NAMES = {name: number for (name, _), number in reversed(_STATIC.items())} | {
    name: number for (name, _), number in _STATIC.items()
}
_FIRST_DYNAMIC = len(HeaderTable.STATIC_TABLE) + 1
# RFC 7541 section 4.1.
_ENTRY_BYTES = 32
_TABLE_BYTES = 4096
_MOST_KNOWN = 256


# The beginning of a header that does not go into the table, by name, and of a value that is short.
_BEGINNINGS: dict[bytes, bytes] = {}
_LENGTHS = [bytes((size,)) for size in range(0x7F)]
_STATUS_DIGITS = 3


class Packer:
    """Packs the headers of one connection's requests; `pseudo` are those that all of them begin with."""

    def __init__(self, pseudo: Headers) -> None:
        self._pseudo = pseudo
        self._most_bytes = _TABLE_BYTES
        self._bytes = 0
        self._entries: deque[tuple[bytes, bytes]] = deque()
        # By entry: the how-manieth it was.
        self._numbers: dict[tuple[bytes, bytes], int] = {}
        self._count = 0
        # The smallest size of the table since the last block; None when it is the same.
        self._least: int | None = None
        # By the identity of headers: themselves, and packed the pseudo headers and them, as long as the table stands.
        self._known: dict[int, tuple[Headers, bytes, bytes]] = {}

    def pack(self, path: bytes, common: Headers, own: Headers) -> bytes:
        """The headers of one request; `common` ones will come again, in the same tuple."""
        known = self._known.get(id(common))
        if known is not None and known[0] is common:
            _, pseudo, packed = known
        else:
            pseudo, packed = self._learn(common)
        block = pseudo + pack_once(b":path", path) + packed
        for name, value in own:
            block += pack_once(name, value)
        return block

    def limit(self, table_bytes: int) -> None:
        """The peer keeps a table of that size."""
        most = min(table_bytes, _TABLE_BYTES)
        if most != self._most_bytes:
            self._least = most if self._least is None else min(most, self._least)
            self._most_bytes = most
            self._make_room(0)
            self._known.clear()

    def _learn(self, common: Headers) -> tuple[bytes, bytes]:
        count, announced = self._count, self._announced()
        pseudo = b"".join([self._pack(pair) for pair in self._pseudo])
        packed = b"".join([self._pack(pair) for pair in common])
        if self._count != count:
            # References have moved, and what went into the table now is one the next time.
            self._known.clear()
        else:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[id(common)] = common, pseudo, packed
        return announced + pseudo, packed

    def _announced(self) -> bytes:
        """What has to be said before the next block: RFC 7541 section 4.2."""
        least, self._least = self._least, None
        if least is None:
            return b""
        sizes = [least] if least == self._most_bytes else [least, self._most_bytes]
        return b"".join([_integer(0x20, 5, size) for size in sizes])

    def _pack(self, pair: tuple[bytes, bytes]) -> bytes:
        if (number := _STATIC.get(pair)) is not None:
            return _integer(0x80, 7, number)
        if (number := self._numbers.get(pair)) is not None:
            return _integer(0x80, 7, _FIRST_DYNAMIC + self._count - 1 - number)
        size = len(pair[0]) + len(pair[1]) + _ENTRY_BYTES
        if size > self._most_bytes:
            return pack_once(*pair)
        self._make_room(size)
        self._entries.append(pair)
        self._numbers[pair] = self._count
        self._count += 1
        self._bytes += size
        return _literal(0x40, 6, pair[0]) + _integer(0, 7, len(pair[1])) + pair[1]

    def _make_room(self, size: int) -> None:
        while self._entries and self._bytes + size > self._most_bytes:
            name, value = self._entries.popleft()
            del self._numbers[name, value]
            self._bytes -= len(name) + len(value) + _ENTRY_BYTES


def pack_once(name: bytes, value: bytes) -> bytes:
    """A header that does not go into the table; `name` is one of few."""
    beginning = _BEGINNINGS.get(name)
    if beginning is None:
        beginning = _BEGINNINGS[name] = _literal(0x00, 4, name)
    size = len(value)
    return beginning + (_LENGTHS[size] if size < 0x7F else _integer(0, 7, size)) + value  # noqa: PLR2004 - seven bits


class Unpacker:
    """Unpacks the headers of one connection's answers."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._is_stateless = False
        self._known: dict[bytes, tuple[int, Headers]] = {}

    def without_table(self) -> None:
        """The peer has agreed to keep no table."""
        self._decoder.max_allowed_table_size = 0

    def unpack(self, block: bytes) -> tuple[int, Headers]:
        """The status, 0 for trailers and what is no HTTP, and headers of a whole block; raises hpack.HPACKError."""
        known = self._known.get(block)
        if known is not None:
            return known
        found = tuple((bytes(name), bytes(value)) for name, value in self._decoder.decode(block, raw=True))
        status = found[0][1] if found and found[0][0] == b":status" else b""
        read = int(status) if len(status) == _STATUS_DIGITS and status.isdigit() else 0, found
        # The peer says itself, in the first block after it has agreed, that its table is gone.
        if self._is_stateless:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[block] = read
        self._is_stateless = self._decoder.header_table_size == 0
        return read


def fits(text: str, most_bytes: int) -> bool:
    """Whether a text can be a header's value as it is; for any other one a peer may close the connection."""
    # RFC 9113 section 8.2.1: no control characters, and no blanks around it.
    return text.isprintable() and text == text.strip() and len(text.encode()) <= most_bytes


def _literal(mark: int, bits: int, name: bytes) -> bytes:
    """The beginning of a literal header, its name."""
    number = _NAMES.get(name, 0)
    return _integer(mark, bits, number) + (b"" if number else _integer(0, 7, len(name)) + name)


def _integer(mark: int, bits: int, number: int) -> bytes:
    """RFC 7541 section 5.1."""
    most = (1 << bits) - 1
    if number < most:
        return bytes((mark | number,))
    packed = bytearray((mark | most,))
    number -= most
    while number > 0x7F:  # noqa: PLR2004 - seven bits
        packed.append(0x80 | number & 0x7F)
        number >>= 7
    packed.append(number)
    return bytes(packed)
