"""One project from its files: its name, its environment, and the model that `docker compose config` would print."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swarmlite.compose import dotenv, files
from swarmlite.compose.assemble import Assembler
from swarmlite.compose.check import check_project
from swarmlite.compose.decode import decode
from swarmlite.compose.keytable import RULES
from swarmlite.compose.normal import normalise
from swarmlite.compose.paths import Paths
from swarmlite.compose.read import documents
from swarmlite.compose.report import Place, Report
from swarmlite.compose.template import BadTemplate, Lookup, substitute
from swarmlite.compose.tree import Json, Mark, Node, plain, rows, table
from swarmlite.errors import ComposeError, InvalidArgument


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What to load. `cwd`: absolute; other paths may be relative to it. No `files`: COMPOSE_FILE, else discovered."""

    files: Sequence[str] = ()
    cwd: str
    environ: Mapping[str, str]
    project_name: str | None = None
    profiles: Sequence[str] = ()
    env_files: Sequence[str] = ()
    project_dir: str | None = None


@dataclass(frozen=True)
class Project:
    """`model`: the normalised project, JSON-able. `tree`: the same with places. `folder`: of the first file."""

    name: str
    model: dict[str, Json]
    tree: Node
    folder: str


def load_project(sources: Sources, report: Report) -> Project:
    """Load, check and normalise; raises ComposeError with everything that is wrong."""
    here = Paths(sources.cwd, sources.environ.get("HOME", ""))
    folder = _folder(sources, here, sources.files)
    environment = _environment(sources, here, folder)
    names = _names(sources, here, folder, environment)
    folder = _folder(sources, here, names)
    environment = _environment(sources, here, folder)
    name = _project_name(sources, folder, names, environment)
    environment["COMPOSE_PROJECT_NAME"] = name
    tree = Assembler(folder, environment, sources.cwd, report).assemble(names)
    if not tree.map:
        report.fault(Mark(tree.mark.file, 1, 1), (), "the file is empty; begin with services:")
    if not name:
        message = "the project has no name: letters, digits, '-' and '_' are allowed; write name: or give one"
        report.fault(tree.map.get("name", tree), ("name",), message)
    report.stop()
    tree = normalise(tree, name, environment)
    model = _model(tree, report)
    report.stop()
    profiles = sources.profiles or [p for p in environment.get("COMPOSE_PROFILES", "").split(",") if p]
    disabled = _leave_out(model, profiles)
    check_project(model, disabled, tree, report)
    report.stop()
    _read_files(model, tree, environment, report)
    report.stop()
    _prune(model)
    return Project(name, model, tree, folder)


# --- where, with what, called how -----------------------------------------------------------------------------------


def _folder(sources: Sources, here: Paths, names: Sequence[str]) -> str:
    if sources.project_dir:
        return here.join(sources.project_dir)
    first = next((name for name in names if name != files.STDIN), None)
    return here.join(first).rpartition("/")[0] or "/" if first else sources.cwd


def _environment(sources: Sources, here: Paths, folder: str) -> dict[str, str]:
    """The shell's variables, and below them those of the env files, else of `.env`."""
    told = sources.env_files or [n for n in sources.environ.get("COMPOSE_ENV_FILES", "").split(",") if n]
    names = [here.join(name) for name in told]
    if not names and files.is_file(f"{folder}/.env") and "COMPOSE_DISABLE_ENV_FILE" not in sources.environ:
        names = [f"{folder}/.env"]
    found: dict[str, str] = {}
    for name in names:
        try:
            dotenv.parse(files.read(name), sources.environ.get, found)
        except ValueError as error:
            raise ComposeError(f"{name}: {error}") from error
    usable = {name: value for name, value in found.items() if not name[:1].isdigit()}
    return {**usable, **sources.environ}


def _names(sources: Sources, here: Paths, folder: str, environment: Mapping[str, str]) -> list[str]:
    told: Sequence[str] = sources.files
    if not told and environment.get("COMPOSE_FILE"):
        told = environment["COMPOSE_FILE"].split(environment.get("COMPOSE_PATH_SEPARATOR") or ":")
    if not told:
        return files.discover(folder)
    return [name if name == files.STDIN else here.join(name) for name in told]


def usable_name(text: str) -> str:
    """A text as a project's name: lower case, letters, digits, `-` and `_`."""
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")


