"""Every key of compose either may change by itself or is a grant; what is not on the list is one."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.rights.grants import Grant, grants, leading_out, lent_out_of_sight, mounted_paths
from devctl.domain.rights.rules import Table, free, same
from devctl.domain.rights.table import (
    BUILD,
    NETWORK,
    SECRET,
    SERVICE,
    TOP,
    USE_OF_A_NETWORK,
    USE_OF_OWN_NETWORK,
    VOLUME,
)

ROOT = "/home/dev/shop"
# The keys that compose 2.40 knows (its JSON schema).
KNOWN = {
    "SERVICE": """
        annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count
        cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy
        develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose extends
        external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links logging
        mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable
        oom_score_adj pid pids_limit platform ports post_start pre_stop privileged profiles provider pull_policy
        pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period
        stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir
    """,
    "BUILD": """
        additional_contexts args cache_from cache_to context dockerfile dockerfile_inline entitlements extra_hosts isolation
        labels network no_cache platforms privileged provenance pull sbom secrets shm_size ssh tags target ulimits
    """,
    "DEPLOY": "endpoint_mode labels mode placement replicas resources restart_policy rollback_config update_config",
    "USE_OF_OWN_NETWORK": """
        aliases driver_opts gw_priority interface_name ipv4_address ipv6_address link_local_ips mac_address priority
    """,
    "NETWORK": "attachable driver driver_opts enable_ipv4 enable_ipv6 external internal ipam labels name",
    "VOLUME": "driver driver_opts external labels name",
    "SECRET": "content driver driver_opts environment external file labels name template_driver",
    "TOP": "configs include models name networks secrets services version volumes",
}
DEPLOY = SERVICE.keys["deploy"].rule
assert isinstance(DEPLOY, Table)
TABLES = {
    "SERVICE": SERVICE,
    "BUILD": BUILD,
    "DEPLOY": DEPLOY,
    "USE_OF_OWN_NETWORK": USE_OF_OWN_NETWORK,
    "NETWORK": NETWORK,
    "VOLUME": VOLUME,
    "SECRET": SECRET,
    "TOP": TOP,
}


def model(**spec: Any) -> dict[str, Any]:
    mount = {"type": "bind", "source": ROOT, "target": "/app"}
    base = {"build": {"context": ROOT, "labels": {}}, "volumes": [mount], "networks": {"default": None}}
    return {
        "name": "shop",
        "services": {"api": {**base, **spec}, "db": {"image": "postgres"}},
        "networks": {"default": {"name": "shop_default", "ipam": {}}},
    }


def granted(
    now: dict[str, Any],
    before: dict[str, Any] | None = None,
    *,
    links: dict[str, str] | None = None,
    ours: tuple[str, ...] = (),
) -> list[str]:
    real = links or {}
    found = grants(before or model(), now, ["api"], real=lambda p: real.get(p, p), ours=ours)
    return [grant.what for grant in found]


@pytest.mark.parametrize("name", TABLES)
def test_each_key_that_compose_knows_has_a_rule_and_a_reason(name: str) -> None:
    assert set(TABLES[name].keys) == set(KNOWN[name].split())
    assert all(key.why for key in TABLES[name].keys.values())


@pytest.mark.parametrize("key", sorted(SERVICE.keys))
def test_each_key_of_a_service_is_free_or_a_grant(key: str) -> None:
    rule = SERVICE.keys[key].rule
    if rule in (free, same):
        assert bool(granted(model(**{key: "x"}))) is (rule is same)


@pytest.mark.parametrize("key", sorted(BUILD.keys))
def test_each_key_of_a_build(key: str) -> None:
    rule, now = BUILD.keys[key].rule, model()
    if rule in (free, same):
        now["services"]["api"]["build"][key] = {"a": "x"} if key == "additional_contexts" else "x"
        assert bool(granted(now)) is (rule is same)


@pytest.mark.parametrize("key", sorted(DEPLOY.keys))
def test_each_key_of_deploy(key: str) -> None:
    assert isinstance(DEPLOY, Table)
    assert bool(granted(model(deploy={key: {"reservations": "x"}}))) is (DEPLOY.keys[key].rule is not free)
    assert granted(model(deploy={"resources": {"limits": {"cpus": 1}}})) == []
    assert granted(model(deploy={"resources": {"limits": {"of_tomorrow": 1}}}))


@pytest.mark.parametrize("key", sorted(USE_OF_OWN_NETWORK.keys))
def test_each_key_of_a_service_in_a_network(key: str) -> None:
    free_here = USE_OF_OWN_NETWORK.keys[key].rule is free
    assert bool(granted(model(networks={"default": {key: "x"}}))) is not free_here
    shared, now = model(networks={"default": {}}), model(networks={"default": {key: "x"}})
    shared["networks"] = now["networks"] = {"default": {"name": "web", "external": True}}
    assert granted(now, shared) == [f"network default with {key}: x"], "there the name may be another's"
    assert USE_OF_A_NETWORK.keys == {}


@given(
    key=st.text(min_size=1).filter(lambda k: k not in SERVICE.keys and not k.startswith("x-")),
    value=st.one_of(st.text(min_size=1), st.integers(1), st.lists(st.text(), min_size=1), st.just(True)),
)
def test_what_is_not_on_the_list_is_a_grant(key: str, value: object) -> None:
    assert granted(model(**{key: value}))


VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
FREE = sorted(key for key, it in SERVICE.keys.items() if it.rule is free and key != "depends_on")


@given(st.dictionaries(st.sampled_from(FREE), VALUE))
def test_what_is_free_is_not_a_grant(changed: dict[str, Any]) -> None:
    assert granted(model(**changed)) == []


@pytest.mark.parametrize("key", ["include", "models", "a_key_of_tomorrow"])
def test_a_key_beside_the_services(key: str) -> None:
    assert granted({**model(), key: {"x": 1}}) == [f"{key}: x: 1"]


def bind(source: str, **how: Any) -> list[dict[str, Any]]:
    return [*model()["services"]["api"]["volumes"], {"type": "bind", "source": source, "target": "/t", **how}]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"privileged": True}, "full access to the machine: privileged"),
        ({"privileged": False}, None),
        ({"cap_add": ["SYS_ADMIN"]}, "capabilities SYS_ADMIN"),
        ({"volumes": bind("/")}, "/:/t, writable"),
        ({"volumes": bind("/etc", read_only=True)}, "/etc:/t, read-only"),
        ({"volumes": bind("/var/run/docker.sock")}, "the Docker socket, and with it the whole machine: "),
        ({"volumes": bind(f"{ROOT}/data")}, None),
        ({"volumes": bind(f"{ROOT}/../other")}, "/home/dev/shop/../other:/t, writable"),
        ({"volumes": bind(f"{ROOT}/data", bind={"propagation": "rshared"})}, "with propagation: rshared"),
        ({"volumes": [*bind(ROOT)[:1], {"type": "tmpfs", "target": "/t"}]}, None),
        ({"volumes": [*bind(ROOT)[:1], {"type": "npipe", "source": "x", "target": "/t"}]}, "a mount of type npipe"),
        ({"ports": [{"target": 80, "published": "80", "host_ip": "127.0.0.1"}]}, None),
        ({"ports": [{"target": 80, "published": "80", "host_ip": "::1"}]}, None),
        ({"ports": [{"target": 80, "published": "80", "host_ip": "0.0.0.0"}]}, "other machines can reach: 0.0.0.0:80"),
        ({"ports": [{"target": 80}]}, "other machines can reach: every address:any port"),
        ({"user": "0:0"}, "the right to run as user 0:0"),
        ({"labels": {"traefik.enable": "true"}}, "traefik.enable=true"),
        ({"labels": {"dev.devctl.inputs": "x"}}, None),
        ({"security_opt": ["seccomp=unconfined"]}, "security options seccomp=unconfined"),
        ({"security_opt": ["no-new-privileges:true"]}, None),
        ({"build": {"context": "/etc"}}, f"for its build: the context /etc, outside {ROOT}"),
        ({"build": {"context": ROOT, "ssh": ["default"]}}, "for its build: ssh: default"),
        ({"build": {"context": ROOT, "network": "host"}}, "for its build: network: host"),
        ({"deploy": {"resources": {"reservations": {"devices": ["gpu"]}}}}, "deploy.resources: "),
    ],
)  # fmt: skip
def test_values_that_decide(spec: dict[str, Any], said: str | None) -> None:
    found = granted(model(**spec))
    assert (said in found[0] if said else found == []) and len(found) <= 1, found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"read_only": True}, {}, "what `read_only: true` denied it"),
        ({"cap_drop": ["ALL"]}, {"cap_drop": ["NET_RAW"]}, "the capabilities that cap_drop removed: ALL"),
        ({"cap_drop": ["NET_RAW"]}, {"cap_drop": ["ALL"]}, None),
        ({"cap_add": ["A", "B"]}, {"cap_add": ["A"]}, None),
        ({"security_opt": ["no-new-privileges:true"]}, {}, "what security_opt denied it"),
        ({"user": "1000:1000"}, {}, "what `user: 1000:1000` denied it"),
        ({"network_mode": "none"}, {}, "what `network_mode: none` denied it"),
        ({"privileged": True}, {}, None),
        ({"volumes": bind("/srv", read_only=True)}, {"volumes": bind("/srv")}, "/srv:/t, writable instead of read-only"),
        ({"volumes": bind("/srv")}, {"volumes": bind("/srv/x", read_only=True)}, None),
    ],
)  # fmt: skip
def test_what_kept_something_from_it_goes(old: dict[str, Any], new: dict[str, Any], said: str | None) -> None:
    found = granted(model(**new), model(**old))
    assert said in found[0] if said else found == []


@pytest.mark.parametrize(
    ("kind", "defined", "said"),
    [
        ("volumes", {"name": "shop_v"}, "the data of another volume: v:/v"),
        ("volumes", {"name": "other_v"}, "volume v with name: other_v"),
        ("volumes", {"name": "v", "external": True}, "volume v with name: v"),
        ("volumes", {"name": "shop_v", "driver_opts": {"o": "bind", "device": "/"}}, "volume v with driver_opts: "),
        ("volumes", {"name": "shop_v", "driver": "nfs"}, "volume v with driver: nfs"),
        ("networks", {"name": "shop_v", "ipam": {}}, "network v and everything on it"),
        ("networks", {"name": "shop_v", "internal": True}, "network v and everything on it"),
        ("networks", {"name": "host", "external": True}, "network v with name: host"),
        ("networks", {"name": "shop_v", "driver": "macvlan"}, "network v with driver: macvlan"),
        ("secrets", {"name": "shop_v", "file": f"{ROOT}/s"}, None),
        ("secrets", {"name": "shop_v", "file": "/home/dev/.netrc"}, "secret v: the file /home/dev/.netrc"),
        ("secrets", {"environment": "AWS"}, "secret v: the variable AWS from your environment"),
        ("configs", {"content": "x"}, None),
        ("configs", {"external": True}, "config v: external: True"),
    ],
)  # fmt: skip
def test_what_a_service_uses_is_judged_where_it_is_defined(
    kind: str, defined: dict[str, Any], said: str | None
) -> None:
    use: dict[str, Any] = {
        "volumes": [
            *model()["services"]["api"]["volumes"],
            {"type": "volume", "source": "v", "target": "/v"},
        ],
        "networks": {"default": None, "v": None},
    }
    now = model(**{kind: use.get(kind, [{"source": "v", "target": "/v"}])})
    now[kind] = {**now.get(kind, {}), "v": defined}
    found = granted(now)
    assert found[0].startswith(said) if said else found == []
    unused = model()
    unused[kind] = {**unused.get(kind, {}), "v": defined}
    assert granted(unused) == []


def test_the_data_of_another_service_is_a_grant() -> None:
    before, now = (
        model(),
        model(volumes=[*bind(ROOT)[:1], {"type": "volume", "source": "data", "target": "/d"}]),
    )
    before["volumes"] = now["volumes"] = {"data": {"name": "shop_data"}}
    before["services"]["db"]["volumes"] = [{"type": "volume", "source": "data", "target": "/d"}]
    assert granted(now, before) == ["the data of another volume: data:/d"]


def test_links_lead_out_of_what_is_mounted() -> None:
    now = model(volumes=bind(f"{ROOT}/data"))
    links = {f"{ROOT}/data": "/"}
    assert granted(now, links=links) == [f"{ROOT}/data:/t, writable"]
    paths = mounted_paths(now, ["api"])
    assert leading_out(paths, root=ROOT, real=lambda p: links.get(p, p)) == links
    assert leading_out(paths, root=ROOT, real=lambda p: p) == {}


def test_another_service_or_name_is_a_grant_and_what_is_not_started_is_none() -> None:
    assert granted({**model(), "name": "other"})[0] == "a different project name: other"
    now = model()
    now["services"]["db"]["privileged"] = True
    now["services"]["new"] = {"privileged": True}
    assert granted(now) == []
    found = grants(model(), now, ["new"], real=lambda p: p)
    assert found == (Grant("its first start: nobody has applied this service yet", ("services", "new")),)


def lent(*, ours: bool = False, **args: str) -> dict[str, Any]:
    """A model whose build gets the person's netrc."""
    secrets = [{"source": "devctl-netrc", "target": "netrc"}]
    build = {"context": ROOT, "labels": {"dev.devctl.inputs": "1"}, "secrets": secrets, "args": args}
    return {**model(build=build), "secrets": {"devctl-netrc": {"file": "/home/dev/.netrc"}}}


