"""This host's part of the cluster's networks: bridges, VXLAN devices, and the kernel's balancing rules."""
