"""The keys of a service: how each is read, and what becomes of it. `keytable` has the keys of all else."""

from swarmlite.compose import forms as f
from swarmlite.compose.keys import Form, Key, Support

_DONE, _NOTHING, _WARN, _NO = Support.HONOURED, Support.NO_EFFECT, Support.WARNED, Support.REFUSED

_BUILT = "nothing is built: the image must be in a registry that the hosts reach, or be on them"
_IO = "containers get no weight or limit on disk traffic"
_CPU = "is not set; deploy.resources.limits.cpus limits CPU time"
_DEVICE = "containers cannot be given devices yet; remove it, or run this service outside of the cluster"
_WINDOWS = "Windows containers are not supported; remove it"
_ONE_ADDRESS = "addresses are given by the manager, one to each task; remove it and use the service's name"
_HOOK = "the command is not run; put it into the image's entrypoint"
SECRET = "secrets and configs are not there yet; use a volume or, for what is not secret, environment"


def service_keys() -> list[Key]:
    return [
        Key("annotations", f.LABELS, _WARN, "containers get no OCI annotations; use labels"),
        Key("attach", f.FLAG_KEPT_UNCAST, _NOTHING, "it steers what `docker compose up` shows"),
        *_build(),
        *_blkio(),
        Key("cap_add", f.NAMES, _DONE, "capabilities that containers get beside the engine's default ones"),
        Key("cap_drop", f.NAMES, _DONE, "capabilities that are taken from containers"),
        Key("cgroup", f.TEXT, _WARN, "containers get the engine's default cgroup namespace", ("private",)),
        Key("cgroup_parent", f.TEXT, _WARN, "containers get the engine's default parent cgroup"),
        Key("command", f.COMMAND, _DONE, "the arguments of the entrypoint"),
        *_file_mounts("configs", f.CONFIGS),
        Key("container_name", f.TEXT, _WARN, "containers are named STACK_SERVICE.SLOT.ID; the name is a network alias"),
        Key("cpu_count", f.INTEGER, _WARN, "Windows only"),
        Key("cpu_percent", f.REAL, _WARN, "Windows only"),
        Key("cpu_period", f.INTEGER, _WARN, _CPU),
        Key("cpu_quota", f.INTEGER, _WARN, _CPU),
        Key("cpu_rt_period", f.INTEGER, _WARN, "containers get no real-time CPU time"),
        Key("cpu_rt_runtime", f.INTEGER, _WARN, "containers get no real-time CPU time"),
        Key(
            "cpu_shares",
            f.INTEGER,
            _WARN,
            "containers get no CPU weight; deploy.resources.reservations.cpus places them",
        ),
        Key("cpus", f.REAL, _DONE, "as deploy.resources.limits.cpus"),
        Key("cpuset", f.TEXT, _WARN, "containers are not bound to CPU cores"),
        Key("credential_spec", f.GROUP, _NO, _WINDOWS),
        Key("credential_spec.config", f.TEXT),
        Key("credential_spec.file", f.TEXT),
        Key("credential_spec.registry", f.TEXT),
        Key(
            "depends_on",
            f.DEPENDS_ON,
            _DONE,
            "the first tasks wait until those of the other service meet the condition",
        ),
        Key("depends_on.*.condition", f.TEXT),
        Key("depends_on.*.restart", f.FLAG, _WARN, "tasks are not restarted when the other service is updated"),
        Key("depends_on.*.required", Form(f.FLAG_KEPT.decode, f.FLAG_KEPT.cast, absent=False)),
        *_deploy(),
        *_develop(),
        Key("device_cgroup_rules", f.TEXTS, _NO, _DEVICE),
        Key("devices", f.DEVICES, _NO, _DEVICE),
        Key("devices.*", f.DEVICE),
        Key("devices.*.source", f.TEXT),
        Key("devices.*.target", f.TEXT),
        Key("devices.*.permissions", f.TEXT),
        Key("dns", f.SERVERS, _DONE, "servers that containers ask after the cluster's own"),
        Key("dns_opt", f.NAMES_APPENDED, _DONE, "options of the containers' resolver"),
        Key("dns_search", f.NAMES_APPENDED, _DONE, "search domains after the cluster's own"),
        Key("domainname", f.TEXT, _WARN, "containers get no domain name; write it into hostname"),
        Key("entrypoint", f.COMMAND, _DONE, "the program that containers run"),
        Key("environment", f.ENVIRONMENT, _DONE, "names without a value take that of the shell that deploys"),
        Key("env_file", f.ENV_FILES, _DONE, "read where `deploy` runs"),
        Key("env_file.*", f.ENV_FILE),
        Key("env_file.*.path", f.TEXT),
        Key("env_file.*.required", f.FLAG_OFF),
        Key("env_file.*.format", f.TEXT),
        Key("expose", f.NUMBERS, _NOTHING, "tasks of one network reach all ports of each other"),
        Key("extends", f.EXTENDS, _DONE, "resolved while the file is read"),
        Key("extends.service", f.TEXT),
        Key("extends.file", f.TEXT),
        Key(
            "external_links",
            f.TEXTS,
            _NO,
            "containers outside of the cluster cannot be linked; share an external network",
        ),
        Key("extra_hosts", f.HOSTS, _DONE, "lines for /etc/hosts; `host-gateway` is the address of the task's node"),
        Key("gpus", f.GPUS, _NO, _DEVICE),
        *_device_request("gpus.*"),
        Key("group_add", f.TEXTS, _DONE, "groups that the containers' user is in as well"),
        Key(
            "healthcheck", f.GROUP, _DONE, "only healthy tasks are in the answers of DNS; an unhealthy one is replaced"
        ),
        Key("healthcheck.disable", f.FLAG),
        Key("healthcheck.interval", f.DURATION_KEPT),
        Key("healthcheck.retries", f.NATURAL_KEPT),
        Key("healthcheck.start_interval", f.DURATION_KEPT),
        Key("healthcheck.start_period", f.DURATION_KEPT),
        Key("healthcheck.test", f.TEST),
        Key("healthcheck.timeout", f.DURATION_KEPT),
        Key(
            "hostname",
            f.TEXT,
            _DONE,
            "the containers' host name; `{{.Node.Hostname}}` and `{{.Task.Slot}}` are filled in",
        ),
        Key("image", f.TEXT, _DONE, "the image that containers are made of"),
        Key("init", f.FLAG_KEPT, _DONE, "an init process that reaps children and passes signals on"),
        Key("ipc", f.TEXT, _WARN, "containers get an IPC namespace of their own", ("private",)),
        Key("isolation", f.TEXT, _NO, _WINDOWS, ("default",)),
        Key("label_file", f.FILES, _DONE, "read where `deploy` runs"),
        Key("labels", f.LABELS, _DONE, "labels of the containers"),
        Key("links", f.NAMES, _WARN, "needs nothing: services of one network have names; a link's alias is not made"),
        Key(
            "logging", f.LOGGING, _DONE, "the engine's log driver; `logs` needs one that can be read, such as json-file"
        ),
        Key("logging.driver", f.TEXT),
        Key("logging.options", f.OPTIONS),
        Key("mac_address", f.TEXT, _NO, "one hardware address cannot serve several tasks; remove it"),
        Key("mem_limit", f.SIZE, _DONE, "as deploy.resources.limits.memory"),
        Key("mem_reservation", f.SIZE, _DONE, "as deploy.resources.reservations.memory"),
        Key("mem_swappiness", f.SIZE, _WARN, "containers get the engine's default swappiness"),
        Key("memswap_limit", f.SIZE, _WARN, "containers get the engine's default limit on swap"),
        Key(
            "models", f.NETWORKS, _NO, "language models are not run; start one as a service and name it in environment"
        ),
        Key("models.*.endpoint_var", f.TEXT),
        Key("models.*.model_var", f.TEXT),
        Key(
            "network_mode",
            f.TEXT,
            _NO,
            "tasks are on the cluster's networks only; use networks, and ports with mode: host",
        ),
        *_service_networks(),
        Key("oom_kill_disable", f.FLAG, _WARN, "containers that are out of memory are killed"),
        Key("oom_score_adj", f.INTEGER, _DONE, "how ready the kernel is to kill the containers"),
        Key("pid", f.TEXT, _WARN, "containers get a process namespace of their own"),
        Key("pids_limit", f.INTEGER, _DONE, "as deploy.resources.limits.pids"),
        Key("platform", f.TEXT, _DONE, "tasks are placed on nodes of that platform only"),
        *_ports(),
        *_hooks(),
        Key("privileged", f.FLAG, _WARN, "containers run without more rights than others; cap_add gives single ones"),
        Key("profiles", f.NAMES, _DONE, "the service is left out unless one of them is asked for"),
        Key("provider", f.GROUP, _NO, "it runs a program of the local machine; start what it gives as a service"),
        Key("provider.type", f.TEXT),
        Key("provider.options", f.REPEATED),
        Key("pull_policy", f.TEXT, _DONE, "always, missing (the default) or never; each node pulls for itself"),
        Key("pull_refresh_after", f.TEXT, _WARN, "an image that is on a node is used as it is"),
        Key("read_only", f.FLAG, _DONE, "the containers' root file system cannot be written"),
        Key(
            "restart",
            f.TEXT,
            _DONE,
            "no, always, unless-stopped (as always) or on-failure[:N]; deploy.restart_policy wins",
        ),
        Key("runtime", f.TEXT, _NO, "containers run in the engine's default runtime only; remove it", ("runc",)),
        Key("scale", f.REPLICAS, _DONE, "as deploy.replicas"),
        *_file_mounts("secrets", f.SECRETS),
        Key(
            "security_opt",
            f.TEXTS,
            _NO,
            "is not applied yet, and without it containers would be less confined; remove it",
        ),
        Key("shm_size", f.SIZE, _DONE, "the size of /dev/shm, as a tmpfs"),
        Key("stdin_open", f.FLAG, _DONE, "standard input stays open"),
        Key("stop_grace_period", f.DURATION_KEPT, _DONE, "time between the stop signal and the kill"),
        Key("stop_signal", f.TEXT, _DONE, "the signal that asks the containers to stop"),
        Key("storage_opt", f.OPTIONS, _WARN, "containers get the storage driver's default options"),
        Key("sysctls", f.LABELS, _DONE, "kernel parameters of the containers' namespaces"),
        Key("tmpfs", f.NAMES_APPENDED, _DONE, "file systems in memory, with their options size and mode"),
        Key("tty", f.FLAG, _DONE, "a terminal for the main process"),
        Key("ulimits", f.GROUP, _DONE, "limits of the containers' processes"),
        Key("ulimits.*", f.ULIMIT),
        Key("ulimits.*.hard", f.LIMIT),
        Key("ulimits.*.soft", f.LIMIT),
        Key("use_api_socket", f.FLAG_UNCAST, _NO, "containers are not given the engine's socket and credentials"),
        Key("user", f.TEXT, _DONE, "the user that containers run as"),
        Key("userns_mode", f.TEXT, _NO, "is not applied yet, and without it root would mean another user; remove it"),
        Key("uts", f.TEXT, _WARN, "containers get a host name of their own"),
        *_service_volumes(),
        Key("volumes_from", f.TEXTS, _NO, "tasks run on different nodes; name the same volume in both services"),
        Key("working_dir", f.TEXT, _DONE, "the directory that the main process starts in"),
    ]