def test_keys_are_given_to_the_dockerfile_that_a_person_applied() -> None:
    before, now = lent(), lent()
    assert granted(now, before) == []
    now["services"]["api"]["build"]["labels"] = {"dev.devctl.inputs": "other"}
    assert granted(now, before) == ["for its changed Dockerfile: netrc"]
    assert granted(now, before, ours=("api",)) == [], "which is devctl's own"
    without = model(build={"context": ROOT, "labels": {"dev.devctl.inputs": "other"}})
    assert granted(without) == []
    assert granted(lent()) == [
        "for its build: secret devctl-netrc, the file /home/dev/.netrc",
        "for its changed Dockerfile: netrc",
    ]


def test_what_a_service_mounts_is_not_lent_to_its_build_nor_the_other_way_round() -> None:
    def secret(**spec: Any) -> dict[str, Any]:
        build = {"context": ROOT, "labels": {}, "secrets": spec.pop("build", [])}
        defined = {"file": {"file": "/home/dev/.aws"}, "shell": {"environment": "TOKEN"}}
        return {**model(build=build, **spec), "secrets": defined}

    used = [{"source": "file"}, {"source": "shell"}]
    in_the_service, in_the_build = secret(secrets=used), secret(build=used)
    assert (
        granted(in_the_build, in_the_service)
        == [
            "secret shell: the variable TOKEN from your environment",
            "for its build: secret file, the file /home/dev/.aws",
            "for its changed Dockerfile: file, shell",
        ][:2]
    )
    assert granted(in_the_service, in_the_build) == [
        "secret shell: the variable TOKEN from your environment",
        "secret file: the file /home/dev/.aws, read-only",
    ]


