/** JSON-RPC with the host that embeds the page, by `postMessage`. */

import { Refusal } from "./refusal.js";

/**
 * @typedef {{id?: number | string, method?: string, params?: any, result?: any,
 *   error?: {message?: string}}} Message
 */

export class Host {
  /**
   * Listens from now on: what a host says once must find somebody.
   *
   * @param {Record<string, (params: any) => void>} handlers By the method of a notification.
   */
  constructor(handlers) {
    this.handlers = handlers;
    /** @type {Map<number, {resolve: (result: any) => void, reject: (why: Error) => void}>} */
    this.waiting = new Map();
    this.count = 0;
    window.addEventListener("message", (event) => {
      if (event.source === window.parent) this.receive(event.data);
    });
  }

  /** @param {string} method @param {object} params @returns {Promise<any>} */
  request(method, params) {
    const id = ++this.count;
    this.send({ id, method, params });
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  /** @param {string} method @param {object} [params] */
  notify(method, params = {}) {
    this.send({ method, params });
  }

  /** @param {Message} message */
  send(message) {
    // A sandboxed frame does not know its host's origin, and says nothing that is secret.
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  /** @param {Message & {jsonrpc?: string} | null} message */
  receive(message) {
    if (message?.jsonrpc !== "2.0") return;
    if (message.method === undefined) this.settle(message);
    else if (message.id === undefined) this.handlers[message.method]?.(message.params ?? {});
    else this.send({ id: message.id, result: {} }); // a ping, or the wish that the page ends
  }

  /** @param {Message} message */
  settle({ id, result, error }) {
    const asked = this.waiting.get(Number(id));
    this.waiting.delete(Number(id));
    if (error) asked?.reject(new Refusal(error.message ?? "the host refused"));
    else asked?.resolve(result);
  }
}
