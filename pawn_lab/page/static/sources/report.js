/** A report: everything that it shows is in the file. */

import { Listeners } from "./listeners.js";
import { Refusal } from "./refusal.js";

export class ReportSource {
  constructor() {
    /** @type {"report"} */
    this.kind = "report";
    this.can = { control: false, board: false };
    this.session = null;
    this.needsToken = false;
    this.connected = true;
    /** @type {Listeners<void>} */
    this.status = new Listeners();
    /** @type {any} */
    this.data = null;
  }

  async open() {
    this.data = JSON.parse(document.getElementById("pawn-data")?.textContent ?? "{}");
  }

  /** @param {string} name @returns {Promise<any>} */
  async view(name) {
    throw new Refusal(`a report cannot ask for ${name}`);
  }

  /** @param {string} tool @returns {Promise<any>} */
  async call(tool) {
    throw new Refusal(`a report cannot call ${tool}`);
  }

  onChange() {
    return () => {};
  }

  age() {
    return null;
  }
}
