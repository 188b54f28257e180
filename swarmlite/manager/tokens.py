"""A join token as text: `SWMLT-1-<digest of the CA>-<secret>`.

The digest lets a joining host recognise the right manager before it shows the secret; the manager keeps only the
secret's SHA-256 (`model.Token`).
"""

import hashlib
import re
import ssl
import string
from dataclasses import dataclass

from swarmlite.errors import InvalidArgument

_ALPHABET = string.digits + string.ascii_lowercase
_DIGEST_CHARS = 50  # SHA-256 in base 36
_SHAPE = "SWMLT-1-<50 characters>-<secret>"


@dataclass(frozen=True)
class JoinToken:
    """`digest`: SHA-256 of the CA certificate's DER form, as 50 base-36 digits."""

    digest: str
    secret: str

    def __repr__(self) -> str:
        return f"JoinToken(digest={self.digest!r})"  # a secret has no business in a log


def ca_digest(certificate: str) -> str:
    """What a token says of the CA: the SHA-256 of this PEM certificate, in base 36."""
    number = int.from_bytes(hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).digest(), "big")
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _ALPHABET[digit] + digits
    return digits.rjust(_DIGEST_CHARS, "0")


def token_text(certificate: str, secret: str) -> str:
    return f"SWMLT-1-{ca_digest(certificate)}-{secret}"


def parse_token(text: str) -> JoinToken:
    """Raises InvalidArgument that says what is wrong with the text."""
    parts = text.strip().split("-")
    if parts[0] == "SWMTKN":
        raise InvalidArgument(
            "this is a token of Docker's own swarm mode; `swarmlite token create` on the manager makes one of ours"
        )
    if parts[0] != "SWMLT":
        raise InvalidArgument(f"the token does not begin with SWMLT: it has the form {_SHAPE}")
    if parts[1:2] not in (["1"], []):
        raise InvalidArgument(f"the token is of kind {parts[1]!r}, this swarmlite knows kind 1: is it the older one?")
    if len(parts) != 4:
        raise InvalidArgument(f"the token has {len(parts)} parts instead of 4: it has the form {_SHAPE}")
    return JoinToken(digest=_digest(parts[2]), secret=_secret(parts[3]))


def _digest(part: str) -> str:
    if len(part) != _DIGEST_CHARS or not re.fullmatch("[0-9a-z]+", part):
        raise InvalidArgument(
            f"the token's third part must be {_DIGEST_CHARS} characters of 0-9 and a-z, it has {len(part)}: "
            "copy the whole token"
        )
    return part


def _secret(part: str) -> str:
    if not re.fullmatch("[0-9a-z]{20,64}", part):
        raise InvalidArgument("the token's last part is too short or has odd characters: copy the whole token")
    return part
