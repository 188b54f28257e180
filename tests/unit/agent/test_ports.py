"""Published ports on one host: put in place as assigned, after their network, and taken away with the last."""

from collections.abc import Iterable

from swarmlite.agent.body import HostNetwork
from swarmlite.agent.ports import HostPorts
from swarmlite.errors import Unavailable
from swarmlite.network.rules import Published
from swarmlite.protocol.link import PublishedPort
from tests.fakes.host import FakeKernel

WEB = PublishedPort(protocol="tcp", port=8080, backends=("10.128.0.4:80",))


class Networks:
    def __init__(self, *, is_there: bool) -> None:
        self.is_there = is_there

    async def ready(self, id: str) -> HostNetwork:
        if not self.is_there:
            raise Unavailable(f"network {id} is not assigned to this host yet")
        return HostNetwork(engine_id=id, gateway="10.128.0.1")


def ports_of(kernel: FakeKernel, *, is_there: bool = True) -> tuple[HostPorts, Networks]:
    networks = Networks(is_there=is_there)
    return HostPorts(kernel, networks), networks


def published(kernel: FakeKernel) -> Iterable[Published]:
    return kernel.published


async def test_ports_are_published_as_assigned_and_gone_with_the_last() -> None:
    kernel = FakeKernel()
    ports, _ = ports_of(kernel)
    ports.assign("net1", (WEB,))
    assert await ports.settle()
    assert published(kernel) == (Published("tcp", 8080, ("10.128.0.4:80",)),)
    ports.assign("", ())
    assert await ports.settle()
    assert published(kernel) == ()


async def test_ports_wait_for_their_network() -> None:
    kernel = FakeKernel()
    ports, networks = ports_of(kernel, is_there=False)
    ports.assign("net1", (WEB,))
    assert not await ports.settle()
    assert published(kernel) == ()
    networks.is_there = True
    assert await ports.settle()
    assert published(kernel) != ()
