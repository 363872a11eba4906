import pytest

from repoint.functions.name import Named, read_name
from repoint.settings import Settings

SETTINGS = Settings(account_id="111122223333", regions=("eu-north-1", "us-east-1"))
OURS = "arn:aws:lambda:eu-north-1:111122223333:function"
THEIRS = "arn:aws:lambda:us-east-1:999988887777:function"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("greet", Named("greet", "greet", "", "eu-north-1", f"{OURS}:greet")),
        ("greet:live", Named("greet:live", "greet", ":live", "eu-north-1", f"{OURS}:greet:live")),
        ("greet:$LATEST", Named("greet:$LATEST", "greet", ":$LATEST", "eu-north-1", f"{OURS}:greet:$LATEST")),
        (
            "111122223333:function:greet:7",
            Named("111122223333:function:greet:7", "greet", ":7", "eu-north-1", f"{OURS}:greet:7"),
        ),
        (f"{THEIRS}:greet", Named(f"{THEIRS}:greet", "greet", "", "us-east-1", f"{THEIRS}:greet")),
        (f"{THEIRS}:greet:7", Named(f"{THEIRS}:greet:7", "greet", ":7", "us-east-1", f"{THEIRS}:greet:7")),
    ],
)
def test_a_name_says_which_function_is_meant(text: str, named: Named) -> None:
    assert read_name(text, SETTINGS) == named


@pytest.mark.parametrize(
    "text",
    [
        "",
        "greet:",
        "greet me",
        "greet\n",
        "a:b:c",
        "x" * 65,
        "arn:aws:lambda:eu-north-1:1:function:greet",
        f"{THEIRS}:",
        "arn:aws:lambda:eu-north-1:111122223333:layer:greet",
        "https://example.com/greet",
    ],
)
def test_other_texts_name_none(text: str) -> None:
    assert read_name(text, SETTINGS) is None
