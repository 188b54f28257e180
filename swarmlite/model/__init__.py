"""Things: the cluster's vocabulary as frozen values. No decisions, no I/O."""
