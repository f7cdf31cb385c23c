"""Logs: one line per event, as JSON or text, with the source that it is about. No values, no tokens, no credentials."""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from pythonjsonlogger.json import JsonFormatter

from appconfig_operator.api.text import visible

if TYPE_CHECKING:
    from types import TracebackType

    from appconfig_operator.api.v1alpha1 import Source

logger = logging.getLogger(__name__)

FORMATS = ("json", "text")
LEVELS = ("debug", "info", "warning", "error")

_FIELDS = ("namespace", "source", "uid", "reason")

# Kopf logs each object that it sees, and botocore each endpoint.
_QUIET = ("kopf.objects", "kopf.activities", "kopf._core", "botocore")

# Kopf logs this for each failed call to the API server, with the many settings of the connection in it.
_AGAIN = re.compile(r"attempt #[1-5](/\d+)? failed; will retry:")
_REFUSED = re.compile(r"failed; will retry: \S+ \S+ -> APIForbiddenError")
_CONNECTION = re.compile(r"ConnectionKey\((?:[^()]|\([^()]*\))*\), ")

# Kopf logs this for each of its tasks that ends with an error. The watch reports it, with the cause, in its own line.
_TASK_ENDED = re.compile(r"^[^:]* has failed: ")

# User and password in a URL, for example of a proxy.
_USER = re.compile(r"(?<=://)[^\s/?#]*@")

# An error from Kopf with the answer of the API server, or of a gateway in front of it: everything up to the line end.
_ANSWER = re.compile(r"\b(API\w*Error)\(.*?(, status=\d{3}\))?$")

# asyncio logs this for a task that failed: everything up to the line end.
_OF_A_TASK = re.compile(r"\bexception=(\w+)\(.*$")


def about(source: Source, **fields: str) -> dict[str, str]:
    """Return the `extra` of a log record about a source."""
    return {"namespace": source.namespace, "source": source.name, "uid": source.uid, **fields}


class LogOnce:
    """Logs what is wrong when that changes, and not at each attempt.

    Parameters
    ----------
    logger, level
        Where to log, and at which level.
    over
        What to log when nothing is wrong anymore, or empty.
    """

    def __init__(self, logger: logging.Logger, *, level: int = logging.WARNING, over: str = "") -> None:
        self._logger = logger
        self._level = level
        self._over = over
        self._last = ""

    def log(self, trouble: str) -> None:
        """Log what is wrong now, if it has changed. Empty: nothing is wrong."""
        before, self._last = self._last, trouble
        if trouble and trouble != before:
            self._logger.log(self._level, "%s", trouble)
        elif before and not trouble and self._over:
            self._logger.info("%s", self._over)


def configure(*, log_format: str, level: str) -> None:
    """Send all logs to standard error, in one format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json() if log_format == "json" else TextFormatter())
    least = logging.getLevelNamesMapping()[level.upper()]
    handler.addFilter(_fold)
    handler.addFilter(_make_visible)
    handler.addFilter(lambda record: record.levelno >= least)  # again: the level may have changed
    # Only the operator's own loggers log below INFO: at DEBUG, libraries log whole requests and responses, with
    # configuration values and tokens.
    logging.basicConfig(level=max(logging.INFO, least), handlers=[handler], force=True)
    logging.getLogger("appconfig_operator").setLevel(least)
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_ended
    sys.excepthook = _process_ended
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, least))
    # At WARNING, it logs the URL of an answer with a broken header, and that of AppConfig contains the token.
    logging.getLogger("urllib3").setLevel(max(logging.ERROR, least))
    # botocore logs AWS's words about a failed refresh, which may quote a token. The condition names the failure.
    logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)
    # Each time a watch starts, it warns that it handles no signals: `app` does.
    logging.getLogger("kopf._core.reactor.running").setLevel(max(logging.ERROR, least))


def _fold(record: logging.LogRecord) -> bool:
    """Turn a record into one line, or none, without the text of a library's error: that could quote anything."""
    text = _USER.sub("", " ".join(record.getMessage().split()))
    if record.name.startswith("kopf"):
        if _REFUSED.search(text):
            return False  # logged at each attempt, forever: `rights` logs it once
        if record.exc_info and _TASK_ENDED.search(text):
            return False
        # The traceback of an error inside Kopf is long, and the message has its last line.
        text = _ANSWER.sub(_without_words, _CONNECTION.sub("", text))
        if _AGAIN.search(text):
            # Not an error yet, because it may be temporary. From the sixth attempt on, it is one: Kopf never gives up.
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    elif record.exc_info and record.exc_info[1] is not None:
        text = _OF_A_TASK.sub(r"exception=\1", text) + f" ({type_and_place(record.exc_info[1])})"
    record.exc_info, record.exc_text, record.stack_info = None, None, None
    record.msg, record.args = text, None
    return True


def _without_words(found: re.Match[str]) -> str:
    return found[1] + (found[2] or "").replace(", ", " (")


def _make_visible(record: logging.LogRecord) -> bool:
    """Escape control characters in the message and in all other fields: names could otherwise control a terminal."""
    for name, value in vars(record).items():
        if isinstance(value, str):
            setattr(record, name, visible(value))
    return True


def type_and_place(error: BaseException) -> str:
    """Return the type and location of an error, without its text, which could quote a configuration value."""
    frames = traceback.extract_tb(error.__traceback__)
    where = "; ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__} at {where}" if where else type(error).__name__


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    """Log the error that ended a thread in the usual way. Python would print it to standard error, with its text."""
    name = args.thread.name if args.thread is not None else "?"
    what = type_and_place(args.exc_value) if args.exc_value is not None else args.exc_type.__name__
    logger.critical("The thread %s ended with %s", name, what)


def _process_ended(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        logger.critical("Interrupted")
    else:
        logger.critical("The process ended with %s", type_and_place(error))


def _json() -> logging.Formatter:
    return JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        datefmt="%Y-%m-%dT%H:%M:%S%z",
    )


class TextFormatter(logging.Formatter):
    """A line for humans: time, level, message, and what it is about."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Add the fields of the record."""
        line = super().format(record)
        fields = [f"{name}={getattr(record, name)}" for name in _FIELDS if hasattr(record, name)]
        return " ".join([line, *fields])
