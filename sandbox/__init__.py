"""A real API server and an AppConfig on this machine, for the demo, the tests and the benchmarks."""

from sandbox.appconfig import AppConfig, Place
from sandbox.audit import Request
from sandbox.control_plane import ControlPlane
from sandbox.metrics import RequestCount
from sandbox.ministack import MiniStack
from sandbox.ports import LOOPBACK, free_ports
from sandbox.process import Process, ProcessError
from sandbox.waiting import wait_until

__all__ = [
    "LOOPBACK",
    "AppConfig",
    "ControlPlane",
    "MiniStack",
    "Place",
    "Process",
    "ProcessError",
    "Request",
    "RequestCount",
    "free_ports",
    "wait_until",
]
