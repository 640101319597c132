"""Every key of compose that is known here, with the rule for a change of it and the reason. Anything not listed is a grant.

The keys are those of the compose specification as of Docker Compose 2.40 (its JSON schema; a test compares). Groups share one
reason; `same` is also the rule for any key that is not here.
"""

from __future__ import annotations

from devctl.domain.rights.rules import (
    Key,
    Rule,
    Table,
    cap_drop,
    emptied,
    fewer,
    free,
    judged_elsewhere,
    labels,
    lock,
    ports,
    same,
    security_opt,
    switch,
    uses,
)


def _keys(rule: Rule, why: str, names: str) -> dict[str, Key]:
    return {name: Key(rule, why) for name in names.split()}


SERVICE = Table(
    {
        **_keys(free, "which program runs in the container, and how it is told to stop",
            "command entrypoint environment working_dir init stop_signal stop_grace_period restart healthcheck"),
        **_keys(free, "how its terminal and its output are connected", "attach stdin_open tty"),
        **_keys(free, "names and resolvers inside the container; a server that it can query it could also query by address",
            "hostname domainname dns dns_opt dns_search"),
        **_keys(free, "how much it may use, never of what: this can slow down the machine",
            "cpu_count cpu_percent cpu_period cpu_quota cpu_shares cpus cpuset mem_limit mem_reservation memswap_limit "
            "pids_limit shm_size"),
        **_keys(free, "a note for others: no port is published by it", "expose"),
        **_keys(free, "which services are started, and when: a round starts only those that a person has applied",
            "depends_on profiles"),
        **_keys(judged_elsewhere, "what a container sees of the machine is decided by all mounts together",
            "volumes tmpfs"),
        **_keys(uses, "where they are put; their files are mounts too, and the rest is judged where it is defined",
            "secrets configs"),
        **_keys(judged_elsewhere, "which networks, and as whom, depends on how the networks are defined", "networks"),
        **_keys(judged_elsewhere, "a build reads files and gets keys", "build"),
        "cap_add": Key(fewer("capabilities"), "capabilities may be removed"),
        "cap_drop": Key(cap_drop, "more may be dropped"),
        "devices": Key(fewer("devices"), "devices may be removed"),
        "group_add": Key(fewer("groups"), "groups may be removed"),
        "labels": Key(labels, "proxies, updaters and backups act on labels"),
        "ports": Key(ports, "on the loopback only this machine can reach them"),
        "privileged": Key(switch("full access to the machine: privileged"), "may be turned off"),
        "read_only": Key(lock("read_only"), "may be turned on"),
        "security_opt": Key(security_opt, "only no-new-privileges may be added, and none removed"),
        "deploy": Key(
            Table(
                {
                    **_keys(free, "for a swarm, or how often it is started; devctl runs one container",
                        "endpoint_mode mode replicas restart_policy rollback_config update_config"),
                    "labels": Key(labels, "as for the service"),
                    "resources": Key(
                        Table(
                            {
                                "limits": Key(
                                    Table(
                                        _keys(free, "how much it may use, never of what", "cpus memory pids"),
                                        name="deploy.resources.limits: ",
                                    ),
                                    "as the keys of the service",
                                ),
                                **_keys(same, "devices, GPUs among them", "reservations"),
                            },
                            name="deploy.resources: ",
                        ),
                        "limits may change, devices may not",
                    ),
                    **_keys(same, "where it runs", "placement"),
                },
                name="deploy.",
            ),
            "mostly for a swarm",
        ),
        **_keys(same, "read by the runtime, the kernel or a plugin of the engine, outside the container",
            "annotations blkio_config cgroup_parent credential_spec cpu_rt_period cpu_rt_runtime isolation mem_swappiness "
            "oom_kill_disable oom_score_adj platform runtime storage_opt sysctls ulimits device_cgroup_rules"),
        **_keys(same, "names by which others reach it, or it reaches others; a name may belong to another container",
            "container_name external_links extra_hosts links mac_address"),
        **_keys(same, "read or run by compose itself; devctl refuses `provider`",
            "develop env_file extends label_file provider pull_policy pull_refresh_after scale models"),
        "cgroup": Key(same, "a namespace of the machine", "the cgroup namespace"),
        "gpus": Key(same, "a device", "GPUs"),
        "image": Key(same, "any image that the user's login may pull", "a different image:"),
        "ipc": Key(same, "a namespace of the machine or of another container", "the IPC namespace"),
        "logging": Key(same, "a log driver sends to any destination, from the engine", "a different log destination:"),
        "network_mode": Key(same, "a namespace of the machine or of another container", "the network of"),
        "pid": Key(same, "a namespace of the machine or of another container", "the process namespace"),
        "post_start": Key(same, "has user and privileged of its own", "a command after its start:"),
        "pre_stop": Key(same, "has user and privileged of its own", "a command before its stop:"),
        "use_api_socket": Key(same, "the Docker socket with the user's logins", "the Docker socket: use_api_socket"),
        "user": Key(same, "whose files it may write", "the right to run as user"),
        "userns_mode": Key(same, "a namespace of the machine", "the user namespace"),
        "uts": Key(same, "a namespace of the machine", "the host name namespace"),
        "volumes_from": Key(same, "all that another container sees", "the volumes of"),
    }
)  # fmt: skip

