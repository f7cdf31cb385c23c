"""A real API server and an AppConfig on this machine, for the demo, the tests and the benchmarks."""

from sandbox.aws.appconfig import AppConfig, Place
from sandbox.aws.ministack import MiniStack
from sandbox.kube.audit import Request
from sandbox.kube.control_plane import ControlPlane
from sandbox.kube.metrics import RequestCount
from sandbox.processes.ports import LOOPBACK, free_ports
from sandbox.processes.process import Process, ProcessError
from sandbox.processes.waiting import wait_until

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
