"""The Leases of the operator, in one namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.api.labels import FIELD_MANAGER
from appconfig_operator.core.sharding.lease import SELECTOR, Lease, from_dict, to_dict
from appconfig_operator.core.sharding.lease_failures import VERBS
from appconfig_operator.core.sharding.lease_requests import CreateLease, Failure, LeaseError, ListLeases, ReplaceLease
from appconfig_operator.core.sharding.other_operators import EVERYWHERE, SERVES
from appconfig_operator.kube.errors import CONFLICT, FORBIDDEN, NOT_FOUND, ApiError, UnreachableError
from appconfig_operator.kube.pages import Pages
from appconfig_operator.kube.paths import resource_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import Any

    from appconfig_operator.core.sharding.lease_requests import Answer, Request
    from appconfig_operator.kube.api import Api

_FAILURES = {CONFLICT: Failure.CONFLICT, NOT_FOUND: Failure.NOT_FOUND}


class Leases:
    """Makes the requests of an election.

    Parameters
    ----------
    api
        The API server.
    namespace
        Where the Leases are.
    timeout
        Seconds that one call may take. A small part of the duration of a Lease: a call that hangs must leave time for
        another.
    utc_now
        The time that Leases show to people.
    owned
        Returns metadata for each of them that say who owns it.
    serves
        What the holder serves, for other operators to read.
    """

    def __init__(  # noqa: PLR0913 (what Leases are made from, all by name)
        self,
        api: Api,
        namespace: str,
        *,
        timeout: float,
        utc_now: Callable[[], datetime],
        owned: Callable[[], Mapping[str, Any]] = dict,
        serves: str = EVERYWHERE,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._timeout = timeout
        self._utc_now = utc_now
        self._owned = owned
        self._serves = serves

    def carry_out(self, request: Request) -> Answer:
        """Make a request, and return its outcome.

        Raises
        ------
        LeaseError
            When it was refused, or it is unknown whether it was carried out.
        """
        try:
            return self._call(request)
        except ApiError as error:
            if isinstance(request, CreateLease) and error.status == NOT_FOUND:
                # A list does not show it: that of a missing namespace is empty.
                words = f"Leases in namespace {self._namespace}: the namespace does not exist."
                raise LeaseError(f"{words} Create it, or name a different one (--lease-namespace)") from error
            if error.status in _FAILURES and not isinstance(request, ListLeases):
                return _FAILURES[error.status]
            raise LeaseError(self._refusal(VERBS[type(request)], error)) from error
        except UnreachableError as error:
            words = f"Leases in namespace {self._namespace}: the Kubernetes API server could not be reached ({error})"
            raise LeaseError(words) from error

    def _refusal(self, verb: str, error: ApiError) -> str:
        """Say what was refused, without the API server's own text, which may quote what it was sent."""
        words = f"Leases in namespace {self._namespace}: the Kubernetes API server answered {verb} with {error}"
        if error.status != FORBIDDEN:
            return words
        remedy = (
            f"Bind a Role there that has the verb {verb} on leases in coordination.k8s.io, as manifests/base/rbac.yaml"
        )
        return f"{words}. {remedy} does"

    def _call(self, request: Request) -> Answer:
        collection = resource_path("leases", self._namespace)
        if isinstance(request, ListLeases):
            # No resourceVersion, so it is the newest: one from a cache could show what is past.
            query = {"labelSelector": SELECTOR}
            pages = Pages(self._api, collection, query=query, accept="application/json", timeout=self._timeout)
            found = map(from_dict, pages.items())
            return [lease for lease in found if lease is not None]
        if isinstance(request, CreateLease):
            return self._write("POST", collection, request.lease)
        path = resource_path("leases", self._namespace, request.lease.name)
        if isinstance(request, ReplaceLease):
            return self._write("PUT", path, request.lease)
        preconditions = {"uid": request.lease.uid, "resourceVersion": request.lease.version}
        self._api.call("DELETE", path, body={"preconditions": preconditions}, timeout=self._timeout)
        return None

    def _write(self, method: str, path: str, lease: Lease) -> Lease:
        now = self._utc_now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        body = to_dict(lease, now=now)
        body["metadata"]["annotations"][SERVES] = self._serves
        written: Mapping[str, Any] = self._api.call(
            method,
            path,
            query={"fieldManager": FIELD_MANAGER},
            body={**body, "metadata": {**body["metadata"], **self._owned()}},
            timeout=self._timeout,
        )
        answer = from_dict(written)
        if answer is None or answer.name != lease.name:
            raise UnreachableError("an answer that is about something else")
        return answer
