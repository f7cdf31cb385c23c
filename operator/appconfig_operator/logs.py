"""Logs: one line an event, as JSON or text, with the source it is about. No values, no tokens, no credentials."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

from pythonjsonlogger.json import JsonFormatter

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source

FORMATS = ("json", "text")
LEVELS = ("debug", "info", "warning", "error")

_FIELDS = ("namespace", "source", "uid", "reason")

# Kopf tells of each object that it sees, and botocore of each endpoint.
_QUIET = ("kopf.objects", "kopf.activities", "kopf._core", "botocore")

# What Kopf writes of each call of the API server that fails, and the many settings of the connection in it.
_AGAIN = re.compile(r"attempt #[1-5](/\d+)? failed; will retry:")
_CONNECTION = re.compile(r"ConnectionKey\([^()]*\), ")


def about(source: Source, **fields: str) -> dict[str, str]:
    """Return the `extra` of a log record about a source."""
    return {"namespace": source.namespace, "source": source.name, "uid": source.uid, **fields}


def configure(*, log_format: str, level: str) -> None:
    """Send all logs to standard error, in one format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json() if log_format == "json" else TextFormatter())
    least = logging.getLevelNamesMapping()[level.upper()]
    handler.addFilter(_fold)
    handler.addFilter(lambda record: record.levelno >= least)  # again: it may be another level now
    # Only the operator's own loggers go below INFO: at DEBUG, libraries write whole requests and responses, with
    # configuration values and tokens.
    logging.basicConfig(level=max(logging.INFO, least), handlers=[handler], force=True)
    logging.getLogger("appconfig_operator").setLevel(least)
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, least))
    # botocore writes what AWS says of a failed refresh, which may quote a token. The condition tells of the failure.
    logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)
    # It warns that it takes no signals, each time a watch begins: `app` does.
    logging.getLogger("kopf._core.reactor.running").setLevel(max(logging.ERROR, least))


def _fold(record: logging.LogRecord) -> bool:
    """Make one line of a record. The traceback of an error inside Kopf is long, and its end is in the message."""
    text = " ".join(record.getMessage().split())
    if record.name.startswith("kopf"):
        record.exc_info, record.exc_text, record.stack_info = None, None, None
        text = _CONNECTION.sub("", text)
        if _AGAIN.search(text):
            # Not an error yet: it may pass. Kopf never gives up, and from the sixth try on it is one.
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    record.msg, record.args = text, None
    return True


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
