"""The Compose specification's JSON schema, and its complaints in sentences.

jsonschema-rs says in microseconds whether a file is valid. Only where it is not, `_explain` walks the schema beside the
tree: the library's own words (`not valid under any of the schemas listed in the 'oneOf' keyword`) help no one.
"""

import re
from functools import cache

import jsonschema_rs

from swarmlite.compose import files
from swarmlite.compose.report import Report, meant
from swarmlite.compose.scalars import show
from swarmlite.compose.tree import Json, Node, Path, find, plain, rows, table

_KINDS = {
    "string": "a text",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(files.schema())


def validate(root: Node, report: Report) -> None:
    """Report everything in the tree that the schema does not allow."""
    value = plain(root)
    if _validator().is_valid(value):
        return
    explained = Report()
    _explain(root, files.schema(), (), explained)
    report.add(explained)
    if not explained.failed:
        for error in _validator().iter_errors(value):
            path = tuple(error.instance_path)
            report.fault(find(root, path), path, error.message)


def _explain(node: Node, schema: dict[str, Json], path: Path, report: Report) -> None:
    schema = _resolved(schema)
    options = [_resolved(table(option)) for option in rows(schema.get("oneOf")) or rows(schema.get("anyOf"))]
    if options:
        fitting = [option for option in options if _has_type(node, option)]
        if not fitting:
            kinds = [kind for option in options for kind in _types(option)]
            report.fault(node, path, _mismatch(node, kinds))
        for option in fitting[:1]:
            _explain(node, option, path, report)
    elif not _has_type(node, schema):
        report.fault(node, path, _mismatch(node, _types(schema)))
    elif isinstance(node.value, dict):
        _explain_members(node, schema, path, report)
    elif isinstance(node.value, list):
        _explain_entries(node, schema, path, report)
    else:
        _explain_scalar(node, schema, path, report)


def _explain_members(node: Node, schema: dict[str, Json], path: Path, report: Report) -> None:
    known = table(schema.get("properties"))
    patterns = table(schema.get("patternProperties"))
    for name, child in node.map.items():
        below = known.get(name)
        if below is None:
            below = next((value for pattern, value in patterns.items() if re.search(pattern, name)), None)
        if below is not None:
            _explain(child, table(below), (*path, name), report)
        elif schema.get("additionalProperties") is False:
            report.fault(child, (*path, name), _unknown(name, list(known), [p for p in patterns if p != "^x-"]))
        elif isinstance(schema.get("additionalProperties"), dict):
            _explain(child, table(schema.get("additionalProperties")), (*path, name), report)
    for required in rows(schema.get("required")):
        if required not in node.map:
            report.fault(node, path, f"the key '{required}' is missing")


def _unknown(name: str, known: list[str], patterns: list[str]) -> str:
    if patterns:
        return f"the name '{name}' has a character that is not allowed; use letters, digits, '.', '_' and '-'"
    if name == "build" or not known:
        return f"the key '{name}' is not allowed here"
    near = meant(name, known)
    allowed = f"; allowed are {', '.join(sorted(known))}" if not near and len(known) <= 12 else ""
    return f"the key '{name}' is unknown{near or allowed or '; keys of your own begin with x-'}"


def _explain_entries(node: Node, schema: dict[str, Json], path: Path, report: Report) -> None:
    for index, child in enumerate(node.items):
        _explain(child, table(schema.get("items")), (*path, index), report)
    if schema.get("uniqueItems"):
        seen: list[Json] = []
        for index, child in enumerate(node.items):
            value = plain(child)
            if value in seen:
                report.fault(child, (*path, index), f"{_quoted(child)} is in the list twice; remove one")
            seen.append(value)


def _explain_scalar(node: Node, schema: dict[str, Json], path: Path, report: Report) -> None:
    value = node.value
    allowed = [show(choice) for choice in rows(schema.get("enum"))]
    if allowed and show(value) not in allowed:
        near = meant(show(value), allowed)
        report.fault(node, path, f"{_quoted(node)} is unknown; allowed are {', '.join(allowed)}{near}")
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and isinstance(value, str) and not re.search(pattern, value):
        report.fault(node, path, f"{_quoted(node)} is not allowed; it must match {pattern}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        lowest, highest = schema.get("minimum"), schema.get("maximum")
        if isinstance(lowest, int | float) and value < lowest:
            report.fault(node, path, f"{show(value)} is too small; the smallest allowed is {show(lowest)}")
        if isinstance(highest, int | float) and value > highest:
            report.fault(node, path, f"{show(value)} is too large; the largest allowed is {show(highest)}")


def _resolved(schema: dict[str, Json]) -> dict[str, Json]:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    target: Json = files.schema()
    for part in reference.removeprefix("#/").split("/"):
        target = table(target)[part]
    return _resolved(table(target))


def _types(schema: dict[str, Json]) -> list[str]:
    """The types that a schema allows; empty where it allows all."""
    options = rows(schema.get("oneOf")) or rows(schema.get("anyOf"))
    if options:
        return [kind for option in options for kind in _types(_resolved(table(option)))]
    told = schema.get("type")
    return [str(kind) for kind in told] if isinstance(told, list) else [str(told)] if told else []


def _has_type(node: Node, schema: dict[str, Json]) -> bool:
    kinds = _types(schema)
    return not kinds or _kind(node) in kinds or (_kind(node) == "integer" and "number" in kinds)


def _kind(node: Node) -> str:
    value = node.value
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    types = {bool: "boolean", int: "integer", str: "string", dict: "object", list: "array"}
    return "null" if value is None else types[type(value)]


def _mismatch(node: Node, kinds: list[str]) -> str:
    quote = isinstance(node.value, int | float) and "string" in kinds
    return f"{_found(node)}; {_choice(kinds)} is allowed{'; write it in quotes' if quote else ''}"


def _found(node: Node) -> str:
    return "nothing is here" if node.value is None else f"{_quoted(node)} is {_KINDS[_kind(node)]}"


def _quoted(node: Node) -> str:
    if isinstance(node.value, dict | list):
        return "what is here"
    return f"'{node.value}'" if isinstance(node.value, str) else show(node.value)


def _choice(kinds: list[str]) -> str:
    words = list(dict.fromkeys(_KINDS[kind] for kind in kinds if kind != "null"))
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}" if words else "nothing"
