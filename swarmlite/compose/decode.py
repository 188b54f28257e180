"""Decoders: one value of a file, in long form and past the schema, to the type that the model has for it.

What Go leaves out of JSON as empty is left out here too, so that the model reads as `docker compose config` prints it.
"""

import re
from collections.abc import Callable

from swarmlite.compose import units
from swarmlite.compose.keys import OMIT, Omit, Rule
from swarmlite.compose.report import Report
from swarmlite.compose.scalars import show, single
from swarmlite.compose.tree import Json, Node, Path

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"[-+]?[0-7]+")


def decode(node: Node, rule: Rule, path: Path, report: Report) -> Json | Omit:
    """The value of a node by its rule, members and entries included."""
    if rule.form.decode is not None:
        return OMIT if node.value is None else rule.form.decode(node, path, report)
    if "*" in rule.below:
        return _collection(node, rule, path, report)
    if not isinstance(node.value, dict):
        return OMIT
    members: dict[str, Json] = {}
    for name, below in rule.below.items():
        child = node.map.get(name)
        value = below.form.absent if child is None else decode(child, below, (*path, name), report)
        if isinstance(value, Omit):
            value = below.form.absent
        if not isinstance(value, Omit):
            members[name] = value
    return members


def _collection(node: Node, rule: Rule, path: Path, report: Report) -> Json | Omit:
    if isinstance(node.value, list):
        entries = [decode(child, rule.step(i), (*path, i), report) for i, child in enumerate(node.items)]
        return [entry for entry in entries if not isinstance(entry, Omit)] or OMIT
    members: dict[str, Json] = {}
    for name, child in node.map.items():
        value = decode(child, rule.step(name), (*path, name), report)
        members[name] = None if isinstance(value, Omit) else value
    return members or OMIT


def text(node: Node, path: Path, report: Report) -> Json | Omit:
    return show(node.value) if node.value != "" else OMIT


def strings(node: Node, path: Path, report: Report) -> Json | Omit:
    """One text or a list of them."""
    if isinstance(node.value, list):
        return [show(entry.value) for entry in node.value] or OMIT
    return [show(node.value)]


def anything(node: Node, path: Path, report: Report) -> Json | Omit:
    return show(node.value)


def _integer(lowest: int | None, keep_zero: bool) -> Callable[[Node, Path, Report], Json | Omit]:
    def read(node: Node, path: Path, report: Report) -> Json | Omit:
        value = node.value
        if isinstance(value, str):
            if not _INTEGER.fullmatch(value):
                report.fault(node, path, f"'{value}' is no whole number")
                return OMIT
            value = int(value)
        number = int(value) if isinstance(value, int | float) else 0
        if lowest is not None and number < lowest:
            report.fault(node, path, f"{number} is too small; the smallest allowed is {lowest}")
        return number if number or keep_zero else OMIT

    return read


integer = _integer(None, keep_zero=False)
integer_kept = _integer(None, keep_zero=True)
natural = _integer(0, keep_zero=False)
natural_kept = _integer(0, keep_zero=True)


def real(node: Node, path: Path, report: Report) -> Json | Omit:
    """A number, as a 32-bit one: `0.5`, `"0.5"`."""
    try:
        value = single(float(node.value)) if isinstance(node.value, str | int | float) else 0
    except (ValueError, OverflowError):
        report.fault(node, path, f"'{node.value}' is no number; write one such as 0.5")
        return OMIT
    return value or OMIT


def flag(node: Node, path: Path, report: Report) -> Json | Omit:
    return _boolean(node, path, report) or OMIT


def flag_kept(node: Node, path: Path, report: Report) -> Json | Omit:
    return _boolean(node, path, report)


def flag_off(node: Node, path: Path, report: Report) -> Json | Omit:
    """A flag that is on unless said otherwise: only `false` is worth keeping."""
    return OMIT if _boolean(node, path, report) else False


def _boolean(node: Node, path: Path, report: Report) -> bool:
    if isinstance(node.value, bool):
        return node.value
    word = str(node.value).lower()
    if word not in TRUE and word not in FALSE:
        report.fault(node, path, f"'{node.value}' is neither true nor false")
    return word in TRUE


TRUE = ("true", "y", "yes", "on")
FALSE = ("false", "n", "no", "off")


def size(node: Node, path: Path, report: Report) -> Json | Omit:
    """Bytes, as text."""
    try:
        value = node.value if isinstance(node.value, int) else units.size(str(node.value))
    except ValueError as error:
        report.fault(node, path, str(error))
        return OMIT
    if isinstance(node.value, float):
        report.warn(node, path, f"{show(node.value)} counts as nothing, as in docker compose; write a whole number")
        return OMIT
    return str(value) if value else OMIT


def _duration(keep_zero: bool) -> Callable[[Node, Path, Report], Json | Omit]:
    def read(node: Node, path: Path, report: Report) -> Json | Omit:
        try:
            value = units.duration(str(node.value))
        except ValueError as error:
            report.fault(node, path, str(error))
            return OMIT
        return units.show_duration(value) if value or keep_zero else OMIT

    return read


