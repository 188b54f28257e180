"""Objects as bytes and back: msgspec's JSON, in the Engine API's spelling, so a record reads the same in both places.

Unknown fields are skipped, so that a record from a newer version is still read by an older one.
"""

import msgspec

from swarmlite.errors import FailedPrecondition
from swarmlite.model.objects import Object
from swarmlite.model.view import KINDS

_encoder = msgspec.json.Encoder()
_decoders = {kind: msgspec.json.Decoder(cls) for kind, cls in KINDS.items()}


def encode(item: Object) -> bytes:
    return _encoder.encode(item)


def decode(kind: str, body: bytes) -> Object:
    """The object that `encode` was given; FailedPrecondition if the bytes mean none."""
    decoder = _decoders.get(kind)
    if decoder is None:
        raise FailedPrecondition(f"unknown kind of record {kind!r}: was it written by a newer swarmlite?")
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise FailedPrecondition(f"a stored {kind} cannot be read: {error}") from error
