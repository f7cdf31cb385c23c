"""The strict service: each request through the script, the rules of tokens, and what MiniStack says. No sockets."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from sandbox.appconfig_proxy.calls import Call
from sandbox.appconfig_proxy.faults import Fault, Script, Spoil
from sandbox.appconfig_proxy.messages import (
    INITIAL_TOKEN,
    NEXT_TOKEN,
    VERSION_LABEL,
    Answer,
    Incoming,
    Operation,
    Problem,
    invalid_token,
    not_found,
)
from sandbox.appconfig_proxy.tokens import Rules, Session, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.appconfig import Place

_KINDS = {
    "application": "Application",
    "environment": "Environment",
    "configuration profile": "ConfigurationProfile",
}


@dataclass(frozen=True)
class Reply:
    """What to send, and how."""

    answer: Answer
    fault: Fault | None = None


class Service:
    """AppConfig's data plane. Safe to share between threads.

    Parameters
    ----------
    upstream
        Answers what the rules let through.
    rules
        How strict to be.
    clock
        Seconds, for the rules.
    now
        Seconds, for the record of calls.
    """

    def __init__(
        self,
        upstream: Callable[[Incoming], Answer],
        rules: Rules,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._upstream = upstream
        self._now = now
        self._lock = threading.Lock()
        self._tokens = Tokens(rules, clock)
        self._script = Script()
        self._calls: list[Call] = []

    def plan(self, operation: Operation, fault: Fault, times: int | None, place: Place | None) -> None:
        """Plan a fault."""
        with self._lock:
            self._script.add(operation, fault, times, place)

    def heal(self) -> None:
        """Forget the faults that are planned."""
        with self._lock:
            self._script.clear()

    def calls(self) -> list[Call]:
        """Copy the record."""
        with self._lock:
            return list(self._calls)

    def handle(self, request: Incoming) -> Reply:
        """Answer a request, and record it."""
        arrived = self._now()
        operation = request.operation
        with self._lock:
            session = self._tokens.session(request.token) if operation is Operation.LATEST else None
            place = request.place if operation is Operation.START else None
            if session is not None:
                place = session.place
            fault = self._script.take(operation, place)
        if fault is not None and fault.answer is not None:
            answer = fault.answer
        else:
            match operation:
                case Operation.START:
                    answer, session = self._start(request)
                case Operation.LATEST:
                    answer = self._latest(request)
                case _:
                    answer = self._upstream(request)
        seen = fault is None or fault.spoil not in {Spoil.HANG, Spoil.CUT}
        call = Call(
            time=arrived,
            operation=operation,
            status=answer.status if seen else None,
            place=place,
            session=None if session is None else session.number,
            fault=fault.name if fault else "",
            caller=request.access_key,
            size=len(answer.body) if operation is Operation.LATEST and answer.status == HTTPStatus.OK else 0,
        )
        with self._lock:
            self._calls.append(call)
        return Reply(answer, fault)

    def _start(self, request: Incoming) -> tuple[Answer, Session | None]:
        answer = self._upstream(request)
        if answer.status == HTTPStatus.NOT_FOUND:
            return _detailed(answer, request.place), None
        if answer.status != HTTPStatus.CREATED:
            return answer, None
        token = json.loads(answer.body)[INITIAL_TOKEN]
        with self._lock:
            return answer, self._tokens.start(token, request.place, request.poll_interval)

    def _latest(self, request: Incoming) -> Answer:
        with self._lock:
            session = self._tokens.spend(request.token)
        if isinstance(session, Problem):
            return invalid_token(session)
        answer = self._upstream(request)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            with self._lock:
                self._tokens.give_back(request.token)
            return answer
        if answer.status != HTTPStatus.OK:  # a MiniStack that was started anew
            return invalid_token(Problem.CORRUPTED)
        with self._lock:
            self._tokens.renew(answer.header(NEXT_TOKEN), session)
            answer = answer.with_headers(next_poll_interval_in_seconds=str(self._tokens.interval(session)))
            label = answer.header(VERSION_LABEL)
            if answer.body or label != session.version_label:
                session.version_label = label
                return answer
        # MiniStack tells label and content type of what it does not send.
        return answer.with_headers(version_label="", content_type=None)


def _detailed(answer: Answer, place: Place) -> Answer:
    """Add to MiniStack's error what it leaves out."""
    message = str(json.loads(answer.body)["Message"])
    kind = next((kind for words, kind in _KINDS.items() if message.lower().startswith(words)), "")
    identifier = {"Application": place.application, "Environment": place.environment}.get(kind, place.profile)
    return not_found(kind, f"{kind}Identifier", identifier, message)
