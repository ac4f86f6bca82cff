"""The lab for agents: MCP over stdio or HTTP, with the lab's tools, resources and prompts."""

from pawn_lab.server.lab_server import INSTRUCTIONS, LabServer, serve

__all__ = ["INSTRUCTIONS", "LabServer", "serve"]
