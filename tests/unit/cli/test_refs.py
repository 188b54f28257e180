"""Services by the name that the Compose file gives them, where that is enough."""

from msgspec.structs import replace

from swarmlite.model.spec import GlobalMode, ServiceMode
from tests.unit.cli.conftest import Served, Swarmlite
from tests.unit.cli.test_lists import web


def test_the_short_name_of_a_service_will_do_while_only_one_stack_has_it(swarmlite: Swarmlite, served: Served) -> None:
    served.do(served.cluster.control.create_service(web()))
    assert swarmlite("service", "scale", "-d", "web=5").output == "shop_web scaled to 5\n"
    assert swarmlite("service", "ps", "web").exit_code == 0
    other = replace(web(), name="mail_web", labels={"com.docker.stack.namespace": "mail"})
    served.do(served.cluster.control.create_service(other))
    result = swarmlite("service", "rm", "web")
    assert result.exit_code != 0
    assert "several services are called web: mail_web, shop_web" in result.stderr
    assert served.cluster.service("shop_web").spec.replicas == 5


def test_a_scale_of_several_changes_all_or_none(swarmlite: Swarmlite, served: Served) -> None:
    served.do(served.cluster.control.create_service(web(2)))
    everywhere = replace(web(), name="shop_all", mode=ServiceMode(global_=GlobalMode()))
    served.do(served.cluster.control.create_service(everywhere))
    for wrong, says in (("shop_all=3", "is global"), ("nosuch=3", "not found")):
        result = swarmlite("service", "scale", "-d", "shop_web=9", wrong)
        assert result.exit_code != 0
        assert says in result.stderr
        assert served.cluster.service("shop_web").spec.replicas == 2
