"""Every key of Compose: how it is read, and what becomes of it in a cluster, in words for users.

A key without a word of its own shares that of the key above it.
"""

from dataclasses import replace

from swarmlite.compose import forms as f
from swarmlite.compose.keys import Form, Key, Support, rules
from swarmlite.compose.servicekeys import SECRET, service_keys

_DONE, _NOTHING, _WARN = Support.HONOURED, Support.NO_EFFECT, Support.WARNED


def _networks() -> list[Key]:
    return [
        Key("networks.*", f.RESOURCE, _DONE, "networks that span the hosts"),
        Key("networks.*.attachable", f.FLAG, _WARN, "only tasks of the cluster can join"),
        Key("networks.*.driver", f.TEXT, _DONE, "overlay; others of one host (bridge) span the hosts just the same"),
        Key("networks.*.driver_opts", f.OPTIONS, _WARN, "has no effect on cluster networks"),
        Key("networks.*.enable_ipv4", f.FLAG_KEPT, _DONE, "false is refused: addresses are IPv4"),
        Key("networks.*.enable_ipv6", f.FLAG_KEPT, _DONE, "true is refused: addresses are IPv4 only"),
        Key("networks.*.external", f.EXTERNAL, _DONE, "the network must exist in the cluster"),
        Key("networks.*.internal", f.FLAG, _DONE, "no way out of the network"),
        Key("networks.*.ipam", f.GROUP_ALWAYS),
        Key("networks.*.ipam.config", f.SUBNETS),
        Key("networks.*.ipam.config.*.aux_addresses", f.OPTIONS, _WARN, "the addresses are not kept free"),
        Key("networks.*.ipam.config.*.gateway", f.TEXT, _WARN, "every host has a gateway address of its own"),
        Key("networks.*.ipam.config.*.ip_range", f.TEXT, _WARN, "addresses come from the whole subnet"),
        Key(
            "networks.*.ipam.config.*.subnet",
            f.TEXT,
            _DONE,
            "the network's subnet; chosen by the manager where none is named",
        ),
        Key("networks.*.ipam.driver", f.TEXT, _WARN, "addresses are given by the manager", ("default",)),
        Key("networks.*.ipam.options", f.OPTIONS, _WARN, "addresses are given by the manager"),
        Key("networks.*.labels", f.LABELS, _DONE, "labels of the network"),
        Key("networks.*.name", f.TEXT, _DONE, "the network's name as it stands, without the stack before it"),
    ]


def _volumes() -> list[Key]:
    return [
        Key("volumes.*", f.RESOURCE, _DONE, "volumes that each node makes when a task first needs them"),
        Key("volumes.*.driver", f.TEXT, _DONE, "must be installed on the node"),
        Key("volumes.*.driver_opts", f.OPTIONS, _DONE, "options of the driver"),
        Key(
            "volumes.*.external", f.EXTERNAL, _WARN, "nothing checks that nodes have it; the engine makes an empty one"
        ),
        Key("volumes.*.labels", Form(f.LABELS.decode, widen=f.LABELS.widen), _DONE, "labels of the volume"),
        Key("volumes.*.name", f.TEXT, _DONE, "the volume's name as it stands, without the stack before it"),
    ]


def _file_objects(top: str, *, secret: bool) -> list[Key]:
    driver = [Key(f"{top}.*.driver", f.TEXT), Key(f"{top}.*.driver_opts", f.OPTIONS)]
    return [
        Key(f"{top}.*", f.RESOURCE, _NOTHING, SECRET),
        Key(f"{top}.*.environment", f.TEXT),
        Key(f"{top}.*.external", f.EXTERNAL),
        Key(f"{top}.*.file", f.TEXT),
        Key(f"{top}.*.labels", f.LABELS_PLAIN),
        Key(f"{top}.*.name", f.TEXT),
        Key(f"{top}.*.template_driver", f.TEXT),
        *(driver if secret else [Key(f"{top}.*.content", f.TEXT)]),
    ]


def _top() -> list[Key]:
    return [
        Key("name", f.TEXT, _DONE, "the stack's name, where the command line names none"),
        Key("version", f.TEXT, _NOTHING, "all versions are read alike"),
        Key("include", f.GROUP, _DONE, "resolved while the file is read"),
        Key("include.*", f.INCLUDE),
        Key("include.*.path", f.TEXTS),
        Key("include.*.env_file", f.TEXTS),
        Key("include.*.project_directory", f.TEXT),
        Key("models", f.GROUP, _NOTHING, "language models are not run"),
        Key("models.*.name", f.TEXT),
        Key("models.*.model", f.TEXT),
        Key("models.*.context_size", f.INTEGER_UNCAST),
        Key("models.*.runtime_flags", f.TEXTS),
    ]


KEYS: tuple[Key, ...] = (
    *_top(),
    *(replace(key, path=f"services.*.{key.path}") for key in service_keys()),
    *_networks(),
    *_volumes(),
    *_file_objects("secrets", secret=True),
    *_file_objects("configs", secret=False),
)
RULES = rules(KEYS)
