"""A strict AppConfig data plane in front of MiniStack: the rules of the real one that MiniStack lacks, and faults."""

from sandbox.aws.data_plane.calls import Call
from sandbox.aws.data_plane.experiments import Experiment
from sandbox.aws.data_plane.faults import Fault, Spoil
from sandbox.aws.data_plane.messages import Answer, Operation, Problem
from sandbox.aws.data_plane.proxy import AppConfigProxy
from sandbox.aws.data_plane.tokens import Rules

__all__ = ["Answer", "AppConfigProxy", "Call", "Experiment", "Fault", "Operation", "Problem", "Rules", "Spoil"]
