"""A name server as hosts have one upstream, with a few names of example.org. Its argument: the IP to answer on."""

import sys
import threading

from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

ADDRESS = A("192.0.2.80")


class Upstream(BaseResolver):  # type: ignore[misc]
    """`count.example.org` is 192.0.2.N, N being how many questions came before."""

    def __init__(self) -> None:
        self.asked = 0

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        reply = request.reply()
        name = request.q.qname
        text = str(name).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        known = {"www.example.org", "alias.example.org", "many.example.org", "count.example.org"}
        if text not in known:
            reply.header.rcode = RCODE.NXDOMAIN
        elif text == "alias.example.org":
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME("www.example.org"), ttl=60))
            reply.add_answer(RR("www.example.org", QTYPE.A, rdata=ADDRESS, ttl=60))
        elif text == "count.example.org":
            reply.add_answer(RR(name, QTYPE.A, rdata=A(f"192.0.2.{self.asked % 256}"), ttl=0))
        elif text == "many.example.org":
            for n in range(100):
                reply.add_answer(RR(name, QTYPE.A, rdata=A(f"198.51.100.{n}"), ttl=60))
        elif kind == "AAAA":
            reply.add_answer(RR(name, QTYPE.AAAA, rdata=AAAA("2001:db8::80"), ttl=60))
        else:
            reply.add_answer(RR(name, QTYPE.A, rdata=ADDRESS, ttl=60))
        self.asked += 1
        return reply


def main() -> None:
    resolver, logger = Upstream(), DNSLogger("-request,-reply,-truncated,-error,-recv,-send,-data")
    for tcp in (False, True):
        DNSServer(resolver, address=sys.argv[1], port=53, tcp=tcp, logger=logger).start_thread()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