@pytest.mark.parametrize(
    ("ours", "name", "old", "new", "said"),
    [
        (False, "VERSION", "1", "2", None),
        (False, "GO_IMAGE", "golang:1.26", "evil/golang:1", None),  # the Dockerfile itself may say so
        (False, "BUILDKIT_SYNTAX", None, "evil/frontend", "for its build: the argument BUILDKIT_SYNTAX: evil/frontend"),
        (False, "BUILDKIT_CACHE_MOUNT_NS", "mine", "", "for its build: the argument BUILDKIT_CACHE_MOUNT_NS: "),
        (False, "BUILDKIT_CACHE_MOUNT_NS", "mine", None, "for its build: what the argument BUILDKIT_CACHE_MOUNT_NS denied it"),
        (True, "BUILDKIT_SYNTAX", None, "evil/frontend", "for its build: the argument BUILDKIT_SYNTAX: evil/frontend"),
        (True, "MAIN", ".", "./cmd/api", None),
        (True, "GO_IMAGE", "golang:1.26-alpine", "golang:1.27", None),
        (True, "GO_IMAGE", "registry.local/go:1.26", "registry.local/go:1.27", None),
        (True, "GO_IMAGE", "golang:1.26", "evil/golang:1.26", "for its build: the argument GO_IMAGE: evil/golang:1.26"),
        (True, "RUNTIME_IMAGE", None, "evil/static", "for its build: the argument RUNTIME_IMAGE: evil/static"),
        (True, "GOPROXY", "https://proxy.example.com", "https://evil", "for its build: the argument GOPROXY: https://evil"),
        (True, "AIR_VERSION", None, "v0", "for its build: the argument AIR_VERSION: v0"),
        (True, "of_tomorrow", None, "x", "for its build: the argument of_tomorrow: x"),
    ],
)  # fmt: skip
def test_arguments_of_a_build(
    ours: bool, name: str, old: str | None, new: str | None, said: str | None
) -> None:
    before, now = (
        model(build={"context": ROOT, "args": {name: v} if v is not None else {}}) for v in (old, new)
    )
    assert granted(now, before, ours=("api",) if ours else ()) == ([said] if said else [])


