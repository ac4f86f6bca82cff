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

  /**
   * Return what the file has of a view; it has each with one set of arguments.
   *
   * @param {string} name
   */
  async view(name) {
    const answer = this.data.views?.[name];
    if (answer === undefined) throw new Refusal(`this report has no '${name}'`);
    return answer;
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
