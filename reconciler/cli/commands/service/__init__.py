"""The commands that serve or stay until they are ended: the receiver, the sandbox, the watcher."""
