"""Where the cluster's state is made durable: four verbs, one contract, one suite that runs on every home of it."""
