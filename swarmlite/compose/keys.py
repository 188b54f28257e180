"""How the table of keys is read: a tree of rules that the steps walk beside the file."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from swarmlite.compose.report import Report
from swarmlite.compose.tree import Json, Node, Path

Decode = Callable[[Node, Path, Report], "Json | Omit"]
Step = Callable[[Node, Path, Report], Node]
Widen = Callable[[Node], Node]
Merge = Callable[[Node, Node, "Rule", Path, Report], Node]
Index = Callable[[Node], str | None]


class Omit:
    """What a decoder answers for a value that is as good as not there."""


OMIT = Omit()


class Support(StrEnum):
    """What becomes of a key in the cluster. WARNED is named to the user each time, REFUSED stops the deployment."""

    HONOURED = "honoured"
    NO_EFFECT = "no effect"
    WARNED = "not done"
    REFUSED = "refused"


class Cast(StrEnum):
    """What an interpolated text is turned into; also for quoted values, as `replicas: "3"`."""

    INTEGER = "a whole number"
    REAL = "a number"
    FLAG = "true or false"


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of value is read.

    `widen`: what both sides become before a later file's value meets an earlier one's. `merge`: how they meet
    (None: mappings member by member, lists appended, else replaced).
    `unique`: what makes two entries of a list the same, so that the later wins. `long`: short form to long form.
    `decode`: the value of the normalised model. `absent`: that value where the key is not there (OMIT: none).
    """

    decode: Decode | None = None
    cast: Cast | None = None
    widen: Widen | None = None
    merge: Merge | None = None
    unique: Index | None = None
    long: Step | None = None
    absent: "Json | Omit" = OMIT


@dataclass(frozen=True, slots=True)
class Key:
    """One row: `path` with `*` for names and list entries; `effect`: what happens in a cluster, for users.

    `harmless`: values that ask for nothing beyond what happens anyway, so that no one is warned.
    """

    path: str
    form: Form
    support: Support | None = None
    effect: str = ""
    harmless: tuple[str, ...] = ()


@dataclass(slots=True)
class Rule:
    """A key with the keys below it. Keys without a row of their own (`x-…`) have no rule."""

    key: Key | None = None
    below: "dict[str, Rule]" = field(default_factory=dict)

    @property
    def form(self) -> Form:
        return self.key.form if self.key else _PLAIN

    def step(self, name: str | int) -> "Rule":
        """The rule of a member or entry."""
        found = self.below.get(str(name)) if isinstance(name, str) else None
        return found or self.below.get("*", NO_RULE)


_PLAIN = Form()
NO_RULE = Rule()


def rules(table: Iterable[Key]) -> Rule:
    """The table as a tree."""
    root = Rule()
    for key in table:
        rule = root
        for part in key.path.split("."):
            rule = rule.below.setdefault(part, Rule())
        rule.key = key
    return root
