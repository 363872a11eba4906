"""The template language: variables, blocks, limits (templates.md sections 5, 6, 7.1 and 10)."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.templates.errors import RenderError, TemplateError
from repoint.templates.escape import Escape
from repoint.templates.text import compile_text
from repoint.templates.values import Values
from tests.templates.rendered import AT, ENDPOINT, PATIENT, SOURCES, failure, refusal, render

NAME = "Hi {{User.UserAttributes.FirstName}}"


def person(**attributes: Any) -> dict[str, Any]:
    return {"User": {"UserAttributes": attributes}}


# -- variables


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Address", "ann@example.com"),
        ("ChannelType", "EMAIL"),
        ("Id", "ann-phone"),
        ("OptOut", "NONE"),
        ("EndpointStatus", "ACTIVE"),
        ("RequestId", "r-1"),
        ("CreationDate", "2020-09-01T10:00:00.000Z"),
        ("EffectiveDate", "2020-09-02T10:00:00.000Z"),
        ("Attributes.favorite_colors", "blue, red, green"),
        ("Attributes.favorite_colors.[1]", "red"),
        ("Attributes.favorite_colors.2", "green"),
        ("Attributes.empty", ""),
        ("Attributes.blank", ""),
        ("Attributes.[favorite_colors].[0]", "blue"),
        ("Demographic.Make", "Apple"),
        ("Location.City", "Los Angeles"),
        ("Location.Latitude", "47.6"),
        ("Location.Longitude", "-122.4"),
        ("Metrics.stars", "5"),
        ("Metrics.price", "2.5"),
        ("Metrics.many", "1000000000000000000000"),
        ("Metrics.few", "0.00000015"),
        ("Metrics.none", "0"),
        ("User.UserId", "ann"),
        ("User.UserAttributes.FirstName", "Sofia"),
        ("User.UserAttributes.FirstName.[0]", "Sofia"),
        ("User.UserAttributes.[Last Name].[0]", "Roe"),
        ("User.UserAttributes.Names", "Ann, Bea"),
        ("Address.[0]", "ann@example.com"),
        ("this.Id", "ann-phone"),
        ("./Id", "ann-phone"),
        ("@root.Id", "ann-phone"),
    ],
)
def test_a_variable_is_the_endpoints_value(path: str, text: str) -> None:
    assert render(f"<{{{{{path}}}}}>") == f"<{text}>"


@pytest.mark.parametrize(
    "path",
    [
        "Nothing",
        "address",
        "Attributes.nothing",
        "Attributes.favorite_colors.[3]",
        "Attributes.empty.[0]",
        "Attributes.favorite_colors.length",
        "Address.x",
        "Address.[1]",
        "User.UserAttributes.__class__",
        "User",
        "Metrics.stars.x.y",
        "this",
        "@index",
        "../Nothing",
    ],
)
def test_what_has_no_value_fails_and_is_named(path: str) -> None:
    assert failure(f"a{{{{{path}}}}}b") == f"Missing value for message variable: {path}"


def test_missing_values_are_empty_where_that_is_set() -> None:
    assert render("<{{Nothing}}{{{User.UserAttributes.Nothing}}}>", missing_is_empty=True) == "<>"


@pytest.mark.parametrize(
    ("values", "text"), [(["Sofia"], "Hi Sofia"), (["Ann", "Bea"], "Hi Ann, Bea"), ([], "Hi "), ([""], "Hi ")]
)
def test_a_list_is_its_item_or_its_items_with_commas(values: list[str], text: str) -> None:
    assert render(NAME, person(FirstName=values)) == text


def test_a_default_stands_in_for_a_missing_value() -> None:
    assert render(NAME, {}, below={"User.UserAttributes.FirstName": "friend"}) == "Hi friend"


@pytest.mark.parametrize(
    "source",
    ["{{#if Nothing}}{{else}}empty{{/if}}", "{{#each Nothing}}{{else}}empty{{/each}}", "empty{{upper Nothing}}"],
)
def test_arguments_may_be_missing(source: str) -> None:
    assert render(source) == "empty"


def test_values_are_looked_for_in_the_order_of_their_sources() -> None:
    source = "{{User.UserId}}"
    address, message = {"User.UserId": ["address"]}, {"User.UserId": ["message"]}

    found = [
        render(source, above=(address, message), below={"User.UserId": "default"}),
        render(source, above=({}, message), below={"User.UserId": "default"}),
        render(source, above=({},), below={"User.UserId": "default"}),
        render(source, {}, above=({},), below={"User.UserId": "default"}),
    ]

    assert found == ["address", "message", "ann", "default"]


@pytest.mark.parametrize(
    ("source", "key", "value", "text"),
    [
        ("{{OTP}}", "OTP", ["123"], "123"),
        ("{{OTP}}", "OTP", ["1", "2"], "1, 2"),
        ("{{OTP}}", "OTP", [], ""),
        ("{{order-id}}", "order-id", ["7"], "7"),
        ("{{[order id]}}", "order id", ["7"], "7"),
        ("{{a/b}}", "a/b", ["7"], "7"),
        ("{{X.Y}}", "X.Y", ["7"], "7"),
        ("{{X.Y.[1]}}", "X.Y", ["7", "8"], "8"),
        ("{{X.Y.[1]}}", "X.Y.[1]", ["9"], "9"),
        ("{{X.[Y Z].[0]}}", "X.[Y Z]", ["7"], "7"),
        ("{{X.[Y Z].[0]}}", "X.Y Z", ["7"], "7"),
        ("{{X.[0]}}", "X", "7", "7"),
    ],
)
def test_substitutions_go_by_the_whole_path(source: str, key: str, value: Any, text: str) -> None:
    assert render(source, {}, above=({key: value},)) == text


def test_an_index_beyond_a_substitution_leaves_the_value_to_the_next_source() -> None:
    found = render("{{Attributes.favorite_colors.[2]}}", above=({"Attributes.favorite_colors": ["pink"]},))

    assert found == "green"


# -- escaping


@pytest.mark.parametrize(
    ("source", "escape", "text"),
    [
        ("{{Attributes.html}}", Escape.NONE, "<b>&'\"</b>"),
        ("<i>&{{Attributes.html}}", Escape.HTML, "<i>&&lt;b&gt;&amp;&#x27;&quot;&lt;/b&gt;"),
        ("{{{Attributes.html}}}", Escape.HTML, "<b>&'\"</b>"),
        ("{{&Attributes.html}}", Escape.HTML, "<b>&'\"</b>"),
        ("{{upper Attributes.html}}", Escape.HTML, "&lt;B&gt;&amp;&#x27;&quot;&lt;/B&gt;"),
        ("{{{upper Attributes.html}}}", Escape.HTML, "<B>&'\"</B>"),
        ("{{#if Id}}<p>{{Id}}</p>{{/if}}", Escape.HTML, "<p>ann-phone</p>"),
        ('{"a":"{{Attributes.html}}"}', Escape.JSON_STRING, '{"a":"<b>&\'\\"</b>"}'),
    ],
)
def test_values_are_escaped_for_where_they_stand(source: str, escape: Escape, text: str) -> None:
    assert render(source, escape=escape) == text


def test_values_inside_json_keep_it_whole() -> None:
    text = render('{"a":"{{x}}"}', {"x": 'é "\\\n\t\x01'}, escape=Escape.JSON_STRING)

    assert text == '{"a":"é \\"\\\\\\n\\t\\u0001"}'


# -- blocks


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{#if User.UserAttributes.FirstName.[0]}}A{{else}}B{{/if}}", "A"),
        ("{{#if User.UserAttributes.Nothing.[0]}}A{{else}}B{{/if}}", "B"),
        ("{{#if Metrics.none}}A{{else}}B{{/if}}", "B"),
        ("{{#if Attributes.empty}}A{{else}}B{{/if}}", "B"),
        ('{{#if ""}}A{{else}}B{{/if}}', "B"),
        ('{{#if "false"}}A{{else}}B{{/if}}', "A"),
        ("{{#if false}}A{{/if}}", ""),
        ("{{#if null}}A{{^}}B{{/if}}", "B"),
        ("{{^if Id}}A{{else}}B{{/if}}", "B"),
        ("{{#if Nothing}}A{{else if Id}}B{{else}}C{{/if}}", "B"),
        ("{{#if Nothing}}A{{else if Nothing}}B{{else eq 1 2}}C{{else}}D{{/if}}", "D"),
        ("{{#unless Id}}A{{else}}B{{/unless}}", "B"),
        ("{{#unless Nothing}}A{{/unless}}", "A"),
        ("{{#with Location}}{{City}}, {{Id}}, {{../Id}}{{/with}}", "Los Angeles, ann-phone, ann-phone"),
        ("{{#with User}}{{UserId}} {{#with UserAttributes}}{{Age}}{{../UserId}}{{/with}}{{/with}}", "ann 22ann"),
        ("{{#with Nothing}}A{{else}}B{{/with}}", "B"),
        ('{{lookup Attributes "favorite_colors"}}', "blue, red, green"),
        ("{{lookup Attributes.favorite_colors 1}}", "red"),
        ('{{lookup Nothing "x"}}', ""),
        ("{{#if (lookup Location 'City')}}A{{/if}}", "A"),
        ("{{#each Attributes.favorite_colors}}<li>{{this}}</li>{{else}}none{{/each}}",
         "<li>blue</li><li>red</li><li>green</li>"),
        ("{{#each Attributes.empty}}A{{else}}none{{/each}}", "none"),
        ("{{#each Nothing}}A{{else}}none{{/each}}", "none"),
        ("{{#each Attributes.favorite_colors}}{{@index}}{{#if @first}}F{{/if}}{{#if @last}}L{{/if}} {{/each}}",
         "0F 1 2L "),
        ("{{#each Attributes.favorite_colors}}{{#if @first}}{{else}}, {{/if}}{{.}}{{/each}}", "blue, red, green"),
        ("{{#each Location}}{{@key}} {{/each}}", "City Country Latitude Longitude "),
        ("{{#each User.UserAttributes.Names}}{{User.UserId}}-{{../Id}} {{/each}}", "ann-ann-phone ann-ann-phone "),
        ("{{#each Address}}{{this}}{{/each}}", "ann@example.com"),
        ("{{#each Attributes.w}}{{#each Attributes.empty}}{{else}}{{this}} {{/each}}{{/each}}", "1 2 "),
        ("{{#each User.UserAttributes.Names}}{{#each Attributes.w}}{{../this}}{{this}} {{/each}}{{/each}}",
         "Ann1 Ann2 Bea1 Bea2 "),
    ],
)  # fmt: skip
def test_blocks_choose_and_repeat(source: str, text: str) -> None:
    assert render(source) == text


def test_loops_drop_what_is_beyond_15_items() -> None:
    text = render(
        "{{#each Attributes.n}}{{this}}{{#if @last}}!{{/if}} {{/each}}",
        {"Attributes": {"n": [str(n) for n in range(20)]}},
    )

    assert text == "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14! "


# -- the rest of the language


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("a{{! a comment }}b", "ab"),
        ("a{{!-- a }} comment --}}b", "ab"),
        ("a {{~! trims ~}} b", "ab"),
        (r"\{{Id}} {{Id}}", "{{Id}} ann-phone"),
        (r"\\{{Id}}", r"\ann-phone"),
        (r"\{{a}} \{{b}}", "{{a}} {{b}}"),
        ("a {{~Id~}} b", "aann-phoneb"),
        ("a \n{{~#if Id~}} \n b {{~/if~}} \n c", "abc"),
        ("a {{~{Id}~}} b", "aann-phoneb"),
        ("{{#if Id}}\nx\n{{/if}}\n", "\nx\n\n"),
        ("100% {{Id}} %s %%", "100% ann-phone %s %%"),
        ("{ {{Id}} } }}", "{ ann-phone } }}"),
        ('{{upper "a\\"b"}}', 'A"B'),
        ("{{upper 'it\"s'}}", 'IT"S'),
        ('{{upper "}}"}}', "}}"),
        ("{{ upper\n  Location.City }}", "LOS ANGELES"),
        ("{{upper 2.50}} {{upper true}} {{upper -7}}", "2.5 TRUE -7"),
        ('{{capitalizeFirst (lower "JANE")}}', "Jane"),
        ('{{upper (lower (upper (lower "Ab")))}}', "AB"),
        ('{{#* inline "n"}}{{lower "JANE"}}{{/inline}}{{> n}}', "jane"),
        ('{{#* inline "n"}}<{{this}}>{{/inline}}{{#each User.UserAttributes.Names}}{{> n}}{{/each}}', "<Ann><Bea>"),
        ('{{#* inline "a"}}1{{/inline}}{{#* inline "a"}}{{> a}}2{{/inline}}{{> a}}', "12"),
        ("{{{{{{", None),
    ],
)  # fmt: skip
def test_the_language(source: str, text: str | None) -> None:
    if text is None:
        assert refusal(source) == "raw blocks ({{{{) aren't supported"
    else:
        assert render(source) == text


def test_a_template_tells_which_variables_it_uses() -> None:
    source = (
        "{{Attributes.[a b].[0]}}{{upper (lower Location.City)}}{{#each X.Y}}{{this}}{{@index}}{{Z}}{{/each}}"
        '{{#* inline "n"}}{{In.Partial}}{{/inline}}{{eq A "x" yes=B}}{{now tz=Demographic.Timezone}}'
    )

    compiled = compile_text(source, part="Body", escape=Escape.NONE)

    assert compiled.variables == {"Attributes.a b", "Location.City", "X.Y", "Z", "A", "B", "Demographic.Timezone"}
    assert not compiled.uses_recommendations


@pytest.mark.parametrize("path", ["RecommendationItems", "RecommendationItems.[1]", "Recommendations.Title.[0]"])
def test_a_template_tells_that_it_needs_recommendations(path: str) -> None:
    compiled = compile_text(f"{{{{#if Id}}}}{{{{upper {path}}}}}{{{{/if}}}}", part="Body", escape=Escape.NONE)

    assert compiled.uses_recommendations


def test_rendering_changes_nothing_of_what_it_is_given() -> None:
    before = repr(ENDPOINT)

    render("{{#with User}}{{#each UserAttributes}}{{this}}{{/each}}{{/with}}{{join Attributes.favorite_colors '-'}}")

    assert repr(ENDPOINT) == before


def test_of_recommended_items_the_first_is_printed() -> None:
    data = {"RecommendationItems": ["a", "b"], "Recommendations": {"Title": ["c", "d"]}}

    text = render(
        "{{RecommendationItems}} {{RecommendationItems.[1]}} {{#each RecommendationItems}}{{this}}{{/each}} "
        "{{Recommendations.Title.[1]}} {{Recommendations.Title}}",
        data,
    )

    assert text == "a b ab d c, d"


@PATIENT
@given(source=SOURCES, escape=st.sampled_from(Escape))
def test_any_text_is_a_template_or_is_refused_and_renders_or_fails(source: str, escape: Escape) -> None:
    with suppress(TemplateError, RenderError):
        assert isinstance(render(source, escape=escape), str)


# -- limits

WORDS = {"Attributes": {"w": ["x"] * 20}, "big": "y" * 70_000}
LOOPS = 7


def test_nested_loops_end_in_time() -> None:
    source = "{{#each Attributes.w}}" * LOOPS + "{{/each}}" * LOOPS

    assert failure(source, WORDS) == "Rendering took longer than 100 ms"


@pytest.mark.parametrize("helper", ["slugify", "capitalize", "yesno", "sha512"])
@pytest.mark.timeout(20)
def test_helpers_on_long_text_end_in_time(helper: str) -> None:
    source = f"{{{{#if ({helper} x)}}}}{{{{/if}}}}" * 1000

    assert failure(source, {"x": "y z" * 300_000}) == "Rendering took longer than 100 ms"


def test_partials_that_multiply_end_in_time() -> None:
    source = '{{#* inline "p0"}}{{/inline}}' + "".join(
        f'{{{{#* inline "p{n}"}}}}{f"{{{{> p{n - 1}}}}}" * 10}{{{{/inline}}}}' for n in range(1, 30)
    )

    assert failure(source + "{{> p29}}") == "Rendering took longer than 100 ms"


@pytest.mark.parametrize(
    "source",
    [
        "{{#each Attributes.w}}{{big}}{{/each}}",
        "{{big}}" * 16,
        "{{big}}" * 1000,
        "{{#each Attributes.w}}{{#each Attributes.w}}{{big}}{{/each}}{{/each}}",
        "{{replace (replace big 'y' 'yyyyyyyyyy') 'y' 'yyyyyyyyyy'}}",
        "{{join big big big big big big big big big big big big big big big big big big big big ''}}",
    ],
)
def test_output_is_bounded(source: str) -> None:
    assert failure(source, WORDS) == "Rendered text exceeds 1048576 characters"


def test_one_value_alone_is_bounded() -> None:
    assert failure("{{x}}", {"x": "y" * 1_048_577}) == "Rendered text exceeds 1048576 characters"
    assert len(render("{{x}}", {"x": "y" * 1_048_576})) == 1_048_576


@pytest.mark.parametrize(
    "source",
    [
        "{{#if Id}}" * 100_000,
        "{{#if Id}}" * 65 + "{{/if}}" * 65,
        "{{upper " + "(upper " * 100_000,
        "{{upper " + "(upper " * 70 + "Id" + ")" * 70 + "}}",
        '{{#* inline "p0"}}{{/inline}}'
        + "".join(f'{{{{#* inline "p{n}"}}}}{{{{> p{n - 1}}}}}{{{{/inline}}}}' for n in range(1, 100)),
        "{{#if a}}" + "{{else if a}}" * 100 + "{{/if}}",
    ],
    ids=["open blocks", "blocks", "open expressions", "expressions", "partials", "chains"],
)
def test_deep_nesting_is_refused(source: str) -> None:
    assert refusal(source) == "nested more than 64 levels deep"


def test_64_levels_are_fine() -> None:
    blocks = "{{#if Id}}" * 63 + "x" + "{{/if}}" * 63
    expressions = "{{upper " + "(lower " * 60 + "Id" + ")" * 60 + "}}"

    assert render(blocks + expressions) == "xANN-PHONE"


def test_templates_of_10000_variables_render_whole() -> None:
    source = "".join(f"{n}-{{{{Metrics.stars}}}};" for n in range(10_000))

    assert render(source) == "".join(f"{n}-5;" for n in range(10_000))


def test_equal_sources_are_compiled_once() -> None:
    first = compile_text("once {{Id}}", part="Body", escape=Escape.NONE)

    assert compile_text("once {{Id}}", part="Title", escape=Escape.NONE) is first
    assert compile_text("once {{Id}}", part="Body", escape=Escape.HTML) is not first


def test_a_rendering_may_be_repeated() -> None:
    compiled = compile_text(
        "{{#each Attributes.favorite_colors}}{{this}}{{/each}}{{Id}}", part="Body", escape=Escape.NONE
    )
    values = Values(ENDPOINT, AT)

    assert [compiled.render(values) for _ in range(3)] == ["blueredgreenann-phone"] * 3
