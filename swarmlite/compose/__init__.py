"""What a Compose file means: from files on disk to the specs of one stack.

The way of a file: read (YAML with positions) → interpolate → include → extends → merge → schema → long (short forms to
long) → normal (defaults, absolute paths, names) → decode (types) → check (references, conflicts) → convert (specs), with
lint saying what will not happen. `keys` is the one table of every Compose key that all of these steps follow.

To add a Compose key: one row in `keytable` (its form, what becomes of it, and the sentence for users), and where it is
honoured, a field in `model` and its use in `convert`. The test of the table fails until the schema and it agree.
"""
