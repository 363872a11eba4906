"""Which operation a request asks for: the method and the raw path, before percent-decoding.

Endpoint ids and ARNs contain slashes and colons, which clients send as `%2F` and `%3A`; so the raw path is split first
and each label decoded afterwards, once (protocol.md section 1, endpoints.md section 1).
"""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from repoint.contract.errors import MethodNotAllowedException, NotFoundException
from repoint.contract.model import OPERATIONS

Route = tuple[str, str, str]
# Older browser libraries put events here, signed in the query.
_LEGACY: Route = ("PutEvents", "POST", "/v1/apps/{application-id}/events/legacy")
# As in Amazon's sample of the operation (channels.md section 9).
_WITH_SLASH: Route = ("PhoneNumberValidate", "POST", "/v1/phone/number/validate/")
CONTRACT_ROUTES: tuple[Route, ...] = (
    *((model.name, model.method, model.path) for model in OPERATIONS.values()),
    _LEGACY,
    _WITH_SLASH,
)

# Takes the rest of the path, as some clients and proxies send ARNs with their slashes bare (auth.md section 8).
_GREEDY = "resource-arn"


class Match(NamedTuple):
    """The operation asked for, and the path's labels by their names in the template, percent-decoded.

    A label may be empty; what was no UTF-8 stands in it as lone surrogates. Both are for `decode` to refuse.
    """

    name: str
    labels: dict[str, str]


class _Node:
    """What may follow a beginning of a path, and what the path means when it ends here."""

    __slots__ = ("children", "label", "methods", "rest", "targets")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.label: _Node | None = None
        self.rest: _Node | None = None
        # Method → the operation and the names of its labels, in the order of the path.
        self.targets: dict[str, tuple[str, tuple[str, ...]]] = {}
        # The methods of this path, with OPTIONS.
        self.methods: tuple[str, ...] = ()


class Router:
    """Finds operations by method and path. Built once from (name, method, path template)."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for name, method, path in routes:
            self._add(name, method, path)

    def match(self, method: str, raw_path: str) -> Match:
        """The operation behind a request; `raw_path` as it came, without query, bytes beyond ASCII as Latin-1.

        Raises NotFoundException for a path that no operation has, MethodNotAllowedException for a method it has not.
        """
        node, values = self._find(raw_path)
        if node is None:
            raise NotFoundException
        target = node.targets.get(method)
        if target is None:
            raise MethodNotAllowedException(node.methods)
        name, labels = target
        return Match(name, dict(zip(labels, map(_percent_decoded, values), strict=True)))

    def methods(self, raw_path: str) -> tuple[str, ...]:
        """What may be done with a path, OPTIONS included, sorted; empty for a path that no operation has."""
        node, _ = self._find(raw_path)
        return node.methods if node else ()

    def _add(self, name: str, method: str, path: str) -> None:
        node, labels = self._root, []
        for segment in path.split("/"):
            if not segment.startswith("{"):
                node = node.children.setdefault(segment, _Node())
                continue
            label = segment[1:-1]
            labels.append(label)
            if label == _GREEDY:
                node.rest = node = node.rest or _Node()
            else:
                node.label = node = node.label or _Node()
        node.targets[method] = (name, tuple(labels))
        node.methods = tuple(sorted({*node.targets, "OPTIONS"}))

    def _find(self, raw_path: str) -> tuple[_Node | None, list[str]]:
        values: list[str] = []
        return _walk(self._root, raw_path.split("/"), 0, values), values


def _walk(node: _Node, segments: list[str], at: int, values: list[str]) -> _Node | None:
    """The node where the path ends, or None; the raw labels on the way there are left in `values`.

    Words go before labels, and are taken back when they lead nowhere: `/v1/templates/x/email` is a path, but
    `/v1/templates/x/email/versions` is one too, with `email` as a label.
    """
    if at == len(segments):
        return node if node.targets else None
    child = node.children.get(segments[at])
    if child is not None:
        found = _walk(child, segments, at + 1, values)
        if found is not None:
            return found
    if node.label is not None:
        values.append(segments[at])
        found = _walk(node.label, segments, at + 1, values)
        if found is not None:
            return found
        values.pop()
    if node.rest is not None:
        values.append("/".join(segments[at:]))
        return node.rest
    return None


def _percent_decoded(raw: str) -> str:
    if "%" not in raw and raw.isascii():
        return raw
    return unquote_to_bytes(raw.encode("latin-1")).decode("utf-8", "surrogateescape")
