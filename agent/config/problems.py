"""What is wrong with a configuration, in the operator's words: what, where, what next; never a value."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from agent.config.document import Loc
from agent.config.layers import Layers, section_of, variables
from agent.config.places import VARIABLE
from agent.config.root import DELIMITER, PREFIX, Config
from agent.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_LIST = "should be a list: [ONE, TWO], or one a line with a dash before it"
_SECTION = "should be a section: keys with their values"
_WHOLE, _NUMBER, _TRUTH, _TEXT = (
    f"should be {kind}" for kind in ("a whole number", "a number", "true or false", "a text")
)

_WORDS = {
    "missing": "is missing",
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _SECTION,
    "mapping_type": _SECTION,
    "model_type": _SECTION,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "string_type": _TEXT,
    "string_too_short": "should not be empty",
    "too_short": "should not be empty",
    "string_too_long": "should be no longer than {max_length} characters",
    "greater_than": "should be more than {gt:.15g}",
    "greater_than_equal": "should be {ge:.15g} or more",
    "less_than": "should be less than {lt:.15g}",
    "less_than_equal": "should be {le:.15g} or less",
}
"""Of pydantic's kinds of error, those that an operator meets; the others already read like a sentence."""

_PATTERNS = {
    r"^[^\s,]+$": "should be one name, without a space or a comma",
    r"^([01]\d|2[0-3]):[0-5]\d$": 'should be a time of day, such as "22:00"',
}
"""By the pattern of the field (section, conduct)."""

_BY_NAME = ("ServerEntry", "ProxyEntry")
"""What may be written as a bare name."""

