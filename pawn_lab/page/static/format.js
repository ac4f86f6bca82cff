/** Numbers, times and amounts as they are read. */

// Made once: to make one takes longer than to format a hundred numbers.
const WHOLE = new Intl.NumberFormat("en");
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const MOMENT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** Four significant digits; what is missing is a dash. @param {unknown} value */
export function number(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "–" : String(value);
  if (value === 0 || Number.isInteger(value)) return WHOLE.format(value);
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return Number(value.toPrecision(3)).toExponential();
  return String(Number(value.toPrecision(4)));
}

/** 12,500 as 12.5K. @param {number | null | undefined} value */
export function count(value) {
  if (value === null || value === undefined) return "–";
  return COMPACT.format(value);
}

/** An amount of money. @param {number | null | undefined} value */
export function money(value) {
  if (value === null || value === undefined) return "–";
  return value !== 0 && Math.abs(value) < 0.1 ? value.toFixed(4) : value.toFixed(2);
}

/** Seconds as 45 s, 12 min, 3 h 20 min, 2 d 4 h. @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago a time was. @param {number | null | undefined} at Seconds since 1970. */
export function ago(at) {
  return at === null || at === undefined ? "–" : `${duration(Date.now() / 1000 - at)} ago`;
}

/** A time as 28 Nov 09:30. @param {number | null | undefined} at Seconds since 1970. */
export function when(at) {
  if (at === null || at === undefined) return "–";
  return MOMENT.format(new Date(1000 * at));
}

/** A share as 12.5 %. @param {number | null | undefined} share */
export function percent(share) {
  return share === null || share === undefined ? "–" : `${Number((100 * share).toPrecision(3))} %`;
}

/** Bytes as 1.5 GB. @param {number | null | undefined} count */
export function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${Number((count / 1000 ** power).toPrecision(3))} ${units[power]}`;
}
