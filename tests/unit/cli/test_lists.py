"""Lists as tables and as JSON, and what commands say when something is wrong."""

import json
from pathlib import Path

from click.testing import CliRunner

from swarmlite.cli.main import COMMANDS, main
from swarmlite.model.spec import ContainerSpec, ReplicatedMode, ServiceMode, ServiceSpec, TaskTemplate
from swarmlite.model.states import TaskState
from tests.unit.cli.conftest import Served, Swarmlite


def web(replicas: int = 2) -> ServiceSpec:
    return ServiceSpec(
        name="shop_web",
        labels={"com.docker.stack.namespace": "shop"},
        task_template=TaskTemplate(container_spec=ContainerSpec(image="demo:1")),
        mode=ServiceMode(replicated=ReplicatedMode(replicas=replicas)),
    )


def deployed(served: Served, state: TaskState = TaskState.RUNNING, err: str = "") -> None:
    served.do(served.cluster.control.create_service(web()))
    served.do(served.cluster.run("shop_web", state, err))


def test_help_names_every_command_without_importing_them() -> None:
    out = CliRunner().invoke(main, ["--help"]).output
    for name, row in COMMANDS.items():
        assert name in out
        assert row.help in out


def test_nodes_as_a_table_and_as_json(swarmlite: Swarmlite) -> None:
    table = swarmlite("node", "ls").output.splitlines()
    assert table[0].split() == [
        "ID", "NAME", "STATE", "AVAILABILITY", "ROLE", "ADDRESS", "CPUS", "MEMORY", "ENGINE", "LABELS",
        "MESSAGE",
    ]  # fmt: skip
    assert "h1     ready   active         manager (leader)   192.0.2.1   2      4GiB     20.10.24" in table[1]
    rows = json.loads(swarmlite("node", "ls", "--format", "json").output)
    assert [row["name"] for row in rows] == ["h1", "h2", "h3"]
    assert rows[0]["memory_bytes"] == 4 << 30


def test_ps_shows_every_task_with_its_node_and_why_it_waits(swarmlite: Swarmlite, served: Served) -> None:
    deployed(served, TaskState.PENDING, "no suitable node (3 nodes: insufficient memory)")
    rows = json.loads(swarmlite("ps", "--format", "json").output)
    assert [row["slot_name"] for row in rows] == ["shop_web.1", "shop_web.2"]
    assert {row["state"] for row in rows} == {"pending"}
    assert "no suitable node (3 nodes: insufficient memory)" in swarmlite("ps").output


def test_replaced_tasks_stand_under_the_newest_and_can_be_left_out(swarmlite: Swarmlite, served: Served) -> None:
    deployed(served)
    served.do(served.cluster.run("shop_web"))
    assert swarmlite("service", "ps", "shop_web").output.count(" \\_ shop_web.") == 2
    assert " \\_ " not in swarmlite("service", "ps", "--current", "shop_web").output


def test_services_say_how_many_run(swarmlite: Swarmlite, served: Served) -> None:
    deployed(served)
    assert "replicated   2/2        demo:1" in swarmlite("service", "ls").output
    row = json.loads(swarmlite("stack", "services", "shop", "--format", "json").output)[0]
    assert (row["running"], row["desired"], row["stack"]) == (2, 2, "shop")


def test_stacks_are_listed_and_removed(swarmlite: Swarmlite, served: Served) -> None:
    deployed(served)
    assert swarmlite("stack", "ls", "-q").output == "shop\n"
    assert "service shop_web removed" in swarmlite("stack", "rm", "shop").output
    assert swarmlite("stack", "ls").output.split() == ["NAME", "SERVICES", "NETWORKS"]


def test_what_is_not_there_fails_with_one_sentence(swarmlite: Swarmlite) -> None:
    for words in (("service", "rm", "x"), ("service", "ps", "x"), ("stack", "ps", "x"), ("node", "inspect", "x")):
        result = swarmlite(*words)
        assert result.exit_code == 1, words
        assert "not found" in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_wrong_usage_is_exit_code_2(swarmlite: Swarmlite) -> None:
    assert swarmlite("ps", "--nonsense").exit_code == 2
    assert swarmlite("service", "scale", "web").exit_code == 2
    assert swarmlite("node", "update", "h1").exit_code == 2


def test_a_host_in_no_cluster_is_told_what_to_do(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["ps", "--data-dir", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "this host is in no cluster" in result.stderr
    assert "swarmlite init" in result.stderr


def test_a_host_whose_daemon_is_not_running_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "node.json").write_text("{}")
    result = CliRunner().invoke(main, ["ps", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "daemon of this host is not running" in result.stderr


def test_node_labels_and_availability_change(swarmlite: Swarmlite) -> None:
    assert swarmlite("node", "update", "--label-add", "zone=a", "--availability", "drain", "h2").exit_code == 0
    row = json.loads(swarmlite("node", "ls", "--format", "json").output)[1]
    assert (row["labels"], row["availability"]) == ({"zone": "a"}, "drain")
    assert swarmlite("node", "update", "--label-rm", "nope", "h2").exit_code == 2


def test_tokens_are_made_listed_and_revoked(swarmlite: Swarmlite) -> None:
    out = swarmlite("token", "create", "--expires", "1h", "--uses", "1").output
    assert "swarmlite join --token SWMLT-1-digest-" in out
    assert "192.0.2.1:2377" in out
    row = json.loads(swarmlite("token", "ls", "--format", "json").output)[0]
    assert (row["role"], row["uses_left"]) == ("worker", 1)
    assert swarmlite("token", "rm", row["id"]).exit_code == 0
    assert json.loads(swarmlite("token", "ls", "--format", "json").output) == []


def test_logs_are_merged_in_the_order_of_time(swarmlite: Swarmlite, served: Served) -> None:
    deployed(served)
    first, second = sorted(served.cluster.view.tasks.values(), key=lambda task: task.slot)
    served.cluster.dispatch.say(first, 1, "one")
    served.cluster.dispatch.say(second, 2, "two")
    served.cluster.dispatch.say(first, 3, "three")
    served.cluster.dispatch.say(second, 4, "on stderr", stream=2)
    result = swarmlite("logs", "shop")
    assert result.stdout.splitlines() == ["shop_web.1@h1 | one", "shop_web.2@h2 | two", "shop_web.1@h1 | three"]
    assert result.stderr.splitlines() == ["shop_web.2@h2 | on stderr"]
    assert swarmlite("logs", "-n", "1", "shop_web").stdout.splitlines() == ["shop_web.1@h1 | three"]


def test_completion_offers_commands_and_names(swarmlite: Swarmlite, served: Served) -> None:
    deployed(served)
    assert "_SWARMLITE_COMPLETE" in swarmlite("completion", "bash").output
    words = {"COMP_WORDS": "swarmlite service ps sh", "COMP_CWORD": "3", "_SWARMLITE_COMPLETE": "bash_complete"}
    env = {"SWARMLITE_DATA_DIR": str(served.data_dir), **words}
    assert CliRunner().invoke(main, [], env=env, prog_name="swarmlite").output.strip() == "plain,shop_web"
