"""Identity, the one kind of chance in the control plane: Docker's 25 characters of [a-z0-9]."""

import secrets
import string

_ALPHABET = string.ascii_lowercase + string.digits


def new_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(25))
