"""Decisions: where a task runs. Groups of tasks that ask for the same are poured, evenly, over the nodes that fit.

To add a filter: an answer in `filters.refusal` (its *no* is a sentence), and either a share of the pool in
`fleet.Fleet.pool` (nothing that placement changes) or of the room in `fleet.Fleet.room` (what placement uses up).
"""
