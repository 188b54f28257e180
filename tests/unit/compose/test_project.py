"""From files to one model: where variables come from, merging, extends, include, profiles."""

from typing import Any

import pytest

from swarmlite.errors import ComposeError, InvalidArgument
from tests.unit.compose.conftest import Folder


def service(folder: Folder, text: str = "", *names: str, key: str = "web", **options: Any) -> dict[str, Any]:
    loaded = folder.load(text, *names, **options)
    return loaded.project["services"][key]  # type: ignore[index, call-overload, return-value]


# --- names and variables --------------------------------------------------------------------------------------------


def test_the_stack_is_called_as_said_else_as_the_file_says_else_as_the_folder(folder: Folder) -> None:
    text = "services: {web: {image: x}}\n"
    assert folder.load(text).stack.name == "shop"
    assert folder.load(f"name: My-Store_1\n{text}").stack.name == "my-store_1"
    assert folder.load(f"name: $N\n{text}", env={"N": "var"}).stack.name == "var"
    assert folder.load(f"name: other\n{text}", env={"COMPOSE_PROJECT_NAME": "env"}).stack.name == "env"
    assert folder.load(f"name: other\n{text}", project_name="given").stack.name == "given"


def test_a_name_that_cannot_be_is_refused_with_one_that_can(folder: Folder) -> None:
    with pytest.raises(InvalidArgument, match=r"'My Shop' cannot be a stack's name.*write myshop"):
        folder.load("services: {web: {image: x}}", project_name="My Shop")


def test_variables_come_from_the_shell_then_from_dotenv(folder: Folder) -> None:
    folder.write({".env": "TAG=dotenv\nPORT=1\n", "other.env": "TAG=other\n"})
    text = "services: {web: {image: 'x:${TAG}', hostname: 'h${PORT-none}'}}"
    assert service(folder, text)["image"] == "x:dotenv"
    assert service(folder, text, env={"TAG": "shell"})["image"] == "x:shell"
    named = service(folder, text, env_files=[folder.path / "other.env"])
    assert (named["image"], named["hostname"]) == ("x:other", "hnone")


def test_a_variable_that_is_not_set_is_warned_of_at_its_place(folder: Folder) -> None:
    loaded = folder.load("services:\n  web:\n    image: x$NO\n")
    assert [str(warning) for warning in loaded.warnings] == [
        "compose.yaml:3:5: services.web.image: the variable NO is not set; an empty text stands in for it"
    ]


def test_env_files_lie_under_environment_and_shell_values_fill_in(folder: Folder) -> None:
    folder.write({"a.env": "A=file\nB=file\nC=$HOST\n", "b.env": "B=later\n"})
    text = """
        services:
          web:
            image: x
            env_file: [a.env, {path: b.env}, {path: gone.env, required: false}]
            environment: {A: own, SHELL_ONE: , UNSET: }
    """
    found = service(folder, text, env={"SHELL_ONE": "s", "HOST": "h"})
    assert found["environment"] == {"A": "own", "B": "later", "C": "h", "SHELL_ONE": "s", "UNSET": None}
    assert "env_file" not in found


def test_files_are_found_as_docker_compose_finds_them(folder: Folder) -> None:
    folder.write(
        {
            "docker-compose.yml": "services: {web: {image: old}}",
            "compose.yaml": "services: {web: {image: base}}",
            "compose.override.yaml": "services: {web: {hostname: h}}",
            "sub/x": "",
        }
    )
    assert service(folder) == {**service(folder), "image": "base", "hostname": "h"}
    below = Folder(folder.path / "sub")
    assert service(below)["image"] == "base"


def test_without_a_file_the_names_that_are_looked_for_are_said(folder: Folder) -> None:
    with pytest.raises(ComposeError, match=r"no compose file .* compose\.yaml"):
        folder.load()


# --- several files --------------------------------------------------------------------------------------------------

BASE = """
    services:
      web:
        image: base
        command: [a, b]
        entrypoint: [e]
        environment: {A: "1", B: "1"}
        labels: [x=1]
        ports: ["80:80", "81:81"]
        volumes: ["one:/data", "/host:/etc/x"]
        networks: [front]
        depends_on: [db]
        healthcheck: {test: ["CMD", "true"], interval: 5s}
        logging: {driver: json-file, options: {max-size: 1m}}
        deploy: {replicas: 2, labels: {l: "1"}}
        tmpfs: /run
      db: {image: db}
    networks: {front: , back: }
    volumes: {one: , two: }
"""


def merged(folder: Folder, override: str) -> dict[str, Any]:
    folder.write({"base.yaml": BASE, "over.yaml": override})
    return service(folder, "", "base.yaml", "over.yaml")


def test_maps_are_merged_lists_appended_and_commands_replaced(folder: Folder) -> None:
    found = merged(
        folder,
        """
        services:
          web:
            image: over
            command: c d
            environment: [B=2, C=3]
            labels: {y: 2}
            ports: ["82:82"]
            networks: {back: {aliases: [w]}}
            depends_on: {db: {condition: service_healthy}}
            healthcheck: {test: "false"}
            deploy: {labels: [m=2]}
            tmpfs: [/tmp]
        """,
    )
    assert found["image"] == "over"
    assert found["command"] == ["c", "d"]
    assert found["entrypoint"] == ["e"]
    assert found["environment"] == {"A": "1", "B": "2", "C": "3"}
    assert found["labels"] == {"x": "1", "y": "2"}
    assert [port["published"] for port in found["ports"]] == ["80", "81", "82"]
    assert found["networks"] == {"front": None, "back": {"aliases": ["w"]}}
    assert found["depends_on"] == {"db": {"condition": "service_healthy", "required": True}}
    assert found["healthcheck"] == {"test": ["CMD-SHELL", "false"], "interval": "5s"}
    assert found["deploy"]["replicas"] == 2
    assert found["deploy"]["labels"] == {"l": "1", "m": "2"}
    assert found["tmpfs"] == ["/run", "/tmp"]


