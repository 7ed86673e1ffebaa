"""Owns the decision: a finding becomes the exact changes and steps for one server, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.guards import obstacles
from agent.model import (
    Action,
    Change,
    Finding,
    Guard,
    Impact,
    Obstacle,
    RestartMethod,
    Script,
    Server,
    ServerPlan,
    ServerState,
    Service,
    Sibling,
    Step,
    digest,
)
from agent.model.plan import LEADS_TO
from agent.outcome import sentences
from agent.siblings import breaks_the_path, siblings

MOVED = "refused: the server has changed since the plan was made, or is another one of that name; plan again"

LAST = "IIS is restarted after the last server (run.restart_proxies)"
"""Why a proxy is part of a plan."""


@dataclass(frozen=True, slots=True)
class Restart:
    """How IIS is to be made to start afresh, and how long `iisreset` may take, in seconds."""

    method: RestartMethod = RestartMethod.IISRESET
    timeout: int = 60


def decide(server: Server, finding: Finding, scripts: Mapping[str, Script], restart: Restart) -> ServerPlan:
    """What would be done to this server, exactly."""
    against = obstacles(server, finding)
    changes = tuple(wanted(finding, server))
    needed = [change for change in changes if change.is_needed]
    state, reason = _judge(finding, needed, against, restart)
    is_pending = state is ServerState.PENDING
    return ServerPlan(
        server=server.name,
        state=state,
        reason=reason,
        changes=changes,
        steps=tuple(_steps(finding, needed, scripts, restart)) if is_pending else (),
        impact=impact(finding, restart) if is_pending else None,
        obstacles=against,
        siblings=finding.siblings,
        fingerprint=fingerprint(finding),
    )


def restarts(
    plans: Iterable[ServerPlan], servers: Iterable[Server], scripts: Mapping[str, Script], restart: Restart
) -> tuple[ServerPlan, ...]:
    """The proxies that lead to a server which is to be changed, by name: IIS is restarted on each, once and last."""
    pending = {plan.server.casefold() for plan in plans if plan.steps}
    led: dict[str, tuple[str, list[str]]] = {}
    for server in servers:
        for proxy in server.proxies if server.name.casefold() in pending else ():
            led.setdefault(proxy.casefold(), (proxy, []))[1].append(server.name)
    return tuple(_restart_of(*led[key], scripts["restart"], restart) for key in sorted(led))


def _restart_of(proxy: str, names: Sequence[str], script: Script, restart: Restart) -> ServerPlan:
    step = _step(Action.RESTART, script, ("TimeoutSeconds", restart.timeout), (LEADS_TO, tuple(names)))
    return ServerPlan(proxy, ServerState.PENDING, LAST, steps=(step,), impact=Impact(RestartMethod.IISRESET, ()))


def wanted(finding: Finding, server: Server) -> Iterable[Change]:
    """The flag word that every ActiveSync directory, and every child key that overrides it, ought to have.

    `old & ~(8 | 64 | 256)`, 64 only with leave (domain 2.2); explicit, on the directory only (domain 2.3).
    """
    certificates = Guard.CLIENT_CERTIFICATES in server.allowed
    for vdir in finding.eas:
        after = vdir.flags.cleared(certificates=certificates)
        yield Change(vdir.path, vdir.flags, after, vdir.is_explicit, vdir.inherited_from)
        for child in vdir.children:
            yield Change(child.path, child.flags, child.flags.cleared(certificates=certificates), is_explicit=True)


def impact(finding: Finding, restart: Restart) -> Impact:
    """The running services that stop with the restart: all that depend on IISADMIN, and itself (domain 5.1)."""
    if restart.method is not RestartMethod.IISRESET:
        return Impact(restart.method, ())
    touched = [found for found in finding.services if found.is_running and _stops_with_iis(found)]
    return Impact(restart.method, tuple(sorted(found.name for found in touched)))


def fingerprint(finding: Finding) -> str:
    """A digest of all that the decision rests on; another one later means that the server has moved since.

    Which server it is counts too: one of the same name in another fleet is not the one that was decided about.
    """
    facts = finding.facts
    return digest(
        {
            "endpoint": finding.endpoint,
            "fqdn": facts.fqdn.casefold(),
            "vdirs": finding.vdirs,
            "ad": [replace(found, message="") for found in finding.ad_objects],  # its words may vary from day to day
            "service_pack": facts.exchange_service_pack,
            "front_end": facts.is_front_end,
            "clustered": facts.is_clustered,
            "iisreset_disabled": facts.is_iisreset_disabled,
            "exchange_vdir": facts.exchange_vdir,
        }
    )


def is_done(planned: ServerPlan, now: ServerPlan) -> bool:
    """Somebody has done by now what was planned. A directory that is gone is no way of doing it: that is a fault."""
    return bool(planned.steps) and now.state is ServerState.RIGHT


def moved(planned: ServerPlan, now: ServerPlan) -> str:
    """Why a plan does not fit the server any more, with what is new there; empty where it fits, or is done."""
    if now.fingerprint == planned.fingerprint or is_done(planned, now):
        return ""
    news = _news(planned.changes, now.changes)
    return sentences(MOVED, news) if news else MOVED


def _news(planned: Sequence[Change], now: Sequence[Change]) -> str:
    """What of the flags is not as it was; empty where it is something else."""
    before = {each.path.casefold(): each for each in planned}
    found = {each.path.casefold(): each for each in now}
    told = [f"{each.path} is gone" for key, each in before.items() if key not in found]
    told += [f"{each.path} is new" for key, each in found.items() if key not in before]
    for key in before.keys() & found.keys():
        then, is_now = before[key], found[key]
        if (then.before, then.is_explicit) != (is_now.before, is_now.is_explicit):
            told.append(f"{is_now.path} holds {_held(is_now)} instead of {_held(then)}")
    return "; ".join(sorted(told))


def _held(change: Change) -> str:
    return f"{change.before.meaning} ({'its own' if change.is_explicit else 'inherited'})"


def _stops_with_iis(service: Service) -> bool:
    return service.depends_on_iisadmin or service.name.upper() == "IISADMIN"


def _judge(
    finding: Finding, changes: Sequence[Change], against: Sequence[Obstacle], restart: Restart
) -> tuple[ServerState, str]:
    """The server's state before anything is done, and why."""
    standing = [found for found in against if not found.is_overridden]
    broken = [found for found in siblings(finding) if breaks_the_path(found)]
    is_blocked = bool(changes) or any(flags.blocks_proxy for vdir in finding.eas for _, flags in vdir.words)
    if is_blocked and standing:
        return ServerState.SKIPPED, "; ".join(f"{found.reason}. {found.instead}" for found in standing)
    if changes and finding.facts.is_iisreset_disabled and restart.method is RestartMethod.IISRESET:
        return ServerState.SKIPPED, "iisreset is disabled on this server: enable it, or set restart.method to recycle"
    if changes and restart.method is RestartMethod.RECYCLE and len(_pools(finding)) != 1:
        pools = ", ".join(_pools(finding)) or "none"
        return ServerState.SKIPPED, f"recycle needs one application pool, and there are: {pools}; use iisreset"
    if changes:
        return ServerState.PENDING, _pending(changes, broken)
    if broken:
        return ServerState.FAILED, f"SSL is not the cause: {_list(broken)}"
    return ServerState.RIGHT, "no ActiveSync directory requires SSL"