def volumes(*mounts: dict[str, Any], **definitions: dict[str, Any]) -> dict[str, Any]:
    return {**model(volumes=[*bind(ROOT)[:1], *mounts]), "volumes": definitions}


def volume(source: str = "v", target: str = "/v", **how: Any) -> dict[str, Any]:
    return {"type": "volume", "source": source, "target": target, **how}


EXTERNAL = {"name": "backups", "external": True}


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (volumes(volume(read_only=True), v=EXTERNAL), volumes(volume(), v=EXTERNAL), "v:/v, writable instead of read-only"),
        (volumes(volume(), v=EXTERNAL), volumes(volume(read_only=True), v=EXTERNAL), None),
        (volumes(volume(), v=EXTERNAL), volumes(volume(target="/elsewhere"), v=EXTERNAL), None),
        (volumes(volume(volume={"subpath": "a"}), v=EXTERNAL), volumes(volume(), v=EXTERNAL), "the data of another volume: v:/v"),
        (volumes(volume(volume={"subpath": "a"}), v=EXTERNAL), volumes(volume(volume={"subpath": "b"}), v=EXTERNAL), "the data of"),
        (volumes(volume(), v=EXTERNAL), volumes(volume(volume={"subpath": "b"}), v=EXTERNAL), None),
        (volumes(), volumes(volume("x_data"), x_data={"name": "shop_x_data"}), "the data of another volume: x_data:/v"),
        (volumes(), volumes({"type": "volume", "target": "/v"}), None),
        (volumes(), volumes({"type": "image", "source": "private/x", "target": "/v"}), "a mount of type image: private/x:/v"),
    ],
)  # fmt: skip
def test_data_of_volumes(before: dict[str, Any], now: dict[str, Any], said: str | None) -> None:
    found = granted(now, before)
    assert found[0].startswith(said) if said else found == []
    assert len(found) <= 1


