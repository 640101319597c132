"""Which main is the service where names tell, and what it is called."""

from __future__ import annotations

import pytest

from devctl.domain.config import Config
from devctl.domain.detect import default_name, detect_service
from devctl.domain.gofacts import Setting
from devctl.domain.mains import choose_main, word_of
from devctl.errors import UsageError
from tests.domain.test_detect import PATH, facts, pkg


def test_of_several_that_listen_the_one_called_like_the_module_is_the_service() -> None:
    chosen = choose_main(facts(pkg("cmd/helper", listens=":9000"), pkg("cmd/Shop", listens=":8080")))
    assert (chosen.main.package.dir, chosen.origin) == ("cmd/Shop", "cmd/Shop is named like the module")


def test_of_many_mains_the_first_are_listed_and_the_rest_is_counted() -> None:
    many = [pkg(f"demos/d{number:02}", listens=":8080") for number in range(20)]
    with pytest.raises(
        UsageError, match=r"20 mains .*; demos/d07 \(demos/d07/main.go:9\); and 12 more$"
    ) as caught:
        choose_main(facts(*many))
    assert "demos/d08" not in str(caught.value)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("app/cmd", "shop"),
        ("cmd", "shop"),
        ("cmd/app", "shop"),
        ("services/mail/cmd", "mail"),
        ("cmd/api", "api"),
    ],
)
def test_a_service_is_not_called_like_a_folder_that_says_nothing(folder: str, name: str) -> None:
    assert default_name(choose_main(facts(pkg(folder))).main) == name


@pytest.mark.parametrize(("module", "word"), [("example.com/a/Shop/v2", "shop"), ("shop", "shop"), ("", "")])
def test_what_a_module_is_called(module: str, word: str) -> None:
    assert word_of(module) == word


def test_a_service_may_be_a_broker_itself_and_is_asked_by_tcp() -> None:
    service = detect_service(facts(pkg(".", listens=":4222", routes=("/healthz",))), config=Config())
    assert (service.port, service.probe) == (4222, "tcp")


def test_the_address_of_a_mail_port_is_not_the_one_that_is_asked() -> None:
    settings = (
        Setting("SMTP.Addr", "0.0.0.0:2500", "field", "config/config.go:3"),
        Setting("Web.Addr", "0.0.0.0:9000", "field", "config/config.go:9"),
    )
    package = pkg("config", name="config", imports=(), settings=settings)
    service = detect_service(
        facts(pkg(".", listens="x", imports=("net/http", f"{PATH}/config")), package), config=Config()
    )
    assert service.port == 9000
