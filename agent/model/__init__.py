"""The nouns of easfix, frozen; the standard library only. One file a noun, all of them importable from here."""

from agent.model.approval import Approval
from agent.model.debt import Debt, DebtKind
from agent.model.finding import (
    AdObject,
    ChildKey,
    Finding,
    Obstacle,
    ServerFacts,
    Service,
    Sibling,
    Vdir,
    VdirRole,
)
from agent.model.flags import SSL_FLAGS, AuthFlags, SslFlags
from agent.model.plan import Change, Impact, Plan, RestartMethod, ServerPlan, digest
from agent.model.proof import Probe, Proof, Verdict
from agent.model.run import Attempt, Hand, Holder, RunRecord, SecondLook, ServerRecord, ServerState, StepRecord
from agent.model.script import Effect, Record, Scalar, Script, Value
from agent.model.server import Auth, Guard, Https, Role, Server, Way, Winrm
from agent.model.step import LIFE, Action, Prior, Step, StepState

__all__ = [
    "LIFE",
    "SSL_FLAGS",
    "Action",
    "AdObject",
    "Approval",
    "Attempt",
    "Auth",
    "AuthFlags",
    "Change",
    "ChildKey",
    "Debt",
    "DebtKind",
    "Effect",
    "Finding",
    "Guard",
    "Hand",
    "Holder",
    "Https",
    "Impact",
    "Obstacle",
    "Plan",
    "Prior",
    "Probe",
    "Proof",
    "Record",
    "RestartMethod",
    "Role",
    "RunRecord",
    "Scalar",
    "Script",
    "SecondLook",
    "Server",
    "ServerFacts",
    "ServerPlan",
    "ServerRecord",
    "ServerState",
    "Service",
    "Sibling",
    "SslFlags",
    "Step",
    "StepRecord",
    "StepState",
    "Value",
    "Vdir",
    "VdirRole",
    "Verdict",
    "Way",
    "Winrm",
    "digest",
]
