"""HTTP in: Docker's swarm API over the cluster, our own routes beside it, and the typed client that speaks both."""
