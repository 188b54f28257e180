"""The embedded DNS server. Nothing is imported here: the answering process pays for every import in memory."""
