"""flagd definitions, as OpenFeature's own evaluators answer by them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from appconfig_operator.api.v1alpha1 import FeatureFlags, FlagOutput, Format, MultiVariant
from appconfig_operator.core.formats.render import render
from tests.evaluators.flagd import Ask, Evaluation, node_answers, python_answers
from tests.support.builders import content, spec, target

EVALUATORS = pytest.mark.parametrize("answers", [python_answers, node_answers])
"""As the applications of users have them, in Python and in Node.js."""

FLAGS = {
    "banner": {"enabled": False},
    "checkout": {
        "_variant": "default",
        "enabled": True,
        "color": "blue",
        "empty": "",
        "limit": 5,
        "ratio": 1.5,
        "beta": False,
        "tags": ["a", "b"],
        "sizes": [1, 2.5],
    },
    "off_in_all_variants": {"_variant": "default", "enabled": False},
    "plain": {"enabled": True},
    # Names that AppConfig takes, and that every object of JavaScript has.
    "constructor": {"enabled": True, "constructor": "x"},
    "hasOwnProperty": {"enabled": True},
    "toString": {"enabled": False},
    "valueOf": {"enabled": True, "valueOf": 1},
}


def definition(flags: dict[str, Any], kind: Format = Format.JSON) -> str:
    """Write a definition, as JSON in the end: the evaluators read nothing else."""
    made = spec(target=target(format=kind), feature_flags=FeatureFlags(MultiVariant.DEFAULT_VARIANT, FlagOutput.FLAGD))
    text = render(content(json.dumps(flags).encode()), made).text["checkout.json"]
    return json.dumps(yaml.safe_load(text)) if kind is Format.YAML else text


def expected(flags: dict[str, Any]) -> dict[Ask, Evaluation]:
    """Say what AppConfig answers, as an application asks for it whose own defaults are the other way round."""
    answers: dict[Ask, Evaluation] = {}
    for name, flag in flags.items():
        on = flag["enabled"]
        answers[Ask("boolean", name, not on)] = Evaluation(on, "on" if on else "off", "STATIC")
        attributes = {key: value for key, value in flag.items() if key not in {"enabled", "_variant"}}
        found = Evaluation(attributes, "attributes", "STATIC") if attributes else Evaluation(error="FLAG_NOT_FOUND")
        answers[Ask("object", f"{name}.attributes", None)] = found
    return answers


@pytest.mark.proves("spec.featureFlags.output")
@EVALUATORS
@pytest.mark.parametrize("kind", [Format.RAW, Format.JSON, Format.YAML])
def test_each_flag_and_its_attributes(answers: Any, kind: Format) -> None:
    wanted = expected(FLAGS)
    assert answers(definition(FLAGS, kind), list(wanted)) == list(wanted.values())


@EVALUATORS
@pytest.mark.parametrize("context", [(), (("targetingKey", "user-1"), ("country", "no"))])
def test_no_context_changes_an_answer(answers: Any, context: tuple[tuple[str, Any], ...]) -> None:
    """Rules are not translated: a flag that is off for all is off for each."""
    asked = [
        Ask("boolean", "off_in_all_variants", default=True, context=context),
        Ask("boolean", "checkout", default=False, context=context),
    ]
    assert [answer.value for answer in answers(definition(FLAGS), asked)] == [False, True]


@EVALUATORS
@pytest.mark.parametrize(("kind", "default"), [("string", "x"), ("object", {})])
def test_a_flag_is_boolean_and_of_no_other_type(answers: Any, kind: str, default: Any) -> None:
    """As a number, the one for Python takes it: there, true is 1."""
    assert answers(definition(FLAGS), [Ask(kind, "checkout", default)]) == [Evaluation(error="TYPE_MISMATCH")]


@EVALUATORS
@pytest.mark.parametrize(("kind", "default"), [("string", "x"), ("number", 1), ("boolean", True)])
def test_attributes_are_an_object_and_of_no_other_type(answers: Any, kind: str, default: Any) -> None:
    assert answers(definition(FLAGS), [Ask(kind, "checkout.attributes", default)]) == [
        Evaluation(error="TYPE_MISMATCH")
    ]


@EVALUATORS
def test_a_disabled_flag_would_have_been_the_default_of_the_application(answers: Any) -> None:
    """Why a flag that is off is `ENABLED` with the variant `off`."""
    text = definition({"banner": {"enabled": False}}).replace("ENABLED", "DISABLED")
    (answer,) = answers(text, [Ask("boolean", "banner", default=True)])
    assert answer.value is True
    assert answer.reason == "DISABLED"


@EVALUATORS
def test_no_flags_are_a_definition_too(answers: Any) -> None:
    assert answers(definition({}), [Ask("boolean", "banner", default=True)]) == [Evaluation(error="FLAG_NOT_FOUND")]


names = st.from_regex(r"[a-z][a-zA-Z0-9_-]{0,63}", fullmatch=True)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.booleans() | st.text(st.characters(exclude_categories=["Cs"])) | numbers
attributes = st.dictionaries(
    names.filter(lambda name: name != "enabled"),
    values | st.lists(st.text(st.characters(exclude_categories=["Cs"]))) | st.lists(numbers),
    max_size=3,
)


@EVALUATORS
@settings(deadline=None, max_examples=20)
@given(flags=st.dictionaries(names, st.tuples(st.booleans(), attributes), min_size=3, max_size=12))
def test_any_flags_that_appconfig_takes(answers: Any, flags: dict[str, tuple[bool, dict[str, Any]]]) -> None:
    received = {name: {"enabled": on, **(more if on else {})} for name, (on, more) in flags.items()}
    wanted = expected(received)
    assert answers(definition(received), list(wanted)) == list(wanted.values())
