"""Owns what remains broken after a change that was right, and whether that speaks for taking the change back.

The change clears SSL on the ActiveSync directory, and the proxy's own question (the hop) is what proves it. Where that
was refused before and is answered well now, and FolderSync fails all the same for a cause that stood in the settings
before the change, or that is the test user's, putting SSL back would mend nothing: phones were kept out before for
certain, they would be again once the other cause is gone, and it costs a second restart of IIS with its mail flow. So
the change stays, and the server has `failed`, with the cause and what to do about it.

Everything else is taken back as `run.on_failure` says: a hop that is still bad, although its cause may have been there
before (a directory that offers only Basic must not be left without SSL, domain 8.1); a failure that nobody can explain,
because the restart may have caused it; a phone that came through before and does not now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.causes import END_TO_END, USERS
from agent.decoder import Diagnosis, decode
from agent.model import Finding, Probe, Proof, Server, Verdict
from agent.probe.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Remains:
    """What the change has mended, and what keeps phones out all the same."""

    mended: tuple[str, ...]  # the origins whose question was refused before and is answered well now
    broken: tuple[tuple[str, str], ...]  # each proxy that phones cannot come through, and why

    @property
    def words(self) -> str:
        """For the reason of the server's state."""
        causes: dict[str, list[str]] = {}
        for proxy, cause in self.broken:
            causes.setdefault(cause, []).append(proxy)
        said = "; ".join(f"through {', '.join(proxies)}: {cause}" for cause, proxies in causes.items())
        return f"SSL is cleared, and proved on the hop from {', '.join(self.mended)}; FolderSync still fails {said}"


def remains(server: Server, finding: Finding, before: Sequence[Proof], after: Sequence[Proof]) -> Remains | None:
    """What remains, where the change is not to blame for any of it; None where it may be, or nothing is certain.

    The `finding` is from before the change, and so are the proofs `before`.
    """
    then, now = _of(before, Probe.HOP), _of(after, Probe.HOP)
    mended = [name for name, was in then.items() if was is Verdict.BAD and now.get(name) is Verdict.GOOD]
    flags = [proof for proof in after if proof.probe is Probe.METABASE]
    if not mended or Verdict.BAD in now.values() or any(proof.verdict is not Verdict.GOOD for proof in flags):
        return None
    worked = {name for name, was in _of(before, Probe.END_TO_END).items() if was is Verdict.GOOD}
    broken = []
    for proof in after:
        if proof.probe is Probe.END_TO_END and proof.verdict is Verdict.BAD:
            words = _blameless(server, finding, proof, after)
            if not words or proof.origin in worked or now.get(proof.origin) is not Verdict.GOOD:
                return None
            broken.append((proof.origin, words))
    return Remains(tuple(mended), tuple(broken)) if broken else None


def _of(proofs: Sequence[Proof], kind: Probe) -> dict[str, Verdict]:
    """The last verdict of each origin."""
    return {proof.origin: proof.verdict for proof in proofs if proof.probe is kind}


def _blameless(server: Server, finding: Finding, proof: Proof, after: Sequence[Proof]) -> str:
    """The cause of this failure in words, where it is certainly not the change; else empty."""
    fits = END_TO_END.get(proof.cause, ())
    if fits and set(fits) <= USERS:
        return f"{proof.cause} ({proof.evidence}), which is about the test user"
    return "; ".join(_said(each) for each in _standing(server, finding, proof, after) if each.cause.name in fits)


def _standing(server: Server, finding: Finding, proof: Proof, after: Sequence[Proof]) -> Iterator[Diagnosis]:
    """What stood in the settings before the change and still may: all but what the hop has shown to be gone."""
    hops = tuple(each for each in after if each.probe is Probe.HOP)
    yield from decode(Evidence(proof.origin, server, proof.at, finding, proofs=hops))


def _said(each: Diagnosis) -> str:
    article = f" ({each.cause.article})" if each.cause.article else ""
    return f"{each.evidence[0]}{article}. {each.cause.next_step}".rstrip(".")
