"""A server of tools as people write them with the Python SDK; over HTTP if a port is given."""

import base64
import sys

from mcp.server.mcpserver import Image, MCPServer

server = MCPServer("python")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"


@server.tool()
def word_count(text: str) -> dict[str, int]:
    """Counts the words of a text."""
    return {"words": len(text.split())}


@server.tool()
def pixel() -> Image:
    """A picture of one pixel."""
    return Image(data=base64.b64decode(PIXEL), format="png")


@server.tool()
def fails() -> str:
    """Fails."""
    raise ValueError("as it should")


@server.resource("note://today")
def today() -> str:
    """What is on today."""
    return "nothing"


if len(sys.argv) > 1:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
else:
    server.run()