def test_an_entry_for_the_same_thing_takes_its_place(folder: Folder) -> None:
    found = merged(
        folder,
        """
        services:
          web:
            ports: [{target: 80, published: 80, mode: host}]
            volumes: ["two:/data:ro"]
            logging: {driver: syslog}
        """,
    )
    assert [(port["target"], port["mode"]) for port in found["ports"]] == [(80, "host"), (81, "ingress")]
    assert [(volume["source"], volume["target"]) for volume in found["volumes"]] == [
        ("two", "/data"),
        ("/host", "/etc/x"),
    ]
    assert found["logging"] == {"driver": "syslog"}


def test_reset_takes_away_and_override_replaces(folder: Folder) -> None:
    found = merged(
        folder,
        """
        services:
          web:
            ports: !override ["90:90"]
            environment: {A: !reset null}
            volumes: !reset []
            command: !reset null
        """,
    )
    assert [port["published"] for port in found["ports"]] == ["90"]
    assert found["environment"] == {"B": "1"}
    assert "volumes" not in found
    assert found["command"] is None


def test_a_list_cannot_be_laid_over_a_mapping(folder: Folder) -> None:
    folder.write({"base.yaml": BASE, "over.yaml": "services:\n  web:\n    deploy: [1]\n"})
    assert folder.faults("", "base.yaml", "over.yaml") == [
        "over.yaml:3:5: services.web.deploy: cannot be laid over what is a mapping in base.yaml:15:5; "
        "write a mapping here, too"
    ]


def test_documents_of_one_file_are_merged(folder: Folder) -> None:
    found = service(folder, "services: {web: {image: a, hostname: h}}\n---\nservices: {web: {image: b}}\n")
    assert (found["image"], found["hostname"]) == ("b", "h")


# --- extends and include --------------------------------------------------------------------------------------------


def test_a_service_extends_one_of_another_file_whose_paths_are_its_own(folder: Folder) -> None:
    folder.write(
        {
            "base/common.yaml": """
                services:
                  app:
                    extends: root
                    environment: {A: "1"}
                    volumes: ["./conf:/conf"]
                  root: {image: base, labels: {from: root}}
            """
        }
    )
    text = """
        services:
          web:
            extends: {file: base/common.yaml, service: app}
            environment: {B: "2"}
    """
    found = service(folder, text)
    assert (found["image"], found["labels"]) == ("base", {"from": "root"})
    assert found["environment"] == {"A": "1", "B": "2"}
    assert found["volumes"][0]["source"] == str(folder.path / "base/conf")


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ("web", "services.web.extends: services extend each other: web → web"),
        ("nobody", "services.web.extends: the service 'nobody' is not defined in compose.yaml"),
        ("{file: gone.yaml, service: x}", "services.web.extends: the file gone.yaml does not exist"),
    ],
)
def test_what_cannot_be_extended_is_named(folder: Folder, extends: str, message: str) -> None:
    faults = folder.faults(f"services:\n  web:\n    image: x\n    extends: {extends}\n")
    assert len(faults) == 1
    assert faults[0].startswith(f"compose.yaml:4:5: {message}")


def test_included_files_have_a_folder_and_variables_of_their_own(folder: Folder) -> None:
    folder.write(
        {
            "db/compose.yaml": """
                services:
                  db: {image: "db:${TAG}", env_file: db.env}
                networks: {back: }
            """,
            "db/.env": "TAG=7\n",
            "db/db.env": "A=1\n",
        }
    )
    text = "include: [db/compose.yaml]\nservices: {web: {image: x, depends_on: [db], networks: [back]}}\n"
    loaded = folder.load(text)
    assert service(folder, text, key="db")["image"] == "db:7"
    assert service(folder, text, key="db")["environment"] == {"A": "1"}
    assert [network.name for network in loaded.stack.networks] == ["shop_back", "shop_default"]


def test_files_that_include_each_other_are_refused(folder: Folder) -> None:
    folder.write({"b.yaml": "include: [compose.yaml]\n"})
    assert folder.faults("include: [b.yaml]\nservices: {web: {image: x}}") == [
        "b.yaml:1:11: include[0]: files include each other: compose.yaml → b.yaml → compose.yaml; "
        "remove one of the includes"
    ]


# --- profiles -------------------------------------------------------------------------------------------------------


def test_services_of_a_profile_are_left_out_until_it_is_asked_for(folder: Folder) -> None:
    text = "services: {web: {image: x}, debug: {image: x, profiles: [dev]}}"
    assert [s.name for s in folder.load(text).stack.services] == ["shop_web"]
    assert len(folder.load(text, profiles=["dev"]).stack.services) == 2
    assert len(folder.load(text, env={"COMPOSE_PROFILES": "a,dev"}).stack.services) == 2


def test_a_dependency_that_is_left_out_is_named_with_its_profiles(folder: Folder) -> None:
    text = "services:\n  web: {image: x, depends_on: [debug]}\n  debug: {image: x, profiles: [dev]}\n"
    (fault,) = folder.faults(text)
    assert "services.web.depends_on.debug: the service 'debug' is left out by its profiles" in fault
    assert "(dev) with --profile" in fault
