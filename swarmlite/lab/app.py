"""The lab's commands as functions. Each may be cut off anywhere: `down` finds all from the directory's name alone."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import msgspec

from swarmlite.errors import EngineError, FailedPrecondition, InvalidArgument, NotFound
from swarmlite.lab import engine, hosts, needs, nodes, processes, remains
from swarmlite.lab.layout import MAX_HOSTS, Layout, Node
from swarmlite.lab.state import State, locked, read_state, write_state

Say = Callable[[str], None]
"""Told each step in a few words."""

DEFAULT_HOSTS = 3


def up(layout: Layout, count: int | None, say: Say) -> None:
    """Start a lab of `count` hosts (default 3), or add hosts to the one that is up."""
    if count is not None and not 1 <= count <= MAX_HOSTS:
        raise InvalidArgument(f"a lab has between 1 and {MAX_HOSTS} hosts, not {count}")
    needs.check()
    with locked(layout.directory, create=True):
        state = read_state(layout)
        if state and state.phase == "up" and nodes.pid_of(layout.switch):
            _grow(layout, state, count or state.hosts, say)
            return
        try:
            _start(layout, count or DEFAULT_HOSTS, say)
        except BaseException:
            _clear(layout)
            remains.remove_directory(layout)
            raise


def down(layout: Layout) -> bool:
    """End the lab and remove all that it left, also after a crash; False if there was nothing."""
    needs.check_right()
    with locked(layout.directory, create=False) as exists:
        found = bool(processes.processes_of(layout.lab)) or remains.has_remains(layout)
        _clear(layout)
        if exists:
            remains.remove_directory(layout)
    return found


def kill(layout: Layout, index: int) -> None:
    """Pull host `index`'s power cord: first its network is gone, then everything in it dies at once."""
    with _changing(layout, index) as state:
        node = layout.host(index)
        write_state(layout, msgspec.structs.replace(state, off=tuple(sorted({*state.off, index}))))
        if node.name in nodes.ports(layout.switch):
            nodes.set_port(layout.switch, node.name, up=False)
        _end(layout, node)


def start(layout: Layout, index: int, say: Say) -> None:
    """Boot host `index` on the data it had, and its swarmlite daemon if it is in a cluster; on a host that is on, start
    its engine if that is not there.
    """
    with _changing(layout, index) as state:
        node = layout.host(index)
        booted = not nodes.pid_of(node) or index in state.off
        if not booted:
            if engine.answers(node.socket):
                say(f"{node.name} is on already")
                return
            if hosts.engine_pid(node) is None:
                hosts.start_engine(node)
            hosts.wait_engine(node)
        else:
            _end(layout, node)
            process = hosts.boot_host(layout, index, state.storage, nodes.running_pid(layout.switch))
            hosts.wait_booted([(node, process)])
            hosts.wait_engine(node)
        write_state(layout, msgspec.structs.replace(state, off=tuple(i for i in state.off if i != index)))
        say(f"{node.name} is on")
        if booted and hosts.start_daemon(node):
            say(f"{node.name} is a member of a cluster: its swarmlite daemon is on")


def set_link(layout: Layout, index: int, *, up: bool) -> None:
    """Set host `index`'s port on the switch up or down."""
    node = host(layout, index)
    nodes.running_pid(node)
    nodes.set_port(layout.switch, node.name, up=up)


def host(layout: Layout, index: int) -> Node:
    """Host `index` of a lab that is up."""
    state = running(layout)
    if not 1 <= index <= state.hosts:
        raise NotFound(f"no host {index}: the lab has hosts 1 to {state.hosts}")
    return layout.host(index)


def running(layout: Layout) -> State:
    """The state of the lab, which must be up."""
    state = read_state(layout)
    if state is None or nodes.pid_of(layout.switch) is None:
        raise FailedPrecondition(f"no lab is up in {layout.directory}: start one with `swarmlite lab up`")
    if state.phase != "up":
        raise FailedPrecondition(f"the lab in {layout.directory} is still starting, or its start was cut off: "
                                 "wait for it, or run `swarmlite lab up` again")  # fmt: skip
    return state


@contextmanager
def _changing(layout: Layout, index: int) -> Iterator[State]:
    """Hold the lab while host `index` changes."""
    with locked(layout.directory, create=False):
        host(layout, index)
        yield running(layout)


def _start(layout: Layout, count: int, say: Say) -> None:
    _clear(layout)
    storage = needs.probe(layout.directory, f"{layout.lab}/probe")
    state = State(phase="starting", hosts=count, storage=storage)
    write_state(layout, state)
    hosts.write_names(layout, count)
    say("switch")
    switch = hosts.boot_switch(layout)
    registry = hosts.boot_registry(layout, switch)
    _boot_hosts(layout, state, range(1, count + 1), say)
    hosts.wait_booted([(layout.registry, registry)])
    hosts.wait_registry(layout)
    write_state(layout, msgspec.structs.replace(state, phase="up"))
    say(f"registry is on, {layout.registry_url}")
    say("the lab is up; a cluster starts with: swarmlite lab run 1 -- swarmlite init")


def _grow(layout: Layout, state: State, count: int, say: Say) -> None:
    if count < state.hosts:
        raise FailedPrecondition(
            f"the lab in {layout.directory} is up with {state.hosts} hosts: "
            f"for {count}, run `swarmlite lab down` first, or `swarmlite lab kill` the others"
        )
    if count == state.hosts:
        say(f"the lab is up already, with {state.hosts} host{'s' if state.hosts > 1 else ''}")
        return
    grown = msgspec.structs.replace(state, hosts=count)
    added = range(state.hosts + 1, count + 1)
    hosts.write_names(layout, count)
    for index in added:
        _end(layout, layout.host(index))
    try:
        _boot_hosts(layout, grown, added, say)
        write_state(layout, grown)
    except BaseException:
        for index in added:
            _end(layout, layout.host(index))
            remains.remove_tree(layout.host(index).directory)
        hosts.write_names(layout, state.hosts)
        raise
    hosts.tell_names(layout, [layout.host(index) for index in range(1, state.hosts + 1)])


def _boot_hosts(layout: Layout, state: State, which: Iterable[int], say: Say) -> None:
    """All at once; each engine is given the lab's own images as soon as it answers."""
    switch = nodes.running_pid(layout.switch)
    booting = [(layout.host(index), hosts.boot_host(layout, index, state.storage, switch)) for index in which]
    hosts.wait_booted(booting)
    with ThreadPoolExecutor(max_workers=min(16, len(booting))) as pool:
        for node in pool.map(_furnish, [node for node, _ in booting]):
            say(f"{node.name} is on, {node.address}")


def _furnish(node: Node) -> Node:
    hosts.wait_engine(node)
    try:
        hosts.load_own_images(node)
    except EngineError as error:
        raise EngineError(f"{node.name} cannot take its images: {error}", error.engine_status) from error
    return node


def _end(layout: Layout, node: Node) -> None:
    """End everything of one node; its files stay."""
    processes.kill_all(layout.lab, node.name)
    nodes.unplug(layout.switch, node.name)
    remains.remove_cgroups(layout.lab, node.name)


def _clear(layout: Layout) -> None:
    killed = processes.kill_all(layout.lab)
    remains.remove_cgroups(layout.lab)
    remains.remove_files(layout)
    processes.wait_reaped(killed)
