"""The table and the Compose specification's schema know the same keys."""

from collections.abc import Iterator

import pytest

from swarmlite.compose import files
from swarmlite.compose.keys import Key, Support
from swarmlite.compose.keytable import KEYS, RULES
from swarmlite.compose.tree import Json, rows, table


def resolved(schema: Json) -> dict[str, Json]:
    found = table(schema)
    if isinstance(found.get("$ref"), str):
        target: Json = files.schema()
        for part in str(found["$ref"]).removeprefix("#/").split("/"):
            target = table(target)[part]
        return resolved(target)
    return found


def keys_of(schema: Json, path: str) -> Iterator[str]:
    """Every key that the schema names, as the table writes it."""
    found = resolved(schema)
    for option in rows(found.get("oneOf")) + rows(found.get("anyOf")):
        yield from keys_of(option, path)
    for name, below in table(found.get("properties")).items():
        yield f"{path}.{name}".lstrip(".")
        yield from keys_of(below, f"{path}.{name}".lstrip("."))
    for pattern, below in table(found.get("patternProperties")).items():
        if pattern != "^x-":
            yield from keys_of(below, f"{path}.*")
    if found.get("items"):
        yield from keys_of(found["items"], f"{path}.*")


SPECIFIED = {
    path for path in keys_of(files.schema(), "") if not path.endswith(".external.name") and not path.startswith("$")
}


def known(path: str) -> bool:
    rule = RULES
    for part in path.split("."):
        if part not in rule.below:
            return False
        rule = rule.below[part]
    return True


def test_every_key_of_the_specification_is_in_the_table() -> None:
    assert not sorted(path for path in SPECIFIED if not known(path))


def test_every_row_is_a_key_of_the_specification() -> None:
    sections = {"services.*", "networks.*", "volumes.*", "secrets.*", "configs.*", "include.*"}
    rows_ = {key.path for key in KEYS if not key.path.endswith("*")} - sections
    assert not sorted(rows_ - SPECIFIED)


def test_no_key_has_two_rows() -> None:
    paths = [key.path for key in KEYS]
    assert sorted(paths) == sorted(set(paths))


def told(path: str) -> bool:
    """Whether a row at or above the path says what becomes of it."""
    rule = RULES
    for part in path.split("."):
        rule = rule.step(part)
        if rule.key is not None and rule.key.support is not None:
            return True
    return False


def test_what_becomes_of_each_key_is_said() -> None:
    groups = {"services.*.deploy", "services.*.deploy.resources", "services.*.deploy.placement"}
    assert not sorted(key.path for key in KEYS if not told(key.path) and key.path not in groups)


@pytest.mark.parametrize("key", [key for key in KEYS if key.support is not None], ids=lambda key: key.path)
def test_each_word_for_users_is_one_clause(key: Key) -> None:
    assert key.effect
    assert not key.effect.endswith(".")
    if key.support is Support.REFUSED:
        assert len(key.effect) > 30
