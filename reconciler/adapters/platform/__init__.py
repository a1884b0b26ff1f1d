"""The provisioning API over HTTP and WebSocket, and the rules every connection obeys."""
