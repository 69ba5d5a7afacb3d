"""Secrets and configs, done wrong."""

from __future__ import annotations

from typing import Any

from recorded import Recorded, fault

NAME, FIRST, SECOND = "site", "site-users-1", "site-users-2"


def _container(lab: Recorded, **changed: Any) -> None:
    lab.service(NAME, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(changed))


def given_by_its_own_name(lab: Recorded) -> None:
    """``--secret site-users-1``, without a target."""
    secret = {"File": {"Name": FIRST}, "SecretName": FIRST}
    _container(lab, Secrets=[secret])


def a_file_from_a_config(lab: Recorded) -> None:
    """The users are in a config, where everyone can read them."""
    config = {"File": {"Name": "/etc/nginx/conf.d/default.conf"}, "ConfigName": "site-conf"}
    users = {"File": {"Name": "/run/secrets/site-users"}, "ConfigName": "site-users"}
    _container(lab, Secrets=None, Configs=[config, users])


def not_rotated(lab: Recorded) -> None:
    """As it was before the update."""

    def first(container: dict[str, Any]) -> None:
        container["Secrets"][0]["SecretName"] = FIRST

    lab.service(NAME, lambda service: first(service["Spec"]["TaskTemplate"]["ContainerSpec"]))
    lab.tasks(NAME, lambda tasks: [first(task["Spec"]["ContainerSpec"]) for task in tasks] and None)


def made_anew(lab: Recorded) -> None:
    lab.tasks(NAME, lambda tasks: [task for task in tasks if task["DesiredState"] == "running"])


def old_one_kept(lab: Recorded) -> None:
    secret = '{"ID":"x","Spec":{"Name":"site-users-1"}}\n\n200\n'
    lab.says(f"/secrets/{FIRST}", lambda _: secret)


def _running(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [task for task in tasks if task["Status"]["State"] != "running"]


FAULTS = {
    "no service": fault(lambda lab: lab.gone(NAME), "service_runs"),
    "nothing runs": fault(lambda lab: lab.tasks(NAME, _running), "service_runs"),
    "another image": fault(lambda lab: _container(lab, Image="httpd:latest"), "service_runs"),
    "no secret": fault(lambda lab: _container(lab, Secrets=None), "secret_given"),
    "no target": fault(given_by_its_own_name, "secret_given"),
    "the users in a config": fault(a_file_from_a_config, "secret_given"),
    "no file": fault(lambda lab: lab.says("grep -c : ", lambda _: "\n"), "in_the_container"),
    "an empty file": fault(lambda lab: lab.says("grep -c : ", lambda _: "0\ntmpfs\n"), "in_the_container"),
    "a file on disk": fault(lambda lab: lab.says("grep -c : ", lambda _: "1\noverlay\n"), "in_the_container"),
    "no config": fault(lambda lab: _container(lab, Configs=None), "config_given"),
    "nobody asks for a password": fault(lambda lab: lab.says("nsenter", lambda _: "200\n200\n"), "guarded"),
    "nobody is let in": fault(lambda lab: lab.says("nsenter", lambda _: "401\n401\n"), "guarded"),
    "nothing answers": fault(lambda lab: lab.says("nsenter", lambda _: ""), "guarded"),
    "not rotated": fault(not_rotated, "rotated"),
    "made anew": fault(made_anew, "history"),
    "the old one kept": fault(old_one_kept, "old_one_removed"),
}
