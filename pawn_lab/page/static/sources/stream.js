/**
 * One stream for all tabs of a browser: a lock chooses the visible tab that holds it, which tells
 * the others. Browsers allow six connections to a host, so that tabs with one each would hang.
 */

import { readEvents } from "./events.js";
import { Listeners } from "./listeners.js";

const LONGEST_SILENCE_S = 40; // the server says something every 15 s
const LONGEST_PAUSE_S = 15;

/**
 * What has changed: `trials` null means that anything may have.
 *
 * @typedef {{event: number | null, trials: number[] | null, notes: boolean}} Change
 */

/** What a tab asks of the others when it begins to listen: does the server live? */
const ASK = "ask";

/** @type {Change} */
const ANYTHING = { event: null, trials: null, notes: true };

export class Stream {
  /** @param {(signal: AbortSignal) => Promise<ReadableStream<BufferSource>>} open */
  constructor(open) {
    this.open = open;
    /** @type {Listeners<Change>} */
    this.changes = new Listeners();
    /** @type {Listeners<void>} */
    this.status = new Listeners();
    this.heardAt = 0;
    this.stopped = new AbortController();
    this.channel = new BroadcastChannel("pawn-stream");
    this.channel.onmessage = (message) => this.receive(message.data);
    this.holds = false;
  }

  /** Whether the server was heard of lately, by this tab or by the one that listens for it. */
  get connected() {
    return Date.now() - this.heardAt < 1000 * LONGEST_SILENCE_S;
  }

  /** Hear what another tab says, or tell it that the server lives. @param {any} message */
  receive(message) {
    if (message !== ASK) this.hear(message);
    else if (this.holds && this.connected) this.channel.postMessage(null);
  }

  /** Listen while the tab can be seen. */
  start() {
    document.addEventListener("visibilitychange", () => this.turn());
    this.turn();
  }

  turn() {
    this.stopped.abort();
    if (document.hidden) return;
    if (this.heardAt) this.changes.tell(ANYTHING); // what happened while nobody looked
    this.stopped = new AbortController();
    this.listen(this.stopped.signal);
  }

  /** @param {AbortSignal} signal */
  async listen(signal) {
    const hold = () => this.hold(signal);
    this.channel.postMessage(ASK);
    try {
      // Locks exist in secure contexts only; without them each visible tab has its own stream.
      if (navigator.locks) await navigator.locks.request("pawn-stream", { signal }, hold);
      else await hold();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Keep a stream open until the tab is hidden. @param {AbortSignal} signal */
  async hold(signal) {
    this.holds = true;
    signal.addEventListener("abort", () => (this.holds = false));
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const body = await this.open(signal);
        failures = 0;
        await readEvents(
          body,
          () => this.share(null),
          // What happened since the last stream is told by nobody else.
          (kind, data) => this.share(kind === "open" ? ANYTHING : JSON.parse(data)),
        );
      } catch {
        if (signal.aborted) return;
      }
      this.lose();
      await pause(Math.min(LONGEST_PAUSE_S, 2 ** failures), signal);
    }
  }

  lose() {
    this.heardAt = Math.min(this.heardAt, Date.now() - 1000 * LONGEST_SILENCE_S);
    this.status.tell();
  }

  /** Tell this tab and the others. @param {Change | null} change */
  share(change) {
    this.channel.postMessage(change);
    this.hear(change);
  }

  /** @param {Change | null} change null: no more than that the server lives. */
  hear(change) {
    if (document.hidden) return;
    this.heardAt = Date.now();
    this.status.tell();
    if (change) this.changes.tell(change);
  }
}

/**
 * @param {number} seconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
