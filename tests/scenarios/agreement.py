"""What a claim of the agent means for what the lab must say: one function, asked after every command that may write."""

from __future__ import annotations

from typing import Any

from harness import Answer, Photograph, Stand

AS_IT_WAS = frozenset({"right", "pending", "skipped", "unreachable", "failed", "rolled_back"})
"""States that say: the settings of this server are what they were before the run."""


def disagreements(stand: Stand, answer: Answer, before: dict[str, Photograph], name: str = "EX01") -> list[str]:
    """Everything in which the lab contradicts the answer; empty where they agree."""
    claimed, truth = answer.server(name), stand.truth(name)
    now, then = stand.photograph()[name], before[name]
    found = [*_settings(stand, claimed, now, then), *_others(stand, before, name)]
    if truth.iisresets > 1:
        found.append(f"{truth.iisresets} iisresets in one run")
    if truth.iisreset_kills:
        found.append("iisreset killed services, which /noforce never does")
    if claimed["state"] == "changed" and truth.iisresets != 1 and not truth.reboots:  # a boot starts IIS as well
        found.append("changed, but IIS was not restarted")
    if silent := [service for service in truth.services_down if service not in claimed["reason"]]:
        found.append(f"down, and not said: {silent}")
    if claimed["state"] != "unknown" and truth.markers:
        found.append(f"left on the server: {truth.markers}")
    return found


def _settings(stand: Stand, claimed: dict[str, Any], now: Photograph, then: Photograph) -> list[str]:
    """The metabase, key by key."""
    paths = {each["path"] for each in claimed["directories"]}
    changed = now.keys_changed_since(then)
    found = [f"another key was changed: {path}" for path in changed - paths]
    if claimed["state"] in AS_IT_WAS:
        found += [f"not as it was: {path}" for path in changed & paths]
    if claimed["state"] == "changed":
        for each in claimed["directories"]:
            wanted = each["after"] if each["after"] != each["before"] else None
            for where, tree in (("in memory", now.memory), ("on disk", now.disk)):
                own = tree[each["path"]][1].get("AccessSSLFlags")
                if wanted is not None and own != wanted:
                    found.append(f"{each['path']} holds {own} {where} and not {wanted}")
    return found


def _others(stand: Stand, before: dict[str, Photograph], name: str) -> list[str]:
    """Servers that the command had nothing to do with."""
    now = stand.photograph()
    return [f"{other} was changed too" for other in now if other.startswith("CAS") and now[other] != before[other]]
