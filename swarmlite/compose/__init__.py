"""What a Compose file means: from files on disk to the specs of one stack.

The way of a file: read (YAML with places) → interpolate → include → extends → merge → schema → longform → normal
(defaults, names) and paths → decode (types) → check (references, conflicts) → convert (specs), with lint saying what
will not happen. `keytable` is the one table of every Compose key, and all of these steps follow it.

To add a Compose key: one row in `servicekeys` or `keytable` (its form, what becomes of it, and the sentence for users),
where it is honoured a field in `wanted` and its use in `convert`, and `docs/compose.md` made anew (see `reference`).
The test of the table fails until the schema and it agree.
"""
