"""Which words of AWS are shown."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.aws.client_errors import words_of
from appconfig_operator.aws.errors import translate
from appconfig_operator.core.errors import Reason, StallingError
from tests.unit.support.aws_errors import LATEST, START, assert_error, refusal
from tests.unit.support.aws_stubs import IDENTIFIERS, SECRET


@pytest.mark.parametrize("operation", [LATEST, START])
@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Key is disabled.", ': "Key is disabled".'),
        (f"Value '{SECRET}' at 'x' failed: it's (too) long", ': "Value … at … failed: it\'s (too) long".'),
        (SECRET, "invalid. Check"),
        ("a " * 1000, '…".'),
        ("A" * 33, "invalid. Check"),
        ("12345", "invalid. Check"),
        ("\x1b]0;owned\x07 stop", ': "… stop".'),
    ],
)
def test_words_of_aws_are_shown_where_they_are_plain(operation: str, message: str, shown: str) -> None:
    reported = translate(refusal("BadRequestException", message=message, operation=operation), IDENTIFIERS)
    assert_error(reported, StallingError, Reason.INVALID_SOURCE, shown, "Check")
    assert len(reported.message) < 500


@given(st.text(string.ascii_letters + string.digits + "+/=-_", min_size=100, max_size=900))
def test_no_token_is_among_the_words_of_aws(token: str) -> None:
    message = f"Token {token} not valid ({token}) '{token}'; {token}."
    assert words_of(refusal("BadRequestException", message=message)) == "Token … not valid …"


@pytest.mark.parametrize("hidden", ["AKIAIOSFODNNABCDEFGH", "a" * 34, "Xk" * 12, "ABCDEFGHIJ", "arn:aws:iam::1:role/x"])
def test_runs_of_letters_are_no_words(hidden: str) -> None:
    assert words_of(refusal("BadRequestException", message=f"The key {hidden} is bad.")) == "The key … is bad"


@pytest.mark.parametrize("word", ["I", "AWSKMS", "InvalidCiphertextException", "KmsKeyDisabled", "isn't", "(Service:"])
def test_words_and_the_names_of_errors_are(word: str) -> None:
    assert words_of(refusal("BadRequestException", message=f"The key {word} is bad.")) == f"The key {word} is bad"
