"""The one loop that all controllers turn in: which name is due, plan it, apply, look again."""
