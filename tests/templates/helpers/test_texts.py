"""Helpers on text (templates.md section 7.3), with AWS's examples."""

import pytest

from tests.templates.rendered import failure, render


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{{abbreviate "Alejandro" 6}}', "Ale..."),
        ('{{abbreviate "Alejandro" 9}}', "Alejandro"),
        ('{{abbreviate "Alejandro" 4}}', "A..."),
        ('{{abbreviate "Alejandro" 3}}', "Ale"),
        ('{{abbreviate "Alejandro" 0}}', ""),
        ("{{abbreviate Nothing 6}}", ""),
        ('{{capitalize "my first post"}}', "My First Post"),
        ('{{capitalize "my fIRST post"}}', "My FIRST Post"),
        ('{{capitalize "my fIRST post" fully=true}}', "My First Post"),
        ('{{capitalizeFirst "my first post"}}', "My first post"),
        ("[{{center Location.City size=19}}]", "[    Los Angeles    ]"),
        ("[{{center Location.City size=20}}]", "[    Los Angeles     ]"),
        ('{{center Location.City size=13 pad="*-"}}', "*Los Angeles*"),
        ("{{center Location.City size=3}}", "Los Angeles"),
        ('{{cut Location.City "e"}}', "Los Angls"),
        ("{{cut Location.City}}", "LosAngeles"),
        ('{{cut Location.City ""}}', "Los Angeles"),
        ("{{inflect 3 apple apples includeCount=true}}", "3 apples"),
        ("{{inflect 1 apple apples includeCount=true}}", "1 apple"),
        ("{{inflect 0 'apple' \"apples\"}}", "apples"),
        ("{{inflect Metrics.stars Location.City apples}}", "apples"),
        ("{{inflect '1.0' Location.City apples}}", "Los Angeles"),
        ("{{inflect Nothing apple apples}}", ""),
        ('{{join Attributes.favorite_colors ", "}}', "blue, red, green"),
        ('{{join Attributes.favorite_colors "/" prefix="(" suffix=")"}}', "(blue/red/green)"),
        ('{{join Location.City Location.Country "-"}}', "Los Angeles-US"),
        ('{{join Nothing "-" prefix="("}}', ""),
        ('{{join Attributes.empty "-" prefix="("}}', ""),
        ("[{{ljust Location.City 15}}]", "[Los Angeles    ]"),
        ("[{{ljust Location.City size=15}}]", "[Los Angeles    ]"),
        ('{{ljust Location.City 13 pad="."}}', "Los Angeles.."),
        ("{{ljust Location.City 3}}", "Los Angeles"),
        ("[{{rjust Location.City 15}}]", "[    Los Angeles]"),
        ('{{rjust Location.City size=13 pad="."}}', "..Los Angeles"),
        ('{{lower "Santos"}}', "santos"),
        ('{{upper "Roe"}}', "ROE"),
        ("{{upper User.UserAttributes.FirstName}}", "SOFIA"),
        ("{{upper User.UserAttributes.Names}}", "ANN, BEA"),
        ("{{ordinalize 22}} {{ordinalize 11}} {{ordinalize 1}} {{ordinalize 103}}", "22nd 11th 1st 103rd"),
        ("{{ordinalize '2'}} {{ordinalize 112}} {{ordinalize 13}} {{ordinalize 0}}", "2nd 112th 13th 0th"),
        ('{{replace Location.City " " "_"}}', "Los_Angeles"),
        ('{{replace Location.City "e" ""}}', "Los Angls"),
        ('{{replace "a.b.c" "." "-"}}', "a-b-c"),
        ('{{replace "abc" "" "-"}}', "abc"),
        ("{{slugify Location.City}}", "los-angeles"),
        ('{{slugify "  Héllo,  World 2_0 -!"}}', "héllo-world-2_0--"),
        ('{{stripTags "<h1>Art</h1>"}}', "Art"),
        ('{{stripTags "a < b > c <"}}', "a  c <"),
        ("{{substring Location.City 4 9}}", "Angel"),
        ("{{substring Location.City 4}}", "Angeles"),
        ("{{substring Location.City 4 99}}", "Angeles"),
        ("{{substring Location.City 99}}", ""),
        ("{{substring Location.City 9 4}}", ""),
        ("{{yesno true}} {{yesno false}} {{yesno Nothing}}", "yes no maybe"),
        ('{{yesno "TRUE"}} {{yesno "False"}} {{yesno "on"}} {{yesno ""}} {{yesno 1}}', "yes no maybe maybe maybe"),
        ('{{yesno true yes="on"}} {{yesno false no="off"}} {{yesno Nothing maybe="?"}}', "on off ?"),
        ("{{yesno (eq 1 1)}}", "yes"),
    ],
)
def test_helpers_on_text(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    "call",
    [
        "abbreviate Nothing 6",
        "capitalize Nothing",
        "capitalizeFirst Nothing",
        "center Nothing size=5",
        "cut Attributes.blank",
        "dateFormat Nothing",
        "join Attributes.blank '-'",
        "ljust Nothing 5",
        "lower Nothing",
        "ordinalize ''",
        "replace Nothing 'a' 'b'",
        "rjust Nothing 5",
        "slugify Attributes.empty",
        "stripTags Nothing",
        "substring Nothing 2",
        "upper Nothing",
    ],
)
def test_of_nothing_helpers_make_nothing(call: str) -> None:
    assert render(f"[{{{{{call}}}}}]") == "[]"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{abbreviate Id 'six'}}", "abbreviate: six is not a number"),
        ("{{abbreviate Id -1}}", "abbreviate: width must be a whole number from 0, not -1"),
        ("{{abbreviate Id 1.5}}", "abbreviate: width must be a whole number from 0, not 1.5"),
        ("{{abbreviate Id Nothing}}", "abbreviate: nothing is not a number"),
        ("{{center Id size=-2}}", "center: size must be a whole number from 0, not -2"),
        ("{{center Id size=99999999999}}", "center: size must be a whole number from 0, not 99999999999"),
        ("{{ljust Id}}", "ljust: the width is missing"),
        ("{{rjust Id -1}}", "rjust: width must be a whole number from 0, not -1"),
        ("{{substring Id -1}}", "substring: start must be a whole number from 0, not -1"),
        ("{{ordinalize 1.5}}", "ordinalize: 1.5 is no whole number"),
        ("{{ordinalize 'x'}}", "ordinalize: x is not a number"),
        ("{{inflect 'many' apple apples}}", "inflect: many is not a number"),
    ],
)
def test_what_is_no_number_fails(source: str, reason: str) -> None:
    assert failure(source) == reason


def test_strip_tags_takes_no_longer_for_what_is_never_closed() -> None:
    assert render("{{stripTags x}}", {"x": "<" * 1_000_000}) == "<" * 1_000_000
