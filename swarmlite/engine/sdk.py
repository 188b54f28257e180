"""The `docker` SDK's session, as this program needs it. Imported only when the first engine is opened: it costs 8 MB.

The SDK keys its connection pools by the whole URL, so no request ever finds a connection that another path left open;
ours has one pool.
"""

from docker import APIClient
from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnectionPool
from docker.types import CancellableStream
from requests import Response

from swarmlite.engine.address import EngineAddress
from swarmlite.errors import InvalidArgument

_BASE = "http+docker://localhost"
_ANY_VERSION = "1.40"
"""Named so that the SDK asks the engine nothing when it is opened; the version in use goes into each path."""


class _OnePool(UnixHTTPAdapter):
    def get_connection(self, url: str | bytes, proxies: object = None) -> UnixHTTPConnectionPool:
        del url
        return super().get_connection(_BASE, proxies)


def open_session(address: EngineAddress, connections: int) -> APIClient:
    """A session that keeps up to `connections` open. Nothing is sent yet."""
    try:
        session = APIClient(
            base_url=address.url,
            version=_ANY_VERSION,
            tls=_tls(address) or False,
            max_pool_size=connections,
        )
    except (DockerException, OSError) as error:
        raise InvalidArgument(f"Docker Engine at {address.url}: {error}") from error
    if address.url.startswith("unix://"):
        path = address.url.removeprefix("unix://")
        session.mount("http+docker://", _OnePool(f"http+unix://{path}", max_pool_size=connections))
        session.trust_env = False  # no proxies and no netrc on a local socket: looking for them costs 1 ms a call
    return session


def hang_up(response: Response) -> None:
    """Ends an answer from another thread than the one that reads it."""
    try:
        CancellableStream(iter(()), response).close()
    except (OSError, AttributeError):  # it has ended by itself
        response.close()


def _tls(address: EngineAddress) -> TLSConfig | None:
    if address.certificates is None:
        return None
    folder = address.certificates
    authority = folder / "ca.pem"
    return TLSConfig(
        client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")),
        ca_cert=str(authority) if authority.exists() else None,
        verify=address.verify,
    )