HIDING = [
    {"type": "tmpfs", "target": "/app/keys"},
    {"type": "volume", "target": "/app/keys"},
    {"type": "bind", "source": f"{ROOT}/empty", "target": "/app/keys", "read_only": True},
    volume("v", "/app/keys"),
]


@pytest.mark.parametrize("mask", HIDING)
def test_what_hid_a_part_of_a_wider_mount_goes(mask: dict[str, Any]) -> None:
    before = volumes(mask, v={"name": "shop_v"})
    assert granted(volumes(), before) == [f"{ROOT}/keys, which another mount hid"]
    assert granted(volumes({"type": "tmpfs", "target": "/app/keys"}), before) == []
    assert granted(volumes({"type": "tmpfs", "target": "/app/keys/deeper"}), before) != []
    assert granted(volumes({"type": "bind", "source": f"{ROOT}/keys", "target": "/k"}), before) != []
    assert granted(before, volumes()) == (
        [] if mask.get("source") != "v" else ["the data of another volume: v:/app/keys"]
    )


def test_a_part_that_was_read_only_stays_so() -> None:
    only = {"type": "bind", "source": f"{ROOT}/conf", "target": "/app/conf", "read_only": True}
    assert granted(volumes(), volumes(only)) == [f"{ROOT}/conf, which another mount kept read-only"]
    assert granted(volumes(only), volumes()) == []
    short = model(tmpfs=["/app/keys:size=1m"])
    assert granted(model(), short) == [f"{ROOT}/keys, which another mount hid"]


def test_a_secret_is_a_file_that_is_mounted() -> None:
    def secret(file: str, mounts: list[dict[str, Any]]) -> dict[str, Any]:
        return {**model(volumes=mounts, secrets=[{"source": "s"}]), "secrets": {"s": {"file": file}}}

    part = [{"type": "bind", "source": f"{ROOT}/src", "target": "/app"}]
    before = model(volumes=part)
    assert granted(secret(f"{ROOT}/src/words", part), before) == []
    assert granted(secret(f"{ROOT}/.env.prod", part), before) == [
        f"secret s: the file {ROOT}/.env.prod, read-only"
    ]


