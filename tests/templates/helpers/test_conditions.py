"""Helpers that ask (templates.md section 7.2)."""

import pytest

from tests.templates.rendered import failure, render


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{{eq Location.City "Los Angeles" yes="home" no="away"}}', "home"),
        ("{{eq Location.City \"Seattle\" yes='home' no='away'}}", "away"),
        ('{{eq Location.City "Seattle"}}', "false"),
        ('{{eq Location.City "Los Angeles" no="away"}}', "true"),
        ("{{eq Id Id yes=Location.City}}", "Los Angeles"),
        ('{{upper (eq Id Id yes="home")}}', "HOME"),
        ('{{#neq Location.City "red"}}You do not like red.{{else}}You like red.{{/neq}}', "You do not like red."),
        ("{{#neq Id Id}}You do not like red.{{else}}You like red.{{/neq}}", "You like red."),
        ('{{#gt User.UserAttributes.Age.[0] "17"}}adult{{else}}minor{{/gt}}', "adult"),
        ('{{gt "17" "17"}}{{gte "17" "17"}}{{lt "17" "17"}}{{lte "17" "17"}}', "falsetruefalsetrue"),
        ("{{gt 2 1}}{{gte 2 1}}{{lt 2 1}}{{lte 2 1}}", "truetruefalsefalse"),
        ('{{#and (eq Location.City "Los Angeles") (eq Location.Country "US")}}LA{{else}}no{{/and}}', "LA"),
        ('{{#and (eq Location.City "Los Angeles") (eq Location.Country "CA")}}LA{{else}}no{{/and}}', "no"),
        ('{{#and "a" "b" "c"}}every{{/and}}', "every"),
        ('{{#or (eq Location.City "Los Angeles") (eq Location.City "Seattle")}}West{{else}}other{{/or}}', "West"),
        ('{{#or (eq Location.City "Boston") (eq Location.City "Seattle")}}West{{else}}other{{/or}}', "other"),
        ('{{not (eq Attributes.favorite_colors.[0] "blue")}}', "false"),
        ("{{not Nothing}}", "true"),
        ('{{#not ""}}empty{{/not}}', "empty"),
        ("{{^eq 1 1}}a{{else}}b{{/eq}}", "b"),
    ],
)
def test_conditions_hold_or_not(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # Two texts are compared by their characters, as AWS's own examples are.
        ('{{gt "9" "17"}}', "true"),
        ('{{gt "5" "17"}}', "true"),
        ("{{gt '9' 17}}", "false"),
        ("{{gt Metrics.stars '4.5'}}", "true"),
        ("{{gt (add '1' '1') '10'}}", "false"),
        ("{{eq Metrics.stars '5.00'}}", "true"),
        ("{{eq Metrics.stars 'five'}}", "false"),
        ("{{eq 0 ''}}", "false"),
        ("{{eq 0 false}}", "false"),
        ("{{eq 1 true}}", "false"),
        ("{{eq true true}}", "true"),
        ("{{eq 'true' true}}", "false"),
        ("{{eq Nothing null}}", "true"),
        ("{{eq Nothing ''}}", "false"),
        ("{{eq User.UserAttributes.FirstName 'Sofia'}}", "true"),
        ("{{gt User.UserAttributes.Age 21}}", "true"),
        ("{{gt Nothing 1}}{{lte Nothing 1}}{{lt 1 Nothing}}", "falsefalsefalse"),
    ],
)
def test_comparisons_go_by_what_is_compared(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{gt 'five' 4}}", "gt: five and 4 can't be compared"),
        ("{{lte Metrics.stars Attributes.favorite_colors}}", "lte: 5 and blue, red, green can't be compared"),
        ("{{lt true 4}}", "lt: true and 4 can't be compared"),
        ("{{gte '' 4}}", "gte:  and 4 can't be compared"),
    ],
)
def test_what_has_no_order_fails(source: str, reason: str) -> None:
    assert failure(source) == reason
