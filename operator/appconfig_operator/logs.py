"""Logs: one line an event, as JSON or text, with the source it is about. No values, no tokens, no credentials."""

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

# What Kopf writes of each call of the API server that fails, and the many settings of the connection in it.
_AGAIN = re.compile(r"attempt #[1-5](/\d+)? failed; will retry:")
_REFUSED = re.compile(r"failed; will retry: \S+ \S+ -> APIForbiddenError")
_CONNECTION = re.compile(r"ConnectionKey\((?:[^()]|\([^()]*\))*\), ")

# What Kopf writes of each of its tasks that an error ends: the watch reports it in a line of its own, and why.
_TASK_ENDED = re.compile(r"^[^:]* has failed: ")

# User and password in a URL, of a proxy say.
_USER = re.compile(r"(?<=://)[^\s/?#]*@")

# An error of Kopf's with what the API server, or a gateway before it, has answered: all to the end of the line.
_ANSWER = re.compile(r"\b(API\w*Error)\(.*?(, status=\d{3}\))?$")

# What asyncio writes of a task that failed: all to the end of the line.
_OF_A_TASK = re.compile(r"\bexception=(\w+)\(.*$")


def about(source: Source, **fields: str) -> dict[str, str]:
    """Return the `extra` of a log record about a source."""
    return {"namespace": source.namespace, "source": source.name, "uid": source.uid, **fields}


class LogOnce:
    """Logs what is wrong when that changes, and not at each try.

    Parameters
    ----------
    logger, level
        Where to, and how.
    over
        What to log when nothing is wrong anymore, or empty.
    """

    def __init__(self, logger: logging.Logger, *, level: int = logging.WARNING, over: str = "") -> None:
        self._logger = logger
        self._level = level
        self._over = over
        self._last = ""

    def log(self, trouble: str) -> None:
        """Take in what is wrong now. Empty: nothing."""
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
    handler.addFilter(lambda record: record.levelno >= least)  # again: it may be another level now
    # Only the operator's own loggers go below INFO: at DEBUG, libraries write whole requests and responses, with
    # configuration values and tokens.
    logging.basicConfig(level=max(logging.INFO, least), handlers=[handler], force=True)
    logging.getLogger("appconfig_operator").setLevel(least)
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_ended
    sys.excepthook = _process_ended
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, least))
    # At WARNING, it writes the URL of an answer with a broken header, and that of AppConfig has the token in it.
    logging.getLogger("urllib3").setLevel(max(logging.ERROR, least))
    # botocore writes what AWS says of a failed refresh, which may quote a token. The condition names the failure.
    logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)
    # It warns that it takes no signals, each time a watch begins: `app` does.
    logging.getLogger("kopf._core.reactor.running").setLevel(max(logging.ERROR, least))


def _fold(record: logging.LogRecord) -> bool:
    """Make one line of a record, or none, without the text of an error of a library: that could quote anything."""
    text = _USER.sub("", " ".join(record.getMessage().split()))
    if record.name.startswith("kopf"):
        if _REFUSED.search(text):
            return False  # at each try, forever: `rights` logs it, once
        if record.exc_info and _TASK_ENDED.search(text):
            return False
        # The traceback of an error inside Kopf is long, and its end is in the message.
        text = _ANSWER.sub(_without_words, _CONNECTION.sub("", text))
        if _AGAIN.search(text):
            # Not an error yet: it may pass. Kopf never gives up, and from the sixth try on it is one.
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    elif record.exc_info and record.exc_info[1] is not None:
        text = _OF_A_TASK.sub(r"exception=\1", text) + f" ({told(record.exc_info[1])})"
    record.exc_info, record.exc_text, record.stack_info = None, None, None
    record.msg, record.args = text, None
    return True


def _without_words(found: re.Match[str]) -> str:
    return found[1] + (found[2] or "").replace(", ", " (")


def _make_visible(record: logging.LogRecord) -> bool:
    """Let no name that is quoted rule the terminal of whoever reads the log: in the message, and in all beside it."""
    for name, value in vars(record).items():
        if isinstance(value, str):
            setattr(record, name, visible(value))
    return True


def told(error: BaseException) -> str:
    """Return type and place of an error, and nothing of its text, which could quote a configuration value."""
    frames = traceback.extract_tb(error.__traceback__)
    where = "; ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__} at {where}" if where else type(error).__name__


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    """Log what ended a thread as all else is logged. Python would write it to standard error, with its text."""
    name = args.thread.name if args.thread is not None else "?"
    what = told(args.exc_value) if args.exc_value is not None else args.exc_type.__name__
    logger.critical("The thread %s ended with %s", name, what)


def _process_ended(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        logger.critical("Interrupted")
    else:
        logger.critical("The process ended with %s", told(error))


def _json() -> logging.Formatter:
    return JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        datefmt="%Y-%m-%dT%H:%M:%S%z",
    )


class TextFormatter(logging.Formatter):
    """A line for people: time, level, what it is about, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Add the fields that the record has."""
        line = super().format(record)
        fields = [f"{name}={getattr(record, name)}" for name in _FIELDS if hasattr(record, name)]
        return " ".join([line, *fields])