_PASSWORDS = ("password", "passwd", "pass", "secret")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and what to do about it."""

    loc: Loc
    text: str
    next_step: str = ""
    where: str = ""  # where it is not a place in the configuration


def of_validation(error: ValidationError) -> list[Problem]:
    """What pydantic found, with a did-you-mean for every unknown key."""
    items = error.errors(include_url=False, include_input=False)
    return [
        _unknown(item["loc"]) if item["type"] == "extra_forbidden" else Problem(item["loc"], _plain(item))
        for item in items
        if not _is_emptied(item["loc"], item["type"], items)
    ]


def _is_emptied(loc: Loc, kind: str, items: "Sequence[ErrorDetails]") -> bool:
    """A list that is too short since what it holds is wrong: that is said already."""
    within = (item for item in items if item["loc"] != loc and item["loc"][: len(loc)] == loc)
    return kind == "too_short" and any(within)


def of_references(config: Config) -> list[Problem]:
    """Names that are used and not defined, or defined twice."""
    problems = [*_twice(config)]
    sets, proxies = tuple(config.credentials), tuple(proxy.name for proxy in config.proxies)
    for key, machines in (("servers", config.servers), ("proxies", config.proxies)):
        for index, machine in enumerate(machines):
            problems += _missing((key, index, "credentials"), [machine.credentials], sets, "credential set")
    for index, server in enumerate(config.servers):
        problems += _missing(("servers", index, "test_user"), [server.test_user], sets, "credential set")
        problems += _missing(("servers", index, "proxies"), server.proxies or (), proxies, "proxy")
    problems += _missing(("journal_credentials",), [config.journal_credentials], sets, "credential set")
    if "://" in config.journal and ":" in config.journal.partition("://")[2].rpartition("@")[0]:
        problems.append(Problem(("journal",), "holds a password", "take it out, and name a set in journal_credentials"))
    return problems


def of_environment(config: Config) -> list[Problem]:
    """Variables that were meant for us and mean nothing: a misspelt one must not be ignored in silence."""
    known = {VARIABLE, *(credential.password_env.upper() for credential in config.credentials.values())}
    known |= {entry.url_env.upper() for entry in config.notify}
    return [
        Problem((), "this variable means nothing to easfix", hint, f"the environment ({name})")
        for name in variables()
        if name not in known and (hint := _meant_variable(name))
    ]


def refuse(problems: Sequence[Problem], layers: Layers) -> ConfigError:
    """All problems in one error; the first one gives it its place."""
    told = [(item.where or layers.where(item.loc), _sentence(item), item.next_step) for item in problems]
    where, text, next_step = told[0]
    if len(told) == 1:
        return ConfigError(text, where=where, next_step=next_step)
    lines = [f"  {place}: {line}" + (f" ({after})" if after else "") for place, line, after in told]
    return ConfigError("\n".join([f"{len(told)} things cannot be used", *lines]), where=where)


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> tuple[str, ...]:
    """The known names that were perhaps meant, whatever their case."""
    by_lower = {each.lower(): each for each in known}
    return tuple(by_lower[found] for found in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=cutoff))


def _sentence(problem: Problem) -> str:
    place = ".".join(str(part) for part in problem.loc)
    return f"{place}: {problem.text}" if place else problem.text


def _plain(item: "ErrorDetails") -> str:
    """The operator's words; what no row of ours fits says pydantic, which has no value in its sentence."""
    words = _WORDS.get(item["type"]) or _PATTERNS.get(str(item.get("ctx", {}).get("pattern")))
    if words is not None:
        if item["type"] == "model_type" and item["ctx"]["class_name"] in _BY_NAME:
            words = f"should be a name, or {words.removeprefix('should be ')}"
        return words.format_map(item.get("ctx", {}))
    text = item["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return text[:1].lower() + text[1:]


def _unknown(loc: Loc) -> Problem:
    key = str(loc[-1])
    if key.lower() in _PASSWORDS:
        hint = "a password never stands in the configuration: use password_env, password_file, keyring or prompt"
        return Problem(loc, "unknown key", hint)
    home = _section_at(loc[:-1])
    return Problem(loc, "unknown key", _meant(key, home.model_fields) or _elsewhere(key) or _choice(home))


def _meant(name: str, known: Iterable[str]) -> str:
    found = nearest(name, known)
    return f"did you mean {' or '.join(found)}?" if found else ""


def _meant_variable(name: str) -> str:
    """What a variable was meant to be; empty when it is right, or nothing that we would know of."""
    head, delimiter, rest = name.removeprefix(PREFIX).partition(DELIMITER)
    if head.lower() in Config.model_fields:
        return ""
    near = nearest(head, Config.model_fields, cutoff=0.6 if delimiter else 0.75)
    if near:
        return f"did you mean {PREFIX}{near[0].upper()}{delimiter}{rest}?"
    return f"sections are {', '.join(Config.model_fields)}" if delimiter else ""


def _elsewhere(key: str) -> str:
    homes = [name for name, field in Config.model_fields.items() if key in _keys(section_of(field.annotation))]
    return f"{key} belongs under {' or '.join(homes)}" if homes else ""


def _choice(home: type[BaseModel]) -> str:
    return f"known keys are {', '.join(home.model_fields)}"


def _keys(section: type[BaseModel] | None) -> Iterable[str]:
    return section.model_fields if section else ()


def _section_at(loc: Loc) -> type[BaseModel]:
    here: type[BaseModel] = Config
    for part in loc:
        field = here.model_fields.get(str(part))
        here = (section_of(field.annotation) if field else None) or here
    return here


def _twice(config: Config) -> Iterable[Problem]:
    seen: dict[str, str] = {}
    for key, machines in (("servers", config.servers), ("proxies", config.proxies)):
        for index, machine in enumerate(machines):
            name = machine.name.casefold()
            if name in seen:
                yield Problem((key, index, "name"), f"{machine.name} is already the name of {seen[name]}", "keep one")
            seen.setdefault(name, f"{key}.{index}")


def _missing(loc: Loc, used: Iterable[str], known: Sequence[str], noun: str) -> list[Problem]:
    lower = {name.casefold() for name in known}
    choice = f"known are {', '.join(known)}" if known else f"there is no {noun} at all"
    return [
        Problem(loc, f"there is no {noun} {name}", _meant(name, known) or choice)
        for name in used
        if name and name.casefold() not in lower
    ]
