"""What is no template, and how that is told."""

import pytest

from repoint.templates.errors import TemplateError
from repoint.templates.escape import Escape
from repoint.templates.text import compile_text
from tests.templates.rendered import refusal


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("{{", "unclosed {{"),
        ("a {{b", "unclosed {{"),
        ("a {{b}", "unclosed {{"),
        ("{{}}", "empty tag or missing value"),
        ("{{~ ~}}", "empty tag or missing value"),
        ("{{#}}", "empty tag or missing value"),
        ("{{upper x=}}", "empty tag or missing value"),
        ("{{! never", "unclosed comment"),
        ("{{!-- }}", "unclosed comment"),
        ('{{upper "a}}', 'unclosed "'),
        ("{{upper 'a}}", "unclosed '"),
        ("{{upper (lower Id}}", "unclosed ("),
        ("{{upper Id)}}", "unexpected )"),
        ("{{)}}", "unexpected )"),
        ("{{upper =}}", "unexpected ="),
        ("{{upper |x|}}", "unexpected |"),
        ("{{{Id}}", "{{{ ends with }}}"),
        ("{{{Id", "unclosed {{"),
        ("{{upper “Id”}}", 'typographic quotes; write "'),
        ("{{a..b}}", "invalid variable a..b"),
        ("{{.a}}", "invalid variable .a"),
        ("{{a.}}", "invalid variable a."),
        ("{{[a]b}}", "invalid variable [a]b"),
        ("{{@indx}}", "unknown variable @indx"),
        ("{{#if Id}}", "{{#if}} is never closed"),
        ("{{#if Id}}{{#each x}}{{/each}}", "{{#if}} is never closed"),
        ('{{#* inline "n"}}', '{{#* inline "n"}} is never closed'),
        ("{{/if}}", "{{/if}} closes nothing"),
        ("{{#if Id}}{{/each}}", "{{/each}} closes nothing, {{#if}} is open"),
        ("{{#if Id}}{{#each x}}{{/if}}{{/each}}", "{{/if}} closes nothing, {{#each}} is open"),
        ('{{#* inline "n"}}{{/if}}', '{{/if}} closes nothing, {{#* inline "n"}} is open'),
        ("{{else}}", "{{else}} outside of a block"),
        ("{{#if Id}}{{else}}{{else}}{{/if}}", "a second {{else}}"),
        ("{{#if Id}}{{else}}{{else if x}}{{/if}}", "a second {{else}}"),
        ("{{> n}}", "no partial n is defined before its use"),
        ('{{> n}}{{#* inline "n"}}{{/inline}}', "no partial n is defined before its use"),
        ('{{#* inline "n"}}{{> n}}{{/inline}}', "no partial n is defined before its use"),
        ('{{#if Id}}{{#* inline "n"}}{{/inline}}{{/if}}{{> n}}', "no partial n is defined before its use"),
        ('{{#* inline "n"}}{{/inline}}{{> n x=1}}', "{{> name}} takes the name of a partial and nothing else"),
        ('{{#* block "n"}}{{/block}}', 'only {{#* inline "name"}} may follow {{#*'),
        ("{{#> n}}{{/n}}", "partial blocks ({{#>) aren't supported"),
        ("{{{{raw}}}}{{{{/raw}}}}", "raw blocks ({{{{) aren't supported"),
        ('{{#"if" Id}}{{/if}}', "a helper's name must come first"),
        ('{{#"if"}}{{/if}}', "a block begins with the name of a helper"),
        ("{{shout Id}}", "unknown helper shout"),
        ("{{#shout Id}}{{/shout}}", "unknown helper shout"),
        ("{{upper (shout Id)}}", "unknown helper shout"),
        ("{{5 Id}}", "a helper's name must come first"),
        ("{{upper yes=1 Id}}", "arguments with names come last"),
        ("{{upper}}", "upper takes 1 arguments, not 0"),
        ("{{upper Id Id}}", "upper takes 1 arguments, not 2"),
        ("{{substring Id}}", "substring takes 2 to 3 arguments, not 1"),
        ("{{and Id}}", "and takes at least 2 arguments, not 1"),
        ("{{upper Id size=3}}", "upper has no option size"),
        ("{{center Id}}", "center needs the option size"),
        ("{{#upper Id}}{{/upper}}", "upper can't be used as a block"),
        ("{{#eq 1 2 yes='a'}}{{/eq}}", "eq takes yes and no only where it is no block"),
        ("{{if Id}}", "if is a block: {{#if …}}"),
        ("{{each}}", "each is a block: {{#each …}}"),
        ("{{upper (if Id)}}", "if is a block: {{#if …}}"),
        ("{{#if}}{{/if}}", "if takes exactly one argument"),
        ("{{#if Id Id}}{{/if}}", "if takes exactly one argument"),
        ("{{#each Id as |x|}}{{/each}}", "unexpected |"),
    ],
)
def test_a_mistake_is_named(source: str, detail: str) -> None:
    assert refusal(source) == detail


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("{{shout Id}}", 1, 3),
        ("{{#if Id}}\n\n  {{/each}}{{/if}}", 3, 3),
        ("ab\n{{upper\n (shout Id)}}", 3, 3),
        ("a\n b {{#if Id}}\n", 2, 4),
    ],
)
def test_a_mistake_tells_where_it_is(source: str, line: int, column: int) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_text(source, part="HtmlPart", escape=Escape.HTML)

    assert (raised.value.part, raised.value.line, raised.value.column) == ("HtmlPart", line, column)


def test_a_mistake_reads_as_the_contract_has_it() -> None:
    with pytest.raises(TemplateError) as raised:
        compile_text("Hi\n{{shout Id}}", part="Subject", escape=Escape.NONE)

    assert str(raised.value) == "Invalid template syntax in Subject: unknown helper shout (line 2, column 3)"


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("{" * 600_000, "raw blocks ({{{{) aren't supported"),
        ("{{" + "[" * 600_000, "unclosed {{"),
        ("{{upper " + '"' * 9999 + "}}", 'unclosed "'),
        ("{{a" + " " * 600_000, "unclosed {{"),
        ("\\{{a}}" * 50_000 + "{{", "unclosed {{"),
        ("{{a}}" * 120_000, "more than 10000 tags and arguments"),
        ("{{!}}" * 120_000, "more than 10000 tags and arguments"),
        ("{{join " + "a " * 299_000 + "}}", "more than 10000 tags and arguments"),
        ("{{a " + "(" * 599_000, "nested more than 64 levels deep"),
    ],
    ids=["braces", "brackets", "quotes", "blanks", "escapes", "tags", "comments", "arguments", "parentheses"],
)
@pytest.mark.timeout(20)
def test_long_nonsense_is_refused_quickly(source: str, detail: str) -> None:
    assert refusal(source) == detail
