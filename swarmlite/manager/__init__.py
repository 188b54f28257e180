"""The program that runs on every host: what makes a host a member, keeps it one, and serves the cluster's one port."""