def _project_name(sources: Sources, folder: str, names: Sequence[str], environment: Mapping[str, str]) -> str:
    """As given, else COMPOSE_PROJECT_NAME, else the last `name:`, else the folder's."""
    told = sources.project_name or environment.get("COMPOSE_PROJECT_NAME")
    if told:
        if usable_name(told) != told:
            rule = "small letters, digits, '-' and '_' are allowed, and a letter or digit comes first"
            raise InvalidArgument(f"'{told}' cannot be a stack's name: {rule}; write {usable_name(told) or 'another'}")
        return told
    found = _written_name(names)
    if found is None:
        return usable_name(folder.rpartition("/")[2])
    try:
        return usable_name(substitute(found, environment.get))
    except BadTemplate:
        return "x"  # the fault is reported, with its place, when the file itself is filled in


def _written_name(names: Sequence[str]) -> str | None:
    """The last `name:` of the files. What is wrong with them is said when they are loaded."""
    last: str | None = None
    for name in names:
        try:
            text = files.read(name)
        except ValueError:
            continue
        if "name" in text:
            told = [document.map.get("name") for document in documents(text, name, Report())]
            last = next((str(node.value) for node in reversed(told) if node is not None and node.value), last)
    return last


# --- the model ------------------------------------------------------------------------------------------------------


def _model(tree: Node, report: Report) -> dict[str, Json]:
    decoded = decode(tree, RULES, (), report)
    model = decoded if isinstance(decoded, dict) else {}
    model.setdefault("services", {})
    extensions = {name: plain(node) for name, node in tree.map.items() if name.startswith("x-")}
    return {**model, **extensions}


def _leave_out(model: dict[str, Json], profiles: Sequence[str]) -> dict[str, Json]:
    """Take the services that no profile asks for out of the model; the answer is what was taken out."""
    services = table(model["services"])
    kept: dict[str, Json] = {}
    left: dict[str, Json] = {}
    for name, service in services.items():
        told = rows(table(service).get("profiles"))
        wanted = not told or "*" in profiles or any(profile in profiles for profile in told)
        (kept if wanted else left)[name] = service
    model["services"] = kept
    return left


def _read_files(model: dict[str, Json], tree: Node, environment: Mapping[str, str], report: Report) -> None:
    """Variables and labels from files, under those that the service itself has."""
    for name, told in table(model["services"]).items():
        service = table(told)
        own = table(service.get("environment"))
        own = {k: environment.get(k) if v is None else v for k, v in own.items()}
        values: dict[str, str] = {k: str(v) for k, v in own.items() if v is not None}

        def lookup(variable: str, own: dict[str, Json] = own) -> str | None:
            value = environment.get(variable)
            return value if value is not None else None if own.get(variable) is None else str(own[variable])

        place = Place(tree, ("services", name), report)
        for index, entry in enumerate(rows(service.pop("env_file", None))):
            _read_file(table(entry), values, lookup, place.at("env_file", index))
        merged: dict[str, Json] = {**values, **own}
        if merged:
            service["environment"] = merged
        labels: dict[str, str] = {}
        for index, path in enumerate(rows(service.pop("label_file", None))):
            read: dict[str, str] = {}
            _read_file({"path": path}, read, labels.get, place.at("label_file", index))
            labels |= read
        if labels:
            service["labels"] = {**labels, **table(service.get("labels"))}


def _read_file(entry: dict[str, Json], values: dict[str, str], lookup: Lookup, place: Place) -> None:
    path = str(entry.get("path", ""))
    if not files.exists(path):
        if entry.get("required", True):
            place.fault(f"the file {path} does not exist; make it, or say required: false")
        return
    kind = entry.get("format")
    if kind not in (None, "raw"):
        place.fault(f"the format '{kind}' is unknown; leave it out, or write raw")
        return
    try:
        if kind == "raw":
            values |= dotenv.parse_raw(files.read(path), lookup)
        else:
            dotenv.parse(files.read(path), lookup, values)
    except ValueError as error:
        place.fault(f"the file {path}: {error}")


def _prune(model: dict[str, Json]) -> None:
    """Leave out what no service uses."""
    used: dict[str, set[str]] = {section: set() for section in ("networks", "volumes", "secrets", "configs")}
    for told in table(model["services"]).values():
        service = table(told)
        used["networks"] |= table(service.get("networks")).keys()
        volumes = map(table, rows(service.get("volumes")))
        used["volumes"] |= {str(volume.get("source", "")) for volume in volumes if volume.get("type") == "volume"}
        for section in ("secrets", "configs"):
            used[section] |= {str(table(mount).get("source")) for mount in rows(service.get(section))}
        used["secrets"] |= {str(table(m).get("source")) for m in rows(table(service.get("build")).get("secrets"))}
    model.pop("models", None)
    model.pop("include", None)
    for section, names in used.items():
        kept = {name: told for name, told in table(model.get(section)).items() if name in names}
        model.pop(section, None)
        if kept:
            model[section] = kept
