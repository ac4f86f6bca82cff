import { bytes, money, percent } from "../format.js";
import { html } from "../preact.js";
import { link } from "../state.js";
import { Bar } from "../widgets/bar.js";

/**
 * Each device with who holds it and how it is used.
 *
 * @param {{devices: any[], lost: string[], spending: any}} props
 */
export function Devices({ devices, lost, spending }) {
  const price =
    spending.cost_per_hour === null ? null : spending.cost_per_hour / Math.max(1, spending.devices);
  return html`<section class="card">
    <h2>Devices · ${devices.length}</h2>
    ${lost.map((reason) => html`<p class="failure" key=${reason}>${reason}</p>`)}
    <ul class="devices">
      ${devices.map((device) => html`<${Device} key=${device.id} device=${device} price=${price} />`)}
    </ul>
  </section>`;
}

/** @param {{device: any, price: number | null}} props */
function Device({ device, price }) {
  return html`<li>
    <div class="row">
      <strong class="mono">${device.id}</strong> <span class="quiet">${device.name}</span>
      ${
        device.trial_id === null
          ? html`<span class="warn">○ idle</span>`
          : html`<a href=${link("trial", { id: device.trial_id })}>▶ trial ${device.trial_id}</a>`
      }
      ${device.strangers > 0 && html`<span class="warn">${device.strangers} other processes</span>`}
      ${device.temperature_c !== null && html`<span>${device.temperature_c} °C</span>`}
      ${price !== null && html`<span class="quiet">${money(price)} an hour</span>`}
    </div>
    ${
      device.utilization !== null &&
      html`<${Bar}
        label="In use"
        value=${device.utilization}
        of=${100}
        text="${percent(device.utilization / 100)} in use"
      />`
    }
    ${
      device.memory_total !== null &&
      html`<${Bar}
        label="Memory"
        value=${device.memory_used}
        of=${device.memory_total}
        text="${bytes(device.memory_used)} of ${bytes(device.memory_total)}"
      />`
    }
  </li>`;
}
