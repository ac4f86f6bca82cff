"""The lab: store, scheduler, supervision, MCP server and CLI. Never imports torch."""