def _pools(finding: Finding) -> list[str]:
    return sorted({vdir.app_pool for vdir in finding.eas if vdir.app_pool})


def _pending(changes: Sequence[Change], broken: Sequence[Sibling]) -> str:
    """In one line what blocks the proxy; the keys with their words are the directories of the answer."""
    keys = "key blocks" if len(changes) == 1 else "keys block"
    words = f"{len(changes)} {keys} the proxy: {'; '.join(sorted({change.before.meaning for change in changes}))}"
    return f"{words}. SSL is not the only cause: {_list(broken)}" if broken else words


def _list(broken: Sequence[Sibling]) -> str:
    return "; ".join(f"{found.evidence}. {found.next_step}" for found in broken)


def _steps(
    finding: Finding, changes: Sequence[Change], scripts: Mapping[str, Script], restart: Restart
) -> Iterable[Step]:
    """The writes in their order: insurance, the flag of each key, the restart; the look afterwards is no write."""
    yield _step(Action.BACK_UP, scripts["backup"])
    for change in changes:
        script = scripts["clear"]
        yield Step(
            id=f"{Action.CLEAR} {change.path}",
            action=Action.CLEAR,
            script=script.id,
            script_sha256=script.sha256,
            path=change.path,
            before=int(change.before),
            after=int(change.after),
        )
    if restart.method is RestartMethod.IISRESET:
        yield _step(Action.RESTART, scripts["restart"], ("TimeoutSeconds", restart.timeout))
    elif restart.method is RestartMethod.RECYCLE:
        yield _step(Action.RESTART, scripts["recycle"], ("AppPool", _pools(finding)[0]))


def _step(action: Action, script: Script, *arguments: tuple[str, str | int | tuple[str, ...]]) -> Step:
    return Step(str(action), action, script.id, script.sha256, arguments=arguments)
