"""The lab's front: what the MCP server, the CLI and scripts call.

A `Lab` is an open workspace; the modules are functions over it: `launching`, `resuming`, `killing`,
`closing`, `queries`, `sweeping`, `spending`, `storing`, `notebook`.

No daemon stands behind it. Every call first brings the workspace up to date (`tick`), so it
does not matter which process calls, how many do, or which of them die.
"""

from pawn_lab.lab.workspace import Lab, opener

__all__ = ["Lab", "opener"]
