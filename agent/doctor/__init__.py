"""Owns the answer to "is this ready?": this workstation, each server and each proxy, without changing anything there.

`Workstation.examine` and `Doctor.examine` give a `Health`: checks with verdict, evidence and cure.
"""

from agent.doctor.check import WORKSTATION, Check, Grade, Health, Kind, worst
from agent.doctor.examine import Account, Doctor
from agent.doctor.workstation import Workstation

__all__ = ["WORKSTATION", "Account", "Check", "Doctor", "Grade", "Health", "Kind", "Workstation", "worst"]
