"""Logs: one line per event, with what it is about, and nothing of what libraries write at level DEBUG."""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from appconfig_operator import logs
from tests.support.builders import UID, source

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = ("boto3", "botocore", "kubernetes", "urllib3", "aiohttp", "asyncio", "kopf")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Put the global state of `logging` back."""
    root = logging.getLogger()
    names = [*LIBRARIES, "kopf.objects", "kopf.activities", "kopf._core", "appconfig_operator", "botocore.credentials"]
    hooks = threading.excepthook, sys.excepthook
    before = root.level, root.handlers[:], {name: logging.getLogger(name).level for name in names}
    yield
    logging.captureWarnings(capture=False)
    threading.excepthook, sys.excepthook = hooks
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="json", level="info")
    logging.getLogger("appconfig_operator.x").warning("50 %% of %s", "ä", extra=logs.about(source(), reason="Synced"))
    (line,) = written(capsys)
    fields = json.loads(line)
    assert datetime.fromisoformat(fields.pop("time")).tzinfo is not None
    assert fields == {
        "level": "WARNING",
        "logger": "appconfig_operator.x",
        "message": "50 % of ä",
        "namespace": "shop",
        "source": "checkout",
        "uid": UID,
        "reason": "Synced",
    }


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="text", level="info")
    logging.getLogger("appconfig_operator.x").info("Reported", extra=logs.about(source(), reason="Synced"))
    logging.getLogger("appconfig_operator.x").error("Alone")
    first, second = written(capsys)
    assert first.endswith(f" INFO    Reported namespace=shop source=checkout uid={UID} reason=Synced")
    assert second.endswith(" ERROR   Alone")


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="json", level="info")
    try:
        raise ValueError("two\nlines")  # noqa: TRY301 - a traceback is wanted
    except ValueError:
        logging.getLogger("appconfig_operator.x").exception("First\nsecond\r\nthird\u2028fourth")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old\nthing", DeprecationWarning, stacklevel=1)
    error, warning = (json.loads(line) for line in capsys.readouterr().err.strip("\n").split("\n"))
    assert error["message"].startswith(f"First second third fourth (ValueError at {__file__}:")
    assert "two" not in json.dumps(error), "the text of an error could quote anything"
    assert warning["logger"] == "py.warnings"
    assert "old thing" in warning["message"]


def test_a_traceback_inside_kopf_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """It is some 40 lines for each end of a watch, and its message has the error."""
    logs.configure(log_format="text", level="info")
    try:
        raise ValueError("inside")  # noqa: TRY301 - a traceback is wanted
    except ValueError:
        logging.getLogger("kopf._core.x").exception("Root task failed\nwith: inside")
    (line,) = written(capsys)
    assert line.endswith("Root task failed with: inside")


HOSTILE = "a\x1b]0;owned\x07\x1b[2Jb\u202ec\u2066d\x00\x9b1me"
SEEN = r"a\x1b]0;owned\x07\x1b[2Jb\u202ec\u2066d\x00\x9b1me"


@pytest.mark.parametrize("log_format", logs.FORMATS)
def test_what_rules_a_terminal_reaches_no_log(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    """Whoever may create a ConfigMap or a source chooses names, and somebody reads the log in a terminal."""
    logs.configure(log_format=log_format, level="info")
    fields = {"namespace": HOSTILE, "source": HOSTILE, "uid": HOSTILE, "reason": HOSTILE}
    logging.getLogger("appconfig_operator.x").info("Reported of %s", HOSTILE, extra=fields)
    (line,) = written(capsys)
    assert line.isprintable()
    if log_format == "json":
        reported = json.loads(line)
        assert [reported["message"], *map(reported.get, fields)] == [f"Reported of {SEEN}", *[SEEN] * 4]
    else:
        assert line.count(SEEN) == 5


def test_what_ends_a_thread_is_told_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="json", level="info")

    def end() -> None:
        raise ValueError("hunter2")

    thread = threading.Thread(target=end, name="drift")
    thread.start()
    thread.join(10)
    (line,) = written(capsys)
    assert json.loads(line)["message"].startswith("The thread drift ended with ValueError at ")
    assert "hunter2" not in line


def test_what_ends_the_process_is_told_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="json", level="info")
    sys.excepthook(ValueError, ValueError("hunter2"), None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    messages = [json.loads(line)["message"] for line in written(capsys)]
    assert messages == ["The process ended with ValueError", "Interrupted"]


def test_what_asyncio_tells_of_a_task_has_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="json", level="info")
    error = ValueError("hunter2")
    text = "Task exception was never retrieved\nfuture: <Task finished coro=<x()> exception=ValueError('hunter2')>"
    logging.getLogger("asyncio").error(text, exc_info=error)
    (line,) = written(capsys)
    assert "hunter2" not in line
    assert json.loads(line)["message"].endswith("exception=ValueError (ValueError)")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("GET https://x/api -> APIServerError('hunter2 (a), b', {'message': 'hunter2'}, status=500)", "(status=500)"),
        ("Root task is failed: APIForbiddenError('hunter2', {'code': 403}, status=403)", "(status=403)"),
        ("watcher is failed: ('hunter2', APIError('hunter2'", "APIError"),
    ],
)
def test_kopf_quotes_no_answer(capsys: pytest.CaptureFixture[str], text: str, left: str) -> None:
    logs.configure(log_format="text", level="info")
    logging.getLogger("kopf._cogs.clients.api").error("Request attempt #6 failed; will retry: %s", text)
    (line,) = written(capsys)
    assert line.endswith(left)


@pytest.mark.parametrize("name", ["kopf._cogs.clients.api", "asyncio", "appconfig_operator.x"])
def test_no_password_of_a_proxy(capsys: pytest.CaptureFixture[str], name: str) -> None:
    logs.configure(log_format="text", level="info")
    key = (
        "ConnectionKey(host='10.0.0.1', port=443, proxy=URL('http://a:b%40(hunter2)@192.0.2.1:3128'), proxy_auth=None)"
    )
    logging.getLogger(name).error("-> ClientError(%s, OSError(1)), url='http://a:b(hunter2)@192.0.2.1:3128'", key)
    (line,) = written(capsys)
    assert "hunter2" not in line
    assert "http://192.0.2.1:3128" in line
    assert ("ConnectionKey" in line) == (not name.startswith("kopf"))


def test_that_a_task_of_kopf_ended_is_told_by_the_watch(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="text", level="info")
    logger = logging.getLogger("kopf._core.reactor.orchestration")
    try:
        raise ValueError("inside")  # noqa: TRY301 - a traceback is wanted
    except ValueError as error:
        logger.exception("Watcher for appconfigsources.v1alpha1.appconfig-operator.io@shop has failed: %s", error)  # noqa: TRY401 - as Kopf does
    assert written(capsys) == []


def test_what_kopf_is_refused_at_each_try_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="text", level="info")
    text = (
        "Request attempt #7 failed; will retry: GET https://10.0.0.1/apis/x?watch=true -> APIForbiddenError('no', {})"
    )
    logging.getLogger("kopf._cogs.clients.watching").error(text)
    assert written(capsys) == []


ERROR_OF_KOPF = "-> ClientConnectorError({}ConnectionRefusedError(111, 'Connect call failed'))"


def tell_of_a_try(number: str) -> None:
    """Log what Kopf does of a call that failed."""
    key = "ConnectionKey(host='10.0.0.1', port=443, ssl=<ssl.SSLContext object at 0x7f>, server_hostname=None), "
    text = f"Request attempt #{number} failed; will retry: GET https://10.0.0.1/api {ERROR_OF_KOPF.format(key)}"
    logging.getLogger("kopf._cogs.clients.api").error(text)


@pytest.mark.parametrize(
    ("number", "level"), [("1", "WARNING"), ("5", "WARNING"), ("2/9", "WARNING"), ("6", "ERROR"), ("60", "ERROR")]
)
def test_a_call_of_kopf_that_fails_is_an_error_when_it_fails_for_long(
    capsys: pytest.CaptureFixture[str], number: str, level: str
) -> None:
    logs.configure(log_format="text", level="info")
    tell_of_a_try(number)
    (line,) = written(capsys)
    assert f" {level} " in line
    assert line.endswith(f"GET https://10.0.0.1/api {ERROR_OF_KOPF.format('')}")


def test_what_is_no_error_yet_is_not_among_the_errors(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="text", level="error")
    tell_of_a_try("1")
    assert written(capsys) == []


@pytest.mark.parametrize(
    "name", [*LIBRARIES, "botocore.parsers", "urllib3.connectionpool", "kopf.engines", "aiohttp.x"]
)
def test_libraries_are_not_heard_at_debug(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """There they write requests and responses whole."""
    logs.configure(log_format="text", level="debug")
    logging.getLogger(name).debug("secret")
    assert written(capsys) == []


def test_debug_is_for_ourselves(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="text", level="debug")
    logging.getLogger("appconfig_operator.x").debug("Reported")
    assert len(written(capsys)) == 1


LEAST = {"appconfig_operator.x": 0, "kopf.x": 1, "botocore.credentials": 4, "client": 1, "botocore": 2}
"""Index of the lowest level that is heard of a logger."""


@pytest.mark.parametrize("level", logs.LEVELS)
@pytest.mark.parametrize("name", LEAST)
def test_levels(capsys: pytest.CaptureFixture[str], level: str, name: str) -> None:
    logs.configure(log_format="text", level=level)
    logger = logging.getLogger(name)
    for said in logs.LEVELS:
        logger.log(logging.getLevelNamesMapping()[said.upper()], said)
    least = max(logs.LEVELS.index(level), LEAST[name])
    assert [line.split()[-1] for line in written(capsys)] == list(logs.LEVELS[least:])


@pytest.mark.parametrize("name", ["kopf.objects", "kopf.activities.x", "kopf._core.reactor.queueing"])
def test_kopf_is_quiet(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """It reports each object that it sees."""
    logs.configure(log_format="text", level="info")
    logging.getLogger(name).info("Handler 'on_event' succeeded.")
    logging.getLogger(name).warning("Reported")
    assert len(written(capsys)) == 1


def test_configured_twice(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format="json", level="info")
    logs.configure(log_format="text", level="info")
    logging.getLogger("appconfig_operator.x").info("Reported")
    assert len(written(capsys)) == 1


def test_no_words_of_aws_about_a_refresh(capsys: pytest.CaptureFixture[str]) -> None:
    """botocore would write them at level WARNING, with a traceback of many lines."""
    logs.configure(log_format="json", level="debug")
    error = RuntimeError("Value 'hunter2' at 'webIdentityToken' failed to satisfy constraint")
    logging.getLogger("botocore.credentials").warning("Refreshing temporary credentials failed", exc_info=error)
    assert written(capsys) == []


def test_what_goes_on_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    once = logs.LogOnce(logging.getLogger("x"), level=logging.ERROR, over="Well again")
    for trouble in ("", "away", "away", "refused", "away", "", ""):
        once.log(trouble)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        *[("ERROR", "away"), ("ERROR", "refused"), ("ERROR", "away")],
        ("INFO", "Well again"),
    ]


def test_an_end_that_has_no_words_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    once = logs.LogOnce(logging.getLogger("x"))
    for trouble in ("50 %s", "", "50 %s"):
        once.log(trouble)
    assert caplog.messages == ["50 %s", "50 %s"]
