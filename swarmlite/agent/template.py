"""Swarm's placeholders in a task's hostname, environment and mounts: `{{.Node.Hostname}}`, `{{.Task.Slot}}` and so on.

A placeholder that is not Swarm's stays as it is written: environments carry templates of other programs too.
"""

import re

from swarmlite.model.objects import Task

_PLACEHOLDER = re.compile(r"\{\{\s*(\.[A-Za-z.]+)\s*\}\}")


def placeholders(task: Task, hostname: str) -> dict[str, str]:
    """What each placeholder of this task stands for on the host of that name."""
    return {
        ".Node.ID": task.node_id,
        ".Node.Hostname": hostname,
        ".Service.ID": task.service_id,
        ".Service.Name": task.swarmlite.service_name,
        ".Task.ID": task.id,
        ".Task.Name": task.name,
        ".Task.Slot": str(task.slot),
    }


def expand(text: str, values: dict[str, str]) -> str:
    """The text with every known placeholder replaced."""
    if "{{" not in text:
        return text
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)
