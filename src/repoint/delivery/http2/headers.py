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


class Packer:
    """Packs the headers of one connection's requests."""

    def __init__(self) -> None:
        self._most_bytes = _TABLE_BYTES
        self._bytes = 0
        self._entries: deque[tuple[bytes, bytes]] = deque()
        # By entry: the how-manieth it was.
        self._numbers: dict[tuple[bytes, bytes], int] = {}
        self._count = 0
        # The smallest size of the table since the last block; None when it is the same.
        self._least: int | None = None
        # By the identity of headers: themselves, at which count, packed.
        self._known: dict[int, tuple[Headers, int, bytes]] = {}

    def limit(self, table_bytes: int) -> None:
        """The peer keeps a table of that size."""
        most = min(table_bytes, _TABLE_BYTES)
        if most != self._most_bytes:
            self._least = most if self._least is None else min(most, self._least)
            self._most_bytes = most
            self._make_room(0)

    def pack_common(self, headers: Headers) -> bytes:
        """Headers that will come again, in the same tuple."""
        found = self._known.get(id(headers))
        if found is not None and found[0] is headers and found[1] == self._count and self._least is None:
            return found[2]
        packed = self._announced() + b"".join([self._pack(pair) for pair in headers])
        # What went into the table now is a reference the next time.
        if all(pair in _STATIC or pair in self._numbers for pair in headers):
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[id(headers)] = (headers, self._count, b"".join([self._pack(pair) for pair in headers]))
        return packed

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
            return pack_once(pair)
        self._make_room(size)
        self._entries.append(pair)
        self._numbers[pair] = self._count
        self._count += 1
        self._bytes += size
        return _literal(0x40, 6, pair)

    def _make_room(self, size: int) -> None:
        while self._entries and self._bytes + size > self._most_bytes:
            name, value = self._entries.popleft()
            del self._numbers[name, value]
            self._bytes -= len(name) + len(value) + _ENTRY_BYTES


def pack_once(pair: tuple[bytes, bytes]) -> bytes:
    """A header that does not go into the table."""
    return _literal(0x00, 4, pair)


class Unpacker:
    """Unpacks the headers of one connection's answers."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._known: dict[bytes, Headers] = {}

    def without_table(self) -> None:
        """The peer has agreed to keep no table."""
        self._decoder.max_allowed_table_size = 0

    def unpack(self, block: bytes) -> Headers:
        """Headers of a whole block; raises hpack.HPACKError."""
        is_stateless = self._decoder.header_table_size == 0
        if is_stateless and (known := self._known.get(block)) is not None:
            return known
        headers: Headers = tuple((bytes(name), bytes(value)) for name, value in self._decoder.decode(block, raw=True))
        if is_stateless:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[block] = headers
        return headers


def _literal(mark: int, bits: int, pair: tuple[bytes, bytes]) -> bytes:
    name, value = pair
    number = _NAMES.get(name, 0)
    text = _integer(mark, bits, number) + (b"" if number else _integer(0, 7, len(name)) + name)
    return text + _integer(0, 7, len(value)) + value


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