def test_the_cache_of_other_projects() -> None:
    def cache(name: str) -> dict[str, Any]:
        return volumes(volume("devctl-cache", "/cache"), **{"devctl-cache": {"name": name, "external": True}})

    own, shared = cache("devctl-go1.26-1000-0123456789abcdef"), cache("devctl-go1.26-1000")
    assert granted(shared, own) == ["the build cache that your projects share: devctl-cache:/cache"]
    assert granted(shared) == granted(shared, own)
    assert granted(own, shared) == granted(own) == []
    assert granted(cache("devctl-go1.27-1000"), shared) == []


def test_networks_are_joined_by_a_person() -> None:
    inner = {"name": "shop_inner", "internal": True}

    def on(*names: str) -> dict[str, Any]:
        found = model(networks=dict.fromkeys(names))
        return {**found, "networks": {"default": {"name": "shop_default"}, "inner": inner}}

    assert granted(on("default"), on("inner")) == ["network default and everything on it"]
    assert granted(on("inner"), on("inner", "default")) == []
    opened = on("inner")
    opened["networks"]["inner"] = {"name": "shop_inner"}
    assert granted(opened, on("inner")) == ["network inner with what `internal: true` denied it"]


def test_what_compose_makes_for_those_that_it_waits_for() -> None:
    def waiting(**network: Any) -> dict[str, Any]:
        found = model(depends_on={"db": {"condition": "service_started"}})
        found["services"]["db"]["networks"] = {"back": None}
        found["services"]["db"]["volumes"] = [volume("data")]
        found["volumes"] = {"data": {"name": "shop_data"}}
        found["networks"]["back"] = {"name": "shop_back", **network}
        return found

    assert granted(waiting()) == []
    hijack = {"ipam": {"config": [{"subnet": "140.82.112.0/20"}]}}
    (said,) = granted(waiting(**hijack))
    assert said.startswith("network back with ipam: config: subnet: 140.82.112.0/20")
    assert granted(waiting(**hijack), waiting(**hijack)) == []
    plugin = waiting()
    plugin["volumes"]["data"]["driver"] = "evil"
    assert granted(plugin, waiting()) == ["volume data with driver: evil"]


def test_the_build_that_a_build_reads_from() -> None:
    def reading(**build: Any) -> dict[str, Any]:
        found = model(build={"context": ROOT, "additional_contexts": {"x": "service:db"}})
        found["services"]["db"]["build"] = {"context": f"{ROOT}/db", **build}
        return found

    assert granted(reading(), reading()) == []
    assert granted(reading(network="host"), reading()) == ["for its build: network: host"]
    assert granted(reading(context="/"), reading()) == [f"for its build: the context /, outside {ROOT}/db"]


def test_what_is_lent_to_a_dockerfile_that_devctl_does_not_read() -> None:
    now = model(build={"context": ROOT, "additional_contexts": {"x": "service:db"}})
    assert lent_out_of_sight(now, ["api"], seen=["api"]) == ()
    now["services"]["db"]["build"] = {"context": f"{ROOT}/db", "ssh": ["default"]}
    (found,) = lent_out_of_sight(now, ["api"], seen=["api"])
    assert found == Grant(
        "for the Dockerfile of db, which devctl does not read: ssh", ("services", "db", "build")
    )
    assert lent_out_of_sight(now, ["api"], seen=["api", "db"]) == ()
    assert lent_out_of_sight(now, ["db"], seen=["api", "db"]) == ()


def test_an_extension_of_a_build_is_read_by_bake() -> None:
    assert granted(model(**{"x-words": 1})) == []
    assert granted(model(build={"context": ROOT, "x-bake": {"output": ["/"]}})) == [
        "for its build: x-bake: output: /"
    ]


def test_a_folder_that_a_build_reads_from_may_become_a_link() -> None:
    now = model(build={"context": ROOT, "additional_contexts": {"x": "service:db"}})
    now["services"]["db"] |= {
        "build": {"context": f"{ROOT}/db", "secrets": [{"source": "s"}]},
        "volumes": bind(f"{ROOT}/data"),
    }
    now["secrets"] = {"s": {"file": f"{ROOT}/words"}}
    assert set(mounted_paths(now, ["api"])) == {ROOT, f"{ROOT}/db", f"{ROOT}/words"}


