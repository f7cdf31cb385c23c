"""Logs: one line an event, as JSON or text, with the source it is about. No values, no tokens, no credentials."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from pythonjsonlogger.json import JsonFormatter

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source

FORMATS = ("json", "text")
LEVELS = ("debug", "info", "warning", "error")

_FIELDS = ("namespace", "source", "uid", "reason")

# At level DEBUG these write whole requests and responses, configuration values and tokens among them.
_TALKATIVE = ("boto3", "botocore", "kubernetes", "urllib3", "aiohttp", "asyncio", "kopf")


def about(source: Source, **fields: str) -> dict[str, str]:
    """Return the `extra` of a log record about a source."""
    return {"namespace": source.namespace, "source": source.name, "uid": source.uid, **fields}


def configure(*, log_format: str, level: str) -> None:
    """Send all logs to standard error, in one format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))
    # Kopf tells of each object that it sees, and of each signal that is not its own.
    for name in ("kopf.objects", "kopf.activities", "kopf._core"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns that it takes no signals, each time a watch begins: `app` does.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)


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
