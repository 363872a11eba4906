"""Text of a policy: wildcards and variables (auth.md section 4), and what it means for one principal.

`*` stands for any characters, slashes and none included, `?` for one; both are ordinary in what they are compared with.
`${aws:username}` and its like are replaced by what is known of the principal; `${*}`, `${?}` and `${$}` write the signs
themselves.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

# What may stand in a variable. All of it is known when a key is read, so nothing is left to replace at a call.
_NAMES = frozenset({"aws:username", "aws:userid", "aws:principalarn"})
PRINCIPAL_TAG = "aws:principaltag/"
# Nobody comes from an identity pool, so this one has no value; a policy that was written for both may name it.
_NAMES_WITHOUT_VALUE = frozenset({"cognito-identity.amazonaws.com:sub"})

_PART = re.compile(r"\$\{(?P<variable>[^}]*)\}|(?P<wildcard>[*?])|(?P<open>\$\{)|(?P<literal>(?:[^*?$]|\$(?!\{))+)")
_VARIABLE = re.compile(r"(?P<name>[^,\s]+)(?:\s*,\s*'(?P<default>[^']*)')?")

# By the variable's name in lower case.
Values = Mapping[str, str]
Fold = Callable[[str], str]
Matcher = Callable[[str], bool]

# `arn:partition:service:region:account:` and what it is there.
ARN_PARTS = 6


class Wildcard(Enum):
    """A sign that stands for others."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, its name in lower case, and what stands for it when it has no value."""

    name: str
    default: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a policy, taken apart: what is written stands for itself, the rest for something else."""

    written: str
    parts: tuple[str | Wildcard | Variable, ...]


def read_text(written: str) -> Text:
    """Take a text apart; raises ValueError, with a text for the user, for a variable that there is not."""
    parts: list[str | Wildcard | Variable] = []
    for match in _PART.finditer(written):
        if match["open"]:
            raise ValueError(f"the variable in {written} is not closed")
        if match["wildcard"]:
            parts.append(Wildcard(match["wildcard"]))
        elif match["literal"]:
            parts.append(match["literal"])
        else:
            parts.append(match["variable"] if match["variable"] in {"*", "?", "$"} else _variable(match["variable"]))
    return Text(written, tuple(parts))


def fill(text: Text, values: Values) -> str | None:
    """The text with its variables replaced and its wildcards as signs; None when a variable has no value."""
    filled = ""
    for part in text.parts:
        value = part.value if isinstance(part, Wildcard) else _literal(part, values)
        if value is None:
            return None
        filled += value
    return filled


def matcher(text: Text, values: Values, fold: Fold = str) -> Matcher | None:
    """Whether the text matches the whole of a string; None when a variable has no value, so that it matches nothing.

    What stands for itself goes through `fold`, as the string must have. Takes linear time however many stars there are:
    what was found for a piece between two of them is not looked for again.
    """
    pieces = _pieces(text, values, fold)
    if pieces is None:
        return None
    if Wildcard.ONE in text.parts:
        return _by_expression(pieces)
    return _by_search(["".join(part for part in piece if isinstance(part, str)) for piece in pieces])


def split_arn(text: Text) -> list[Text]:
    """The texts between the first five colons of an ARN; a colon that a variable stands for is none of these."""
    pieces: list[list[str | Wildcard | Variable]] = [[]]
    for part in text.parts:
        if not isinstance(part, str):
            pieces[-1].append(part)
            continue
        first, *others = part.split(":", ARN_PARTS - len(pieces))
        pieces[-1].append(first)
        pieces += [[other] for other in others]
    return [Text(text.written, tuple(part for part in piece if part != "")) for piece in pieces]


def any_matcher(texts: Iterable[Text], values: Values, fold: Fold = str) -> Matcher:
    """Whether one of the texts matches the whole of a string, which is folded already.

    Most texts are plain or end in their only star; these cost little, however many they are.
    """
    exact, starts, others = set(), [], []
    for text in texts:
        found = matcher(text, values, fold)
        stars = [part for part in text.parts if isinstance(part, Wildcard)]
        if found is None:
            continue
        if not stars:
            exact.add(fold(fill(text, values) or ""))
        elif stars == [Wildcard.ANY] and text.parts[-1] is Wildcard.ANY:
            starts.append(fold((fill(text, values) or "")[:-1]))
        else:
            others.append(found)
    prefixes = tuple(starts)
    if not others:
        return lambda string: string.startswith(prefixes) or string in exact

    def matches(string: str) -> bool:
        if string.startswith(prefixes) or string in exact:
            return True
        for match in others:  # noqa: SIM110 - a loop, as this is run at every call
            if match(string):
                return True
        return False

    return matches


def _pieces(text: Text, values: Values, fold: Fold) -> list[list[str | Wildcard]] | None:
    """What stands between the stars; None when a variable has no value."""
    pieces: list[list[str | Wildcard]] = [[]]
    for part in text.parts:
        if part is Wildcard.ANY:
            pieces.append([])
        elif isinstance(part, Wildcard):
            pieces[-1].append(part)
        else:
            literal = _literal(part, values)
            if literal is None:
                return None
            pieces[-1].append(fold(literal))
    return pieces


def _by_search(pieces: list[str]) -> Matcher:
    if len(pieces) == 1:
        only = pieces[0]
        return lambda string: string == only
    first, *between, last = pieces

    def matches(string: str) -> bool:
        if not string.startswith(first):
            return False
        at = len(first)
        for piece in between:
            at = string.find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        return string.endswith(last) and at + len(last) <= len(string)

    return matches


def _by_expression(pieces: list[list[str | Wildcard]]) -> Matcher:
    written = ["".join(re.escape(part) if isinstance(part, str) else "." for part in piece) for piece in pieces]
    if len(written) == 1:
        expression = written[0]
    else:
        first, *between, last = written
        expression = first + "".join(f"(?>.*?{piece})" for piece in between if piece) + ".*" + last
    match = re.compile(expression, re.DOTALL).fullmatch
    return lambda string: match(string) is not None


def _variable(inside: str) -> Variable:
    match = _VARIABLE.fullmatch(inside.strip())
    name = match["name"].lower() if match else ""
    if match is None or not (name in _NAMES | _NAMES_WITHOUT_VALUE or name.startswith(PRINCIPAL_TAG)):
        raise ValueError(
            f"${{{inside}}} is no variable; there are ${{aws:username}}, ${{aws:userid}}, ${{aws:PrincipalArn}} and "
            "${aws:PrincipalTag/…}"
        )
    return Variable(name, match["default"])


def _literal(part: str | Variable, values: Values) -> str | None:
    return values.get(part.name, part.default) if isinstance(part, Variable) else part