def test_a_wider_context() -> None:
    part, whole = (model(build={"context": context}) for context in (f"{ROOT}/api", ROOT))
    assert granted(whole, part) == [f"for its build: the context {ROOT}, outside {ROOT}/api"]
    assert granted(part, whole) == []
    assert granted(part, whole, links={f"{ROOT}/api": "/etc"}) == [
        f"for its build: the context {ROOT}/api, outside {ROOT}"
    ]
    address = model(build={"context": "https://example.com/x.git"})
    assert granted(address, address) == []
    assert granted(model(build={"context": "https://example.com/x.git/y"}), address) != []


def test_labels_that_devctl_does_not_write_itself() -> None:
    assert granted(model(labels={"dev.devctl.temporary": "1-1"})) != []
    assert granted(model(labels={"a": ""})) != []
    assert granted(model(build={"context": ROOT, "labels": {"traefik.enable": "true"}})) != []
    assert granted(model(labels={"dev.devctl.project": "x", "dev.devctl.machine": "y"})) == []


# Whatever two models are


NAMES = st.sampled_from(["a", "b"])
PATHS = st.sampled_from(["/", "/h", "/h/p", "/h/p/a", "/h/p/a/x", "/h/p/b", "/etc"])
TARGETS = st.sampled_from(["/app", "/app/a", "/app/a/x", "/app/b", "/d"])
MOUNT = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("bind"), "source": PATHS},
        optional={"read_only": st.booleans(), "bind": st.sampled_from([{}, {"propagation": "rshared"}])},
    ),
    st.fixed_dictionaries(
        {"type": st.just("volume"), "source": NAMES},
        optional={
            "read_only": st.booleans(),
            "volume": st.sampled_from([{"subpath": "s"}, {"nocopy": True}]),
        },
    ),
    st.sampled_from([{"type": "volume"}, {"type": "tmpfs"}, {"type": "image", "source": "x"}]),
)
MOUNTS = st.dictionaries(TARGETS, MOUNT, max_size=4).map(
    lambda found: [{**mount, "target": target} for target, mount in found.items()]
)
USES = st.lists(NAMES.map(lambda name: {"source": name}), max_size=2, unique_by=lambda use: use["source"])
ARGS = st.dictionaries(
    st.sampled_from(["GO_IMAGE", "GOPROXY", "MAIN", "X", "BUILDKIT_SYNTAX"]),
    st.sampled_from(["", "golang:1", "e/golang:1"]),
)
IMAGE = st.fixed_dictionaries(
    {"context": PATHS},
    optional={
        "args": ARGS,
        "secrets": USES,
        "ssh": st.just(["default"]),
        "network": st.just("host"),
        "labels": st.dictionaries(st.sampled_from(["dev.devctl.inputs", "x"]), st.sampled_from(["1", "2"])),
        "additional_contexts": st.just({"x": "service:db"}),
        "no_cache": st.booleans(),
    },
)
SPEC = st.fixed_dictionaries(
    {},
    optional={
        "build": IMAGE,
        "volumes": MOUNTS,
        "tmpfs": st.lists(TARGETS, max_size=1),
        "secrets": USES,
        "networks": st.dictionaries(
            NAMES, st.sampled_from([None, {"aliases": ["db"]}, {"mac_address": "x"}])
        ),
        "depends_on": st.just({"db": {}}),
        "cap_add": st.lists(st.sampled_from(["A", "B"]), unique=True),
        "cap_drop": st.lists(st.sampled_from(["A", "ALL"]), unique=True),
        "security_opt": st.lists(st.sampled_from(["no-new-privileges:true", "x"]), unique=True),
        "privileged": st.booleans(),
        "read_only": st.booleans(),
        "user": st.sampled_from(["0", "1000"]),
        "command": st.sampled_from([["x"], ["y"]]),
        "labels": st.dictionaries(NAMES, st.sampled_from(["", "1"])),
        "ports": st.lists(
            st.sampled_from(
                [{"target": 1, "published": "1", "host_ip": ip} for ip in ("127.0.0.1", "0.0.0.0")]
            )
        ),
        "deploy": st.sampled_from(
            [{}, {"replicas": 2}, {"placement": {"x": 1}}, {"resources": {"limits": {"cpus": 1}}}]
        ),
        "of_tomorrow": st.integers(0, 1),
    },
)
DEFINED = {
    "volumes": st.dictionaries(
        NAMES, st.sampled_from([{}, {"driver": "local"}, {"driver": "nfs"}, {"name": "o"}])
    ),
    "networks": st.dictionaries(
        NAMES, st.sampled_from([{}, {"internal": True}, {"driver": "x"}, {"external": True}])
    ),
    "secrets": st.dictionaries(
        NAMES, st.sampled_from([{"file": "/h/p/a"}, {"file": "/etc"}, {"environment": "X"}, {"driver": "x"}])
    ),
}
MODELS = st.fixed_dictionaries(
    {
        "name": st.just("shop"),
        "services": st.fixed_dictionaries({"api": SPEC, "db": SPEC}),
        **DEFINED,
    },
    optional={"x-words": st.integers(), "of_tomorrow": st.integers(1, 2)},
)


