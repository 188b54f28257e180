"""A replicated service: as many slots as asked for, each with a task that runs what the service asks for now."""

from collections import Counter
from datetime import datetime

from swarmlite.model.objects import Service, Task
from swarmlite.model.view import View
from swarmlite.plan import rollout, upkeep
from swarmlite.plan.actions import Plan
from swarmlite.plan.slots import Slot, SlotKey, group


def plan(view: View, service: Service, now: datetime) -> Plan:
    slots = group(view.tasks_of_service(service.id).values(), _slot_of)
    kept = choose(slots, service.spec.replicas)
    keys = {slot.key for slot in kept}
    upkeeps = upkeep.merge(upkeep.keep(view, service, slot, now) for slot in kept)
    why = f"{service.name} asks for {service.spec.replicas} replicas"
    surplus = (task for slot in slots.values() if slot.key not in keys for task in slot.tasks)
    removed = upkeep.dismiss(view, surplus, why)
    updates = () if upkeeps.actions else rollout.update(service, kept)
    return Plan((*upkeeps.actions, *removed, *updates, *upkeep.forget_old(kept)), upkeeps.again_at)


def leftovers(view: View, service_id: str) -> Plan:
    """A service that is gone leaves nothing behind."""
    tasks = view.tasks_of_service(service_id).values()
    return Plan(upkeep.dismiss(view, tasks, "its service was removed"))


def choose(slots: dict[SlotKey, Slot], replicas: int) -> list[Slot]:
    """The slots that stay, new ones included. Those that go do not run, or else stand on the fullest nodes."""
    held = [slot for slot in slots.values() if slot.wanted]
    if len(held) <= replicas:
        return held + _more(slots, replicas - len(held))
    crowd = Counter(_node(slot) for slot in held)
    while len(held) > replicas:
        worst = max(held, key=lambda slot: (not slot.is_running, crowd[_node(slot)], slot.key))
        crowd[_node(worst)] -= 1
        held.remove(worst)
    return held


def _more(slots: dict[SlotKey, Slot], count: int) -> list[Slot]:
    """The lowest numbers that no task holds; a slot that had one goes on with its history."""
    found: list[Slot] = []
    number = 1
    while len(found) < count:
        slot = slots.get(number, Slot(number))
        if not slot.wanted:
            found.append(slot)
        number += 1
    return found


def _slot_of(task: Task) -> SlotKey:
    return task.slot


def _node(slot: Slot) -> str:
    return slot.holder.node_id if slot.holder else ""