def _build() -> list[Key]:
    texts = ("context", "dockerfile", "dockerfile_inline", "isolation", "network", "target")
    lists = ("entitlements", "cache_from", "cache_to", "tags", "platforms")
    return [
        Key("build", f.BUILD, _WARN, _BUILT),
        *(Key(f"build.{name}", f.TEXT) for name in texts),
        *(Key(f"build.{name}", f.NAMES if name == "tags" else f.TEXTS) for name in lists),
        Key("build.args", f.ENVIRONMENT),
        Key("build.additional_contexts", f.CONTEXTS),
        Key("build.ssh", f.SSH),
        Key("build.labels", f.LABELS),
        Key("build.extra_hosts", f.HOSTS),
        Key("build.no_cache", f.FLAG_UNCAST),
        Key("build.no_cache_filter", f.TEXTS),
        Key("build.privileged", f.FLAG_UNCAST),
        Key("build.provenance", f.TEXT_OR_FLAG),
        Key("build.pull", f.FLAG_UNCAST),
        Key("build.sbom", f.TEXT_OR_FLAG),
        Key("build.secrets", f.GROUP),
        *_file_mount("build.secrets.*"),
        Key("build.shm_size", f.SIZE),
        Key("build.ulimits", f.GROUP),
        Key("build.ulimits.*", Form(f.ULIMIT.decode)),
        Key("build.ulimits.*.hard", f.INTEGER_UNCAST),
        Key("build.ulimits.*.soft", f.INTEGER_UNCAST),
    ]


