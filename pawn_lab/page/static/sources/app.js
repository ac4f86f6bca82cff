/** The host of an MCP app: it hands over one tool's answer and passes further calls on. */

import { apply } from "../theme.js";
import { Host } from "./host.js";
import { Listeners } from "./listeners.js";
import { Refusal } from "./refusal.js";

const PROTOCOL = "2026-01-26";
const PAUSE_MS = 10_000;
const INFO = { name: "pawn-lab", version: "1" };

/**
 * What the host shows the page for.
 *
 * @typedef {{tool: string | null, args: Record<string, unknown>, answer: any, error: string}} Shown
 */

export class AppSource {
  constructor() {
    /** @type {"app"} */
    this.kind = "app";
    this.can = { control: false, board: false };
    this.session = null;
    this.needsToken = false;
    this.connected = false;
    /** @type {Listeners<void>} */
    this.status = new Listeners();
    /** @type {Shown} */
    this.data = { tool: null, args: {}, answer: null, error: "" };
    this.host = new Host({
      "ui/notifications/tool-input": ({ arguments: args }) =>
        this.answered || this.show({ args: args ?? {} }),
      "ui/notifications/tool-result": (result) => this.latch(result),
      "ui/notifications/tool-cancelled": ({ reason }) =>
        this.answered ||
        this.show({ error: `the call was broken off${reason ? `: ${reason}` : ""}` }),
      "ui/notifications/host-context-changed": (context) => this.take(context),
    });
  }

  /** Say that the page is there; what it is for may come before the host's answer or after it. */
  async open() {
    const appCapabilities = { availableDisplayModes: ["inline", "fullscreen"] };
    const asked = { appInfo: INFO, appCapabilities, protocolVersion: PROTOCOL };
    this.host.request("ui/initialize", asked).then((told) => {
      this.connected = true;
      this.can = { control: told.hostCapabilities?.serverTools !== undefined, board: false };
      this.take(told.hostContext ?? {});
      this.host.notify("ui/notifications/initialized");
      reportSize((size) => this.host.notify("ui/notifications/size-changed", size));
      this.status.tell();
    });
  }

  /** @param {any} context */
  take({ theme, toolInfo }) {
    if (theme === "light" || theme === "dark") apply(theme);
    if (toolInfo?.tool) this.show({ tool: toolInfo.tool.name });
  }

  /** Whether the call is over: what a host says later is of other calls, and says not of which. */
  get answered() {
    return this.data.answer !== null || this.data.error !== "";
  }

  /** Keep the first answer. @param {any} result */
  latch(result) {
    if (this.answered) return;
    try {
      this.show({ answer: answerOf(result) });
    } catch (error) {
      this.show({ error: /** @type {Error} */ (error).message });
    }
  }

  /** @param {Partial<Shown>} news */
  show(news) {
    this.data = { ...this.data, ...news };
    this.status.tell();
  }

  /** @param {string} tool @param {Record<string, unknown>} [args] */
  async call(tool, args = {}) {
    if (!this.can.control) throw new Refusal("this host passes no calls on");
    return answerOf(await this.host.request("tools/call", { name: tool, arguments: args }));
  }

  /** @param {string} view @param {Record<string, unknown>} [args] */
  async view(view, args = {}) {
    return (await this.call("lab_view", { view, arguments: args })).answer;
  }

  /**
   * A host tells of no changes: what may have changed is asked for again and again.
   *
   * @param {(change: import("./stream.js").Change) => void} listener
   */
  onChange(listener) {
    const tell = () => document.hidden || listener({ event: 0, trials: [], notes: false });
    const timer = setInterval(tell, PAUSE_MS);
    return () => clearInterval(timer);
  }

  age() {
    return null;
  }
}

/** The object that a tool answered; what it refused is thrown. @param {any} result */
function answerOf({ structuredContent, content = [], isError }) {
  const text = content.find((/** @type {any} */ { type }) => type === "text")?.text ?? "";
  if (isError) throw new Refusal(text || "the lab refused");
  return structuredContent ?? JSON.parse(text);
}

/**
 * Tell how large the page is, now and whenever that changes.
 *
 * @param {(size: {width: number, height: number}) => void} tell
 */
function reportSize(tell) {
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  let last = "";
  const look = () => {
    const { width, height } = root.getBoundingClientRect();
    const size = { width: Math.ceil(width), height: Math.ceil(height) };
    if (JSON.stringify(size) === last) return;
    last = JSON.stringify(size);
    tell(size);
  };
  new ResizeObserver(look).observe(root);
  look();
}
