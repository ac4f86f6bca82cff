/** A lab's server: views and tools by HTTP, changes by its stream. */

import { keptInTab } from "../kept.js";
import { Listeners } from "./listeners.js";
import { Refusal } from "./refusal.js";
import { Stream } from "./stream.js";

const token = keptInTab("token");
const author = keptInTab("author");

export class LiveSource {
  constructor() {
    /** @type {"live"} */
    this.kind = "live";
    this.can = { control: false, board: false };
    /** @type {any} */
    this.session = null;
    this.needsToken = false;
    this.answeredAt = 0;
    /** @type {Listeners<void>} */
    this.status = new Listeners();
    this.stream = new Stream((signal) => this.events(signal));
    this.stream.status.add(() => this.status.tell());
    this.data = null;
  }

  get connected() {
    return this.stream.connected;
  }

  /** Ask who serves and what is allowed, then listen for changes. */
  async open() {
    takeToken();
    try {
      this.session = await this.ask("api/session");
    } catch (error) {
      if (error instanceof Refusal) return; // the shell shows that there is no answer
      throw error;
    }
    this.can = { control: this.session?.control === true, board: this.session?.board === true };
    this.status.tell();
    this.stream.start();
  }

  /** Take another token and begin anew. @param {string} text */
  async authorize(text) {
    token.set(text.trim() || null);
    this.needsToken = false;
    await this.open();
    this.status.tell();
  }

  /** The name that events give for who acts here. */
  get author() {
    return author.get() ?? "";
  }

  set author(name) {
    author.set(name.trim() || null);
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   * @param {AbortSignal} [signal]
   */
  async view(name, args = {}, signal) {
    const given = Object.entries(args).filter(([, value]) => value !== null && value !== undefined);
    const query = new URLSearchParams(given.map(([key, value]) => [key, asText(value)]));
    return this.ask(`api/view/${name}?${query}`, { signal });
  }

  /**
   * @param {string} tool
   * @param {Record<string, unknown>} [args]
   */
  async call(tool, args = {}) {
    const body = JSON.stringify(args);
    return this.ask(`api/call/${tool}`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-Pawn-Author": encodeURIComponent(this.author),
      },
      body,
    });
  }

  /**
   * Ask the process that holds a model for the board.
   *
   * @param {string} question
   * @param {Record<string, unknown>} fields
   */
  async board(question, fields) {
    const headers = { "Content-Type": "application/json" };
    return this.ask(`api/board/${question}`, {
      method: "POST",
      headers,
      body: JSON.stringify(fields),
    });
  }

  /** @param {(change: import("./stream.js").Change) => void} listener */
  onChange(listener) {
    return this.stream.changes.add(listener);
  }

  /** Seconds since the data were known to be those of the server; null before any answer. */
  age() {
    const at = Math.max(this.answeredAt, this.stream.heardAt);
    return at ? (Date.now() - at) / 1000 : null;
  }

  /** @param {AbortSignal} signal */
  async events(signal) {
    const response = await this.fetch("api/stream", { signal });
    if (!response.body) throw new Refusal("the server sent no stream");
    return response.body;
  }

  /**
   * @param {string} path
   * @param {RequestInit} [request]
   * @returns {Promise<any>}
   */
  async ask(path, request = {}) {
    const response = await this.fetch(path, request);
    this.answeredAt = Date.now();
    return response.json();
  }

  /**
   * @param {string} path
   * @param {RequestInit} request
   */
  async fetch(path, request) {
    const known = token.get();
    const headers = new Headers(request.headers);
    if (known) headers.set("Authorization", `Bearer ${known}`);
    if (!headers.get("X-Pawn-Author")) headers.delete("X-Pawn-Author");
    const response = await fetch(path, { ...request, headers }).catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new Refusal("the server does not answer");
    });
    if (response.ok) return response;
    if (response.status === 401) this.wantToken();
    throw new Refusal(await sentence(response), response.status);
  }

  wantToken() {
    this.needsToken = true;
    this.status.tell();
  }
}

/** @param {unknown} value */
function asText(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Take a token out of the address, once: it shall not be in a link or in the history. */
function takeToken() {
  const match = /^#token=([^&]*)$/.exec(location.hash);
  if (!match) return;
  token.set(decodeURIComponent(match[1]));
  history.replaceState(null, "", location.pathname + location.search);
}

/** @param {Response} response */
async function sentence(response) {
  const text = await response.text();
  try {
    const told = JSON.parse(text);
    return String(told.error ?? told.message ?? text);
  } catch {
    return text || `the server answered ${response.status}`;
  }
}
