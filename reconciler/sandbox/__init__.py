"""A local platform that speaks the provisioning API, for trying workflows without a key, for the demo and the
tests.

It is not a mock of our client: it knows nothing of it, and answers over real sockets what the API documents,
plus the misbehaviour one asks it for. `settings`, `server` and `faults` are its public modules; nothing is
imported here, so that naming the package costs nothing.
"""