def _blkio() -> list[Key]:
    limits = ("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")
    return [
        Key("blkio_config", f.GROUP, _WARN, _IO),
        Key("blkio_config.weight", f.INTEGER_UNCAST),
        Key("blkio_config.weight_device.*.path", f.TEXT),
        Key("blkio_config.weight_device.*.weight", f.INTEGER_ALWAYS),
        *(Key(f"blkio_config.{limit}.*.path", f.TEXT) for limit in limits),
        *(Key(f"blkio_config.{limit}.*.rate", Form(f.SIZE.decode, absent="0")) for limit in limits),
    ]


def _file_mount(path: str) -> list[Key]:
    return [
        Key(path, f.FILE_MOUNT),
        Key(f"{path}.source", f.TEXT),
        Key(f"{path}.target", f.TEXT),
        Key(f"{path}.uid", f.TEXT),
        Key(f"{path}.gid", f.TEXT),
        Key(f"{path}.mode", f.MODE),
    ]


def _file_mounts(name: str, form: Form) -> list[Key]:
    return [Key(name, form, _NO, SECRET), *_file_mount(f"{name}.*")]


def _device_request(path: str) -> list[Key]:
    return [
        Key(f"{path}.capabilities", f.TEXTS),
        Key(f"{path}.count", f.COUNT),
        Key(f"{path}.device_ids", f.TEXTS),
        Key(f"{path}.driver", f.TEXT),
        Key(f"{path}.options", f.LABELS_PLAIN),
    ]


