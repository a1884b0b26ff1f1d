"""The official SDK of MCP as a program of its own, so that its libraries and warnings stay out of our tests.

sdk_far_end.py serve '{"json_response": true}'    a server that lists one engine; prints its port, ends with its stdin
sdk_far_end.py ask URL KEY                        a client that calls the tool; prints the text of its answer
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading

ENGINES = [{"id": "eng_1", "name": "Acme", "createdAt": "2026-11-24T11:08:13Z"}]


def serve(options: str) -> None:
    import uvicorn
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("far end")

    @server.tool(name="organizations_listEngines")
    def engines() -> str:
        return json.dumps(ENGINES)

    app = server.streamable_http_app(streamable_http_path="/account", **json.loads(options))
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_level="error"))

    def end() -> None:
        sys.stdin.read()
        running.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    running.run([listener])


def ask(url: str, key: str) -> None:
    import httpx2
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def asked() -> None:
        client = httpx2.AsyncClient(headers={"x-api-key": key}, trust_env=False)
        async with (
            client,
            streamable_http_client(url, http_client=client) as streams,
            ClientSession(*streams) as session,
        ):
            await session.initialize()
            tools = await session.list_tools()
            answer = await session.call_tool(tools.tools[0].name, {})
            text = "".join(one.text for one in answer.content if one.type == "text")
            print(json.dumps({"error": bool(answer.is_error), "text": text}))

    asyncio.run(asked())


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        ask(sys.argv[2], sys.argv[3])
