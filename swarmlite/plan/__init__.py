"""Decisions: what should happen next. Pure functions from a view, a name and the time to a plan of actions."""