def _develop() -> list[Key]:
    watch = "develop.watch.*"
    return [
        Key("develop", f.GROUP, _NOTHING, "it steers `docker compose watch`"),
        Key(f"{watch}.action", f.TEXT),
        *_hook(f"{watch}.exec", f.HOOK_ALWAYS)[:-2],
        Key(f"{watch}.ignore", f.TEXT_LIST),
        Key(f"{watch}.include", f.TEXT_LIST),
        Key(f"{watch}.initial_sync", f.FLAG_UNCAST),
        Key(f"{watch}.path", f.TEXT),
        Key(f"{watch}.target", f.TEXT),
    ]


def _hook(path: str, form: Form = f.GROUP) -> list[Key]:
    return [
        Key(path, form),
        Key(f"{path}.command", f.HOOK_COMMAND),
        Key(f"{path}.user", f.TEXT),
        Key(f"{path}.privileged", f.FLAG_UNCAST),
        Key(f"{path}.working_dir", f.TEXT),
        Key(f"{path}.environment", f.HOOK_ENVIRONMENT),
        Key(f"{path}.image", f.TEXT),
        Key(f"{path}.per_replica", f.FLAG_UNCAST),
    ]


def _hooks() -> list[Key]:
    return [
        Key("pre_start", f.GROUP, _NO, "no command is run before a task; start it as a service and depend on it"),
        *_hook("pre_start.*"),
        Key("post_start", f.GROUP, _WARN, _HOOK),
        *_hook("post_start.*")[:-2],
        Key("pre_stop", f.GROUP, _WARN, _HOOK),
        *_hook("pre_stop.*")[:-2],
    ]


def _service_networks() -> list[Key]:
    return [
        Key("networks", f.NETWORKS, _DONE, "the cluster networks that tasks are on; `default` where none is named"),
        Key("networks.*.aliases", f.NAMES, _DONE, "more names of the service on that network"),
        Key("networks.*.driver_opts", f.OPTIONS, _WARN, "has no effect on cluster networks"),
        Key("networks.*.gw_priority", f.INTEGER_UNCAST, _WARN, "the way out is the engine's choice"),
        Key("networks.*.interface_name", f.TEXT, _WARN, "interfaces are named by the engine"),
        Key("networks.*.ipv4_address", f.TEXT, _NO, _ONE_ADDRESS),
        Key("networks.*.ipv6_address", f.TEXT, _NO, _ONE_ADDRESS),
        Key("networks.*.link_local_ips", f.NAMES, _WARN, "containers get no link-local addresses"),
        Key("networks.*.mac_address", f.TEXT, _NO, "one hardware address cannot serve several tasks; remove it"),
        Key("networks.*.priority", f.INTEGER_UNCAST, _NOTHING, "tasks are connected to all networks before they start"),
    ]


def _ports() -> list[Key]:
    return [
        Key("ports", f.PORTS, _DONE, "ports that hosts open for the service"),
        Key("ports.*.name", f.TEXT),
        Key(
            "ports.*.mode",
            f.TEXT,
            _DONE,
            "ingress: the cluster decides which nodes listen; host: the node of each task",
        ),
        Key("ports.*.host_ip", f.TEXT, _DONE, "refused, as a port cannot be opened on one address only"),
        Key("ports.*.target", f.NATURAL),
        Key("ports.*.published", f.TEXT),
        Key("ports.*.protocol", f.TEXT),
        Key("ports.*.app_protocol", f.TEXT, _NOTHING, "a hint for tools"),
    ]