@given(MODELS, st.sampled_from([(), ("api",)]))
def test_the_same_model_grants_nothing(now: dict[str, Any], ours: tuple[str, ...]) -> None:
    assert granted(deepcopy(now), now, ours=ours) == []


@given(MODELS, MODELS, MODELS, st.sampled_from([(), ("api",)]))
def test_harmless_changes_stay_harmless_together(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any], ours: tuple[str, ...]
) -> None:
    if not granted(second, first, ours=ours) and not granted(third, second, ours=ours):
        assert granted(third, first, ours=ours) == []


@st.composite
def smaller(draw: st.DrawFn, whole: dict[str, Any]) -> dict[str, Any]:
    """A model that is near another: some keys of its service are taken away or replaced."""
    found, other = deepcopy(whole), draw(MODELS)
    spec = found["services"]["api"]
    for key in draw(st.sets(st.sampled_from([*spec, "command", "volumes"]))):
        spec.pop(key, None)
        if key in other["services"]["api"] and draw(st.booleans()):
            spec[key] = other["services"]["api"][key]
    return found


@given(st.data())
def test_small_harmless_changes_stay_harmless_together(data: st.DataObject) -> None:
    first = data.draw(MODELS)
    second = data.draw(smaller(first))
    third = data.draw(smaller(second))
    if not granted(second, first) and not granted(third, second):
        assert granted(third, first) == []


PLACES: list[tuple[str, ...]] = [
    (),
    ("services", "api"),
    ("services", "api", "build"),
    ("services", "api", "deploy"),
    ("services", "api", "deploy", "resources"),
    ("services", "api", "deploy", "resources", "limits"),
    ("services", "api", "networks", "default"),
    ("networks", "default"),
    ("volumes", "data"),
    ("secrets", "s"),
    ("services", "api", "volumes", "1"),
    ("services", "api", "secrets", "0"),
    ("services", "api", "ports", "0"),
]


@given(
    place=st.sampled_from(PLACES),
    key=st.text(min_size=1).filter(lambda key: not key.startswith("x-")),
    value=st.one_of(st.text(min_size=1), st.integers(1), st.just(True), st.just({"a": "b"})),
)
def test_a_key_that_nobody_knows_is_a_grant_wherever_it_stands(
    place: tuple[str, ...], key: str, value: object
) -> None:
    before = model(
        volumes=[*bind(ROOT)[:1], volume("data")],
        secrets=[{"source": "s"}],
        ports=[{"target": 1, "published": "1", "host_ip": "127.0.0.1"}],
        deploy={"resources": {"limits": {}}},
        networks={"default": {}},
    )
    before |= {"volumes": {"data": {"name": "shop_data"}}, "secrets": {"s": {"file": f"{ROOT}/s"}}}
    now = deepcopy(before)
    at: Any = now
    for word in place:
        at = at[int(word)] if isinstance(at, list) else at[word]
    known = set().union(*(words.split() for words in KNOWN.values())) | {"cpus", "memory", "pids", "limits"}
    if key not in known | set(at) | {"consistency", "gid", "mode", "uid", "source", "target", "type"}:
        at[key] = value
        assert granted(now, before)
