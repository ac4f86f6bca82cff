"""A host of MCP Apps in a browser tab: a sandboxed frame, its protocol, and a real MCP client."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from lab_testing import stand_in
from mcp.client import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from playwright.sync_api import FrameLocator, Page

from pawn_lab.lab import Lab
from pawn_lab.server import LabServer
from pawn_lab.server.apps import URI

_HOST = """
<!doctype html><title>host</title>
<iframe id="app" sandbox="allow-scripts" style="width: 100%; border: 0"></iframe>
<script>
const frame = document.getElementById("app");
window.heard = [];
window.say = (message) => frame.contentWindow.postMessage({jsonrpc: "2.0", ...message}, "*");
window.notify = (method, params) => say({method: `ui/notifications/${method}`, params});
const answers = {
  "ui/initialize": async () => ({
    protocolVersion: "2026-01-26",
    hostInfo: {name: "host", version: "1"},
    hostCapabilities: window.setup.passes ? {serverTools: {}} : {},
    hostContext: {
      theme: window.setup.theme, displayMode: "inline",
      toolInfo: {tool: {name: window.setup.tool, inputSchema: {type: "object"}}},
    },
  }),
  "tools/call": ({name, arguments: args}) => window.callTool(name, args),
};
window.addEventListener("message", async ({source, data}) => {
  if (source !== frame.contentWindow) return;
  heard.push(data);
  if (data.method === "ui/notifications/size-changed")
    frame.style.height = `${data.params.height}px`;
  if (data.method === "ui/notifications/initialized") {
    notify("tool-input", {arguments: window.setup.arguments});
    notify("tool-result", window.setup.result);
  }
  if (data.id === undefined || !data.method) return;
  const known = answers[data.method];
  if (known) say({id: data.id, result: await known(data.params)});
  else say({id: data.id, error: {code: -32601, message: `no ${data.method} here`}});
});
</script>
"""


class AppHost:
    """One call of a tool, shown by the page in a frame."""

    def __init__(self, page: Page, portal: BlockingPortal, client: Client) -> None:
        self.page, self._portal, self._client = page, portal, client
        self.calls: list[tuple[str, dict[str, Any]]] = []
        page.set_content(_HOST)
        page.expose_function("callTool", self._pass_on)

    @property
    def frame(self) -> FrameLocator:
        """What the page shows."""
        return self.page.frame_locator("#app")

    def show(
        self, tool: str, arguments: dict[str, Any], *, theme: str = "light", passes: bool = True
    ) -> None:
        """Call a tool as a model does, then render its answer; `passes`: further calls too."""
        setup = {"tool": tool, "arguments": arguments, "theme": theme, "passes": passes}
        setup["result"] = self._call(tool, arguments)
        document = self._portal.call(self._client.read_resource, URI).contents[0].text
        script = "([setup, html]) => { window.setup = setup; heard = []; frame.srcdoc = html; }"
        self.page.evaluate(script, [setup, document])

    def heard(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of what the page has said by a method."""
        said = self.page.evaluate("heard")
        return [message["params"] for message in said if message.get("method") == method]

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Tell the page something."""
        self.page.evaluate("([method, params]) => notify(method, params)", [method, params])

    def _pass_on(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((tool, arguments))
        return self._call(tool, arguments)

    def _call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        result = self._portal.call(self._client.call_tool, tool, arguments)
        return json.loads(result.model_dump_json(by_alias=True, exclude_none=True))


@contextmanager
def app_host(page: Page, workspace: Path) -> Iterator[AppHost]:
    """Serve a workspace over MCP to a host in this tab."""
    server = LabServer(lambda: Lab.open(workspace, trainer=stand_in("gate")))
    renders = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server, extensions=renders)) as client,
    ):
        yield AppHost(page, portal, client)
