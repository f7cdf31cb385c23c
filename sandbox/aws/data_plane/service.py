"""The strict service: it applies the script of faults, the rules of tokens, and MiniStack. No sockets."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import blake2b
from http import HTTPStatus
from typing import TYPE_CHECKING

from sandbox.aws.data_plane.calls import Call
from sandbox.aws.data_plane.faults import Fault, Script, Spoil
from sandbox.aws.data_plane.messages import (
    INITIAL_TOKEN,
    NEXT_INTERVAL,
    NEXT_TOKEN,
    VERSION_LABEL,
    Answer,
    Incoming,
    Operation,
    Problem,
    compact,
    invalid_token,
    no_deployment,
    not_found,
    refusal,
    reshaped,
)
from sandbox.aws.data_plane.rendering import Served, render
from sandbox.aws.data_plane.tokens import Rules, Session, Token, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.appconfig import Place
    from sandbox.aws.data_plane.backend import Backend, Content
    from sandbox.aws.data_plane.experiments import Experiment


@dataclass(frozen=True)
class Reply:
    """An answer, and how to send it."""

    answer: Answer
    fault: Fault | None = None


@dataclass
class _Run:
    place: Place
    experiment: Experiment


class Service:
    """AppConfig's data plane. Safe to share between threads.

    Parameters
    ----------
    backend
        Knows what exists, and what is served.
    rules
        How strict to be.
    clock
        The clock for the rules, in seconds.
    now
        The clock for the record of calls, in seconds.
    """

    def __init__(self, backend: Backend, rules: Rules, clock: Callable[[], float], now: Callable[[], float]) -> None:
        self._backend = backend
        self._rules = rules
        self._now = now
        self._lock = threading.Lock()
        self._tokens = Tokens(rules, clock)
        self._script = Script()
        self._calls: list[Call] = []
        self._runs: list[_Run] = []
        self._changed: dict[Place, float] = {}

    def plan(self, operation: Operation, fault: Fault, times: int | None, place: Place | None) -> None:
        """Plan a fault."""
        with self._lock:
            self._script.add(operation, fault, times, place)

    def heal(self) -> None:
        """Forget all planned faults."""
        with self._lock:
            self._script.clear()

    def calls(self) -> list[Call]:
        """Copy the record."""
        with self._lock:
            return list(self._calls)

    def tokens(self) -> list[str]:
        """Return all tokens that were issued."""
        with self._lock:
            return self._tokens.issued()

    def begin(self, place: Place, experiment: Experiment, at: float) -> None:
        """Start an experiment, at a Unix time."""
        ids = self._backend.identify(place)
        with self._lock:
            self._runs.insert(0, _Run(ids, experiment))
            self._changed[ids] = at

    def end(self, place: Place, flag: str, at: float) -> None:
        """End the experiments with a flag, at a Unix time."""
        ids = self._backend.identify(place)
        with self._lock:
            self._runs = [run for run in self._runs if (run.place, run.experiment.flag) != (ids, flag)]
            self._changed[ids] = at

    def handle(self, request: Incoming) -> Reply:
        """Answer a request, and record it."""
        arrived = self._now()
        operation = request.operation
        with self._lock:
            token = self._tokens.find(request.token) if operation is Operation.LATEST else None
            session = None if token is None else token.session
            place = request.place if operation is Operation.START else None
            if session is not None:
                place = session.place
            replay = token is not None and token.used > 0
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
                    answer = self._backend.forward(request)
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
            replay=replay,
        )
        with self._lock:
            self._calls.append(call)
        return Reply(answer, fault)

    def _start(self, request: Incoming) -> tuple[Answer, Session | None]:
        feed = self._backend.open(request)
        if isinstance(feed, Answer):
            return reshaped(feed), None
        first: Content | None = None
        if self._rules.lag_since is not None:
            first = self._backend.earlier(feed, request, self._rules.lag_since)
            if first is None:
                return no_deployment(request.place), None
            first = None if first == feed.content else first
        with self._lock:
            token, session = self._tokens.start(request.place, request.poll_interval, feed, first)
        body = compact({INITIAL_TOKEN: token})
        return Answer(HTTPStatus.CREATED, {"Content-Type": "application/json"}, body), session

    def _latest(self, request: Incoming) -> Answer:
        refused = self._backend.admit(request)
        if refused is not None:
            return reshaped(refused)
        with self._lock:
            token = self._tokens.spend(request.token)
        if isinstance(token, Problem):
            return invalid_token(token)
        with token.session.lock:
            answer = self._deliver(token, request)
        if answer.status != HTTPStatus.OK:
            # It is unknown whether AWS counts the token as used then.
            with self._lock:
                self._tokens.give_back(token)
        return answer

    def _deliver(self, token: Token, request: Incoming) -> Answer:
        session, feed = token.session, token.session.feed
        content, session.first = session.first, None
        if content is None:
            if session.gone and not self._rules.revive:
                return _gone(request)
            refused = self._backend.refresh(feed, request)
            if refused is not None:
                return reshaped(refused)
            content = feed.content
            session.gone = content is None
        if content is None:
            return _gone(request)
        try:
            served = self._served(session, content, request)
        except ValueError as error:
            return refusal(HTTPStatus.NOT_IMPLEMENTED, "SandboxException", f"sandbox: {error}")
        version = 0 if content is not feed.content else feed.serial
        received = blake2b(served.body, key=version.to_bytes(8, "big"), digest_size=16).digest()
        with self._lock:
            headers = {
                NEXT_INTERVAL: str(self._tokens.interval(session)),
                NEXT_TOKEN: self._tokens.renew(session, received),
                "Content-Type": served.content_type,
                **served.headers,
            }
        if received == token.received:
            return Answer(HTTPStatus.OK, headers)
        label = {VERSION_LABEL: content.version_label} if content.version_label else {}
        return Answer(HTTPStatus.OK, headers | label, served.body)

    def _served(self, session: Session, content: Content, request: Incoming) -> Served:
        feed = session.feed
        if not feed.flags:
            return Served(content.body, content.content_type)
        with self._lock:
            running = [run.experiment for run in self._runs if run.place == feed.ids]
            changed = self._changed.get(feed.ids, 0.0)
        served = render(content, request.accept, running, self._rules)
        if not served.rules:
            return served
        modified = max(changed, self._backend.modified(feed, request))
        return Served(
            served.body,
            served.content_type,
            {"Last-Modified": formatdate(modified, usegmt=True), **served.headers},
            rules=True,
        )


def _gone(request: Incoming) -> Answer:
    return not_found("Configuration", ConfigurationToken=request.token)
