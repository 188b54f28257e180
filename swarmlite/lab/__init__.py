"""Several Docker hosts on one Linux machine, for a first try and for every test of a promise.

A lab is nothing but processes and one directory. Each node (a host, the switch, the registry) is a process that holds a
network, a mount and a host name namespace of its own; links, addresses and mounts live inside those, none in the
machine's own. So whatever ends the processes ends the lab, and a crash in the middle of anything leaves nothing that
`down` would not find.
"""
