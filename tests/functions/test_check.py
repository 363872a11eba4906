"""What is told at the start about functions that cannot be called."""

from pathlib import Path
from typing import Any

import pytest

from repoint.functions.check import check_functions
from repoint.settings import Settings

HANDLERS = Path(__file__).with_name("handlers.py")
APP = "arn:aws:mobiletargeting:us-east-1:111122223333:apps/a1"


def test_functions_that_are_there_are_not_objected_to() -> None:
    functions: dict[str, Any] = {
        "a": f"{HANDLERS}:echo",
        "b": {"url": "https://example.com/hook", "allow": [f"{APP}/*"]},
        "c": {"lambda": "arn:aws:lambda:us-east-1:111122223333:function:other:7", "timeout_s": 3},
        "d": {"file": f"{HANDLERS}:echo", "python": "python3", "env": {"A": "b"}, "processes": 1},
    }

    assert check_functions(Settings(functions=functions)) == []


@pytest.mark.parametrize(
    ("function", "mistake"),
    [
        ("/nowhere/hooks.py:handler", "file: there is no file /nowhere/hooks.py"),
        ({"file": f"{HANDLERS}:echo", "python": "/nowhere/python"}, "python: there is no program /nowhere/python"),
        ({"url": "ftp://example.com/"}, "url: not an https:// URL with a host"),
        ({"lambda": "other", "allow": ["apps/*"]}, "allow: apps/\\* is no ARN"),
    ],
)
def test_a_mistake_is_told(function: Any, mistake: str) -> None:
    with pytest.raises(ValueError, match=rf"functions\.greet\.{mistake}"):
        check_functions(Settings(functions={"greet": function}))


def test_every_mistake_is_told() -> None:
    functions: Any = {"a": "/nowhere/a.py:handler", "b": {"lambda": "b", "allow": ["*"]}}

    with pytest.raises(ValueError, match=r"functions\.a\.file.*\n  functions\.b\.allow"):
        check_functions(Settings(functions=functions))


def test_a_pattern_that_says_less_than_it_means_is_remarked_on() -> None:
    functions: Any = {"greet": {"lambda": "greet", "allow": [APP, f"{APP}/*"]}}

    assert check_functions(Settings(functions=functions)) == [f"functions.greet.allow: {APP} is read as {APP}/*"]


@pytest.mark.parametrize(
    ("function", "mistake"),
    [
        ("hooks.py", "must be of the form hooks.py:handler"),
        ("hooks.js:handler", "must be of the form hooks.py:handler"),
        ("my.hooks.py:handler", "must be of the form hooks.py:handler"),
        ("hooks.py:not a name", "must be of the form hooks.py:handler"),
        ({}, "exactly one of file, url and lambda must be given"),
        ({"file": "hooks.py:handler", "url": "https://example.com/"}, "exactly one of file, url and lambda"),
        ({"url": "https://example.com/", "env": {"A": "b"}}, "env is for a function with file"),
        ({"lambda": "no name"}, "String should match pattern"),
        ({"lambda": "arn:aws:lambda:us-east-1:111122223333:layer:greet"}, "String should match pattern"),
        ({"lambda": "greet", "python": "python3"}, "python is for a function with file"),
        ({"lambda": "greet", "timeout_s": 0}, "greater than 0"),
        ({"lambda": "greet", "timeout_s": 901}, "less than or equal to 900"),
        ({"file": "hooks.py:handler", "memory_mb": 64}, "greater than or equal to 128"),
        ({"file": "hooks.py:handler", "processes": 0}, "greater than or equal to 1"),
        ({"lambda": "greet", "timeout": 3}, "Extra inputs are not permitted"),
    ],
)
def test_a_setting_that_does_not_fit_is_told(function: Any, mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        Settings(functions={"greet": function})


@pytest.mark.parametrize("name", ["", "a b", "arn:aws:lambda", "x" * 65])
def test_a_name_that_lambda_would_not_take_is_told(name: str) -> None:
    with pytest.raises(ValueError, match="String should match pattern"):
        Settings.model_validate({"functions": {name: "hooks.py:handler"}})