def _service_volumes() -> list[Key]:
    return [
        Key("volumes", f.VOLUMES, _DONE, "named volumes, paths of the node, and file systems in memory"),
        Key("volumes.*", f.VOLUME),
        Key("volumes.*.type", f.TEXT),
        Key("volumes.*.source", f.TEXT),
        Key("volumes.*.target", f.TEXT),
        Key("volumes.*.read_only", f.FLAG),
        Key("volumes.*.consistency", f.TEXT, _NOTHING, "means nothing on Linux"),
        Key("volumes.*.bind", f.GROUP),
        Key("volumes.*.bind.selinux", f.TEXT, _WARN, "the path is not relabelled for SELinux"),
        Key("volumes.*.bind.propagation", f.TEXT),
        Key("volumes.*.bind.create_host_path", f.FLAG_OFF),
        Key("volumes.*.bind.recursive", f.TEXT, _DONE, "disabled: what is mounted below the path is left out"),
        Key("volumes.*.volume", f.GROUP),
        Key("volumes.*.volume.labels", f.LABELS),
        Key("volumes.*.volume.nocopy", f.FLAG),
        Key("volumes.*.volume.subpath", f.TEXT),
        Key("volumes.*.tmpfs", f.GROUP),
        Key("volumes.*.tmpfs.size", f.SIZE),
        Key("volumes.*.tmpfs.mode", f.INTEGER_UNCAST),
        Key("volumes.*.image", f.GROUP),
        Key("volumes.*.image.subpath", f.TEXT),
    ]


def _update(name: str) -> list[Key]:
    return [
        Key(f"deploy.{name}.delay", f.DURATION, _WARN, "there is no pause between one task and the next"),
        Key(f"deploy.{name}.failure_action", f.TEXT, _WARN, "an update goes on when tasks of the new spec fail"),
        Key(f"deploy.{name}.max_failure_ratio", f.REAL, _WARN, "failures of an update are not counted"),
        Key(f"deploy.{name}.monitor", f.DURATION, _WARN, "failures of an update are not counted"),
        Key(f"deploy.{name}.order", f.TEXT),
        Key(f"deploy.{name}.parallelism", f.NATURAL_KEPT),
    ]


def _deploy() -> list[Key]:
    limits, reserved = "deploy.resources.limits", "deploy.resources.reservations"
    generic = f"{reserved}.generic_resources"
    return [
        Key("deploy", f.GROUP),
        Key("deploy.mode", f.TEXT, _DONE, "replicated (the default) or global, one task on every node that fits"),
        Key("deploy.replicas", f.REPLICAS, _DONE, "how many tasks there are"),
        Key("deploy.endpoint_mode", f.TEXT, _NOTHING, "names lead to the tasks' own addresses in either mode"),
        Key("deploy.labels", f.LABELS, _DONE, "labels of the service"),
        Key("deploy.update_config", f.GROUP, _DONE, "how many tasks are replaced at a time, and in which order"),
        *_update("update_config"),
        Key("deploy.rollback_config", f.GROUP, _WARN, "a change is taken back as any other change is made"),
        *_update("rollback_config"),
        Key("deploy.resources", f.GROUP_ALWAYS),
        Key(limits, f.GROUP, _DONE, "what a task may use at most"),
        Key(f"{limits}.cpus", f.REAL_UNCAST),
        Key(f"{limits}.memory", f.SIZE),
        Key(f"{limits}.pids", f.INTEGER_UNCAST),
        Key(reserved, f.GROUP, _DONE, "what a node must have left for a task"),
        Key(f"{reserved}.cpus", f.REAL_UNCAST),
        Key(f"{reserved}.devices", f.GROUP, _NO, _DEVICE),
        *_device_request(f"{reserved}.devices.*"),
        Key(generic, f.GROUP, _NO, "nodes do not count resources of other kinds; use node labels and constraints"),
        Key(f"{generic}.*.discrete_resource_spec", f.GROUP),
        Key(f"{generic}.*.discrete_resource_spec.kind", Form(f.TEXT.decode, absent="")),
        Key(f"{generic}.*.discrete_resource_spec.value", f.INTEGER_ALWAYS),
        Key(f"{reserved}.memory", f.SIZE),
        Key("deploy.restart_policy", f.GROUP, _DONE, "when an ended task is replaced"),
        Key("deploy.restart_policy.condition", f.TEXT),
        Key("deploy.restart_policy.delay", f.DURATION_KEPT),
        Key("deploy.restart_policy.max_attempts", f.NATURAL_KEPT),
        Key("deploy.restart_policy.window", f.DURATION_KEPT),
        Key("deploy.placement", f.GROUP_ALWAYS),
        Key("deploy.placement.constraints", f.TEXTS, _DONE, "which nodes tasks may run on; all must hold"),
        Key("deploy.placement.max_replicas_per_node", f.NATURAL, _DONE, "how many tasks a node may have at most"),
        Key("deploy.placement.preferences", f.GROUP, _DONE, "labels over whose values tasks are spread evenly"),
        Key("deploy.placement.preferences.*.spread", f.TEXT),
    ]
