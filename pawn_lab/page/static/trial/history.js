import { Events } from "../overview/latest.js";
import { html } from "../preact.js";

/** What happened to a trial, newest first. @param {{events: any[]}} props */
export function History({ events }) {
  return html`<section class="card">
    <h2>Events · ${events.length}</h2>
    <div class="scrolled" tabindex="0" role="region" aria-label="Events">
      <${Events} events=${events} ofTrial=${true} />
    </div>
  </section>`;
}