duration = _duration(keep_zero=False)
duration_kept = _duration(keep_zero=True)


def mapping(node: Node, path: Path, report: Report) -> Json | Omit:
    """Names and texts, from a mapping or a list of `name=text`; nothing is the empty text."""
    values = _pairs(node)
    return {name: "" if value is None else value for name, value in values.items()} or OMIT


def environment(node: Node, path: Path, report: Report) -> Json | Omit:
    """As `mapping`, but a name without a value stays without one."""
    for index, entry in enumerate(node.items):
        name = show(entry.value).partition("=")[0]
        if name[-1:].isspace():
            report.fault(entry, (*path, index), f"the variable '{name}' has a space at its end; write {name.strip()}=…")
    return {**_pairs(node)} or OMIT


def _pairs(node: Node) -> dict[str, str | None]:
    if isinstance(node.value, list):
        split = [show(entry.value).partition("=") for entry in node.value]
        return {name: value if equals else None for name, equals, value in split}
    return {name: None if child.value is None else show(child.value) for name, child in node.map.items()}


def hosts(node: Node, path: Path, report: Report) -> Json | Omit:
    """`host=address`, sorted; `=` or `:` between them."""
    found: set[str] = set()
    for index, (place, host, address) in enumerate(_host_pairs(node, path, report)):
        if not host or set(host) & set(":="):
            report.fault(place, (*path, index), f"'{host}' is no host name; write host=address")
        bare = address[1:-1] if len(address) > 2 and address[0] == "[" and address[-1] == "]" else address
        found.add(f"{host}={bare}")
    return [*sorted(found)] or OMIT


def _host_pairs(node: Node, path: Path, report: Report) -> list[tuple[Node, str, str]]:
    pairs: list[tuple[Node, str, str]] = []
    for name, child in node.map.items():
        addresses = [show(entry.value) for entry in child.items] or [str(child.value or "")]
        pairs += [(child, name, address) for address in addresses]
    for index, entry in enumerate(node.items):
        written = show(entry.value)
        separator = "=" if "=" in written else ":"
        host, found, addresses_text = written.partition(separator)
        if not found:
            report.fault(entry, (*path, index), f"'{written}' has no address; write host=address")
        else:
            pairs += [(entry, host, address) for address in addresses_text.split(",")]
    return pairs


def command(node: Node, path: Path, report: Report) -> Json | Omit:
    """Words, from a list or a command line."""
    if isinstance(node.value, list):
        return [show(entry.value) for entry in node.value]
    try:
        found, cut = units.words(str(node.value))
    except ValueError as error:
        report.fault(node, path, str(error))
        return OMIT
    if cut:
        advice = "write a list, or sh -c '…'"
        report.warn(node, path, f"the command ends before '{cut}': no shell reads it, as in docker compose; {advice}")
    return [*found]


def test(node: Node, path: Path, report: Report) -> Json | Omit:
    """A health check's command: a text is for the shell."""
    if isinstance(node.value, list):
        return [show(entry.value) for entry in node.value] or OMIT
    return ["CMD-SHELL", show(node.value)]


def ulimit(node: Node, path: Path, report: Report) -> Json | Omit:
    if isinstance(node.value, dict):
        limits = {name: integer(node.map[name], path, report) for name in ("soft", "hard") if name in node.map}
        return {name: value for name, value in limits.items() if not isinstance(value, Omit)}
    value = integer(node, path, report)
    return {} if isinstance(value, Omit) else value


def mode(node: Node, path: Path, report: Report) -> Json | Omit:
    """File permissions, as octal text; a text is octal, a number is what it is."""
    if isinstance(node.value, str):
        if not _OCTAL.fullmatch(node.value):
            report.fault(node, path, f"'{node.value}' is no octal number; write 0440 or \"0440\"")
            return OMIT
        return f"0{int(node.value, 8):o}"
    if isinstance(node.value, float):
        report.fault(node, path, f"{show(node.value)} is no whole number; write 0440")
        return OMIT
    return f"0{int(node.value or 0):o}" if not isinstance(node.value, dict | list) else OMIT


def count(node: Node, path: Path, report: Report) -> Json | Omit:
    """A number of devices; `all` is -1."""
    if isinstance(node.value, str) and node.value.lower() == "all":
        return -1
    return integer(node, path, report)


def keys(node: Node, path: Path, report: Report) -> Json | Omit:
    """ssh keys of a build: `name` or `name: path`, as a list."""
    named = {name: child.value for name, child in node.map.items()}
    return [name if value is None else f"{name}: {show(value)}" for name, value in named.items()] or OMIT


def repeated(node: Node, path: Path, report: Report) -> Json | Omit:
    """Options that may be given more than once: each a list."""
    return {
        name: [show(entry.value) for entry in child.items] if isinstance(child.value, list) else [show(child.value)]
        for name, child in node.map.items()
    } or OMIT