BUILD = Table(
    {
        **_keys(free, "which stage, and how: whoever writes the Dockerfile decides that as well",
            "target no_cache pull shm_size"),
        **_keys(judged_elsewhere, "what is read: only what is below what was read before", "context"),
        **_keys(uses, "as for the service, but a build does not get what the service mounts", "secrets"),
        **_keys(judged_elsewhere, "a Dockerfile can say the same by its own defaults, but not to BuildKit", "args"),
        "labels": Key(labels, "a container has the labels of its image"),
        **_keys(same, "devctl provides the text, whichever file is named", "dockerfile dockerfile_inline"),
        **_keys(same, "other folders, images and builds to read from", "additional_contexts"),
        **_keys(same, "writes to any place on this machine, or takes the name of another image", "cache_to tags"),
        **_keys(same, "programs that inspect the build from outside", "provenance sbom"),
        **_keys(same, "someone else's layers, used as one's own", "cache_from"),
        **_keys(same, "rights of the build itself",
            "entitlements extra_hosts isolation network platforms privileged ssh ulimits"),
    },
    name="for its build: ",
    kept="for its build: what `{was}` denied it",
    extensions=False,  # bake reads `x-bake` of a build: outputs, keys, other contexts
)  # fmt: skip

USE_OF_OWN_NETWORK = Table(
    _keys(free, "its name and address among the services of this project",
        "aliases gw_priority interface_name ipv4_address ipv6_address priority")
    | _keys(same, "addresses by which others on the wire know somebody, and options of a driver",
        "driver_opts link_local_ips mac_address"),
)  # fmt: skip
USE_OF_A_NETWORK = Table({}, name="")
"""A network that others created, or share: a name or address on it may be somebody's, so each is a grant."""

NETWORK = Table(
    {
        "internal": Key(lock("internal"), "may be closed"),
        "ipam": Key(emptied, "addresses may be left to the engine; chosen ones redirect the machine's own traffic"),
        "labels": Key(labels, "as for the service"),
        **_keys(same, "which network it is, what it is connected to and how",
            "name driver driver_opts external attachable enable_ipv4 enable_ipv6"),
    }
)  # fmt: skip
VOLUME = Table(
    {
        "labels": Key(labels, "as for the service"),
        **_keys(same, "whose data it is: a driver's options may name any folder of the machine",
            "name driver driver_opts external"),
    }
)  # fmt: skip
SECRET = Table(
    {
        **_keys(free, "what the compose file itself says, and what it is called", "content name labels"),
        **_keys(judged_elsewhere, "a file is mounted", "file"),
        **_keys(same, "from the user's shell, or from a store", "environment external driver driver_opts template_driver"),
    }
)  # fmt: skip
"""Also for configs."""

TOP = Table(
    {
        **_keys(judged_elsewhere, "looked at one by one, where a service uses them", "services networks volumes secrets configs"),
        **_keys(free, "has no effect any more", "version"),
        "name": Key(same, "another project's containers and volumes", "a different project name:"),
        **_keys(same, "read by compose, or run by it", "include models"),
    }
)  # fmt: skip
