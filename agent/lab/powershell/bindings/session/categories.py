"""Owns the name [Management.Automation.ErrorCategory]."""

from agent.lab.powershell.errors import ERROR_CATEGORY
from agent.lab.powershell.types import register_enum

register_enum(ERROR_CATEGORY, "Management.Automation.ErrorCategory")
