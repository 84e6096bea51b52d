/**
 * One line about the log: its size, and how old its newest snapshot is.
 *
 * @module
 */
import { full, setAttribute, setText, size } from "./format.js";

/** The units of an age, the largest first, with their lengths in seconds. */
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

/** A duration in its largest unit: `3 minutes`. */
function duration(seconds) {
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ??
    UNITS[UNITS.length - 1];
  return new Intl.NumberFormat("en", {
    style: "unit",
    unit,
    unitDisplay: "long",
    maximumFractionDigits: 0,
  }).format(Math.floor(seconds / length));
}

/** What the newest snapshot includes. */
function snapshotText({ snapshot, applied_sequence }, now_ms) {
  if (snapshot === null) return "There is no snapshot of it yet.";
  const subject = `The newest snapshot (${size(snapshot.bytes)})`;
  const behind = applied_sequence - snapshot.sequence;
  if (behind <= 0) return `${subject} includes all of it.`;
  const entries = `${full(behind)} ${behind === 1 ? "entry" : "entries"}`;
  if (snapshot.time === null) return `${subject} is ${entries} behind.`;
  const age_s = Math.max(0, now_ms - Date.parse(snapshot.time)) / 1000;
  return `${subject} is ${duration(age_s)} old, ${entries} behind.`;
}

/**
 * Shows what `/status` says of the log.
 *
 * @param status The answer.
 * @param now_ms When it was given, by the replica's clock.
 */
export function showLog({ log }, now_ms) {
  const line = document.querySelector("#log");
  const problem = log.snapshot_problem;
  const texts = log.id === null ? ["The log is not open yet."] : [
    `The log holds ${size(log.bytes)}.`,
    snapshotText(log, now_ms),
    ...(problem === null ? [] : [`Problem with snapshots: ${problem}.`]),
  ];
  setText(line, texts.join(" "));
  setAttribute(line, "data-kind", problem === null ? "" : "bad");
}
