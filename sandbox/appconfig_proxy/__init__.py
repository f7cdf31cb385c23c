"""A strict AppConfig data plane in front of MiniStack: what MiniStack leaves out of the real one, and faults."""

from sandbox.appconfig_proxy.calls import Call
from sandbox.appconfig_proxy.experiments import Experiment
from sandbox.appconfig_proxy.faults import Fault, Spoil
from sandbox.appconfig_proxy.messages import Answer, Operation, Problem
from sandbox.appconfig_proxy.proxy import AppConfigProxy
from sandbox.appconfig_proxy.tokens import Rules

__all__ = ["Answer", "AppConfigProxy", "Call", "Experiment", "Fault", "Operation", "Problem", "Rules", "Spoil"]
