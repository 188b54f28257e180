"""Every error that swarmlite raises on purpose, in one tree.

    SwarmliteError                 500  exit 1
    ├── InvalidArgument            400  exit 2   what the user wrote cannot be meant
    │   └── ComposeError           400  exit 2   … in a Compose file: carries file, line, column
    ├── Unauthorized               401
    ├── Forbidden                  403
    ├── NotFound                   404
    ├── AlreadyExists              409
    ├── Conflict                   409           lost a race: read again and retry
    ├── OutOfSequence              500           Docker's own answer to a stale ?version=
    ├── FailedPrecondition         400           the cluster is not in the state for it
    ├── NotImplementedHere         501
    ├── Unavailable                503  retry    not there (yet): engine, manager, registry
    │   ├── NotInCluster           503
    │   └── EngineUnavailable      503  retry
    ├── EngineError                500           the engine said no; `status` is its HTTP status
    └── Timeout                    504

A message is for the user: it names what was found, what is allowed and what to do. Foreign errors are translated once,
at the edge that imports their library, with `raise … from`.
"""

from typing import ClassVar


class SwarmliteError(Exception):
    """`status`: HTTP status of the API's answer; `exit_code`: of the command line; `retry`: trying again may help."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    retry: ClassVar[bool] = False

    @property
    def message(self) -> str:
        return str(self)


class InvalidArgument(SwarmliteError):
    status = 400
    exit_code = 2


class ComposeError(InvalidArgument):
    """One or more faults in Compose files; the message has a line for each, `file:line:column: key: what`."""


class Unauthorized(SwarmliteError):
    status = 401


class Forbidden(SwarmliteError):
    status = 403


class NotFound(SwarmliteError):
    status = 404


class AlreadyExists(SwarmliteError):
    status = 409


class Conflict(SwarmliteError):
    """Another writer came first. Plan again from the new view."""

    status = 409
    retry = True


class OutOfSequence(SwarmliteError):
    """A client's `?version=` is not the object's current one; tools match Docker's wording, so the message is fixed."""

    def __init__(self) -> None:
        super().__init__("rpc error: code = Unknown desc = update out of sequence")


class FailedPrecondition(SwarmliteError):
    status = 400


class NotImplementedHere(SwarmliteError):
    status = 501


class Unavailable(SwarmliteError):
    status = 503
    retry = True


class NotInCluster(Unavailable):
    retry = False


class EngineUnavailable(Unavailable):
    """The Docker Engine cannot be reached."""


class EngineError(SwarmliteError):
    """The Docker Engine refused. `engine_status`: its HTTP status."""

    def __init__(self, message: str, engine_status: int = 500) -> None:
        super().__init__(message)
        self.engine_status = engine_status


class Timeout(SwarmliteError):
    status = 504
