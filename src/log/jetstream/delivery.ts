/**
 * What JetStream says of a message in its reply subject.
 *
 * @module
 */

/** A message's place. */
export interface Delivery {
  /** Its sequence in the stream. */
  readonly sequence: number;
  /** When the server took it: seconds since 1970, and nanoseconds of the next. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** How many messages the stream had behind it when it was sent. */
  readonly pending: number;
}

/**
 * Reads the subject itself, since a number can't hold its nanoseconds.
 *
 * @param reply `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer
 * sequence>.<nanoseconds>.<pending>`, or the longer form with domain and
 * account after `ACK` (NATS ADR-15).
 * @returns What it says; undefined if it is another subject, since anyone can
 * send one.
 */
export function parseDelivery(reply: string): Delivery | undefined {
  const tokens = reply.split(".");
  const short = tokens.length === 9;
  const at = short ? 5 : 7;
  if (
    (!short && tokens.length < 11) || tokens[1] !== "ACK" ||
    !/^\d+$/.test(tokens[at]) || !/^\d{10,19}$/.test(tokens[at + 2])
  ) return undefined;
  return {
    sequence: Number(tokens[at]),
    seconds: Number(tokens[at + 2].slice(0, -9)),
    nanoseconds: Number(tokens[at + 2].slice(-9)),
    pending: Number(tokens[at + 3]),
  };
}

/**
 * @param time RFC 3339 in UTC, with up to nine decimals, as Go writes it.
 * @returns The same with nine decimals.
 */
export function formatTime(time: string): string {
  const [seconds, decimals = ""] = time.replace(/Z$/, "").split(".");
  return `${seconds}.${decimals.padEnd(9, "0")}Z`;
}

/** The last second and its text: most entries are of the same one. */
let lastSeconds = NaN;
let lastText = "";

/**
 * @param seconds Whole seconds since 1970.
 * @param nanoseconds Those of the next second.
 * @returns RFC 3339, in UTC, with nine decimals.
 */
export function formatDelivered(seconds: number, nanoseconds: number): string {
  if (seconds !== lastSeconds) {
    lastText = new Date(seconds * 1000).toISOString().slice(0, 20);
    lastSeconds = seconds;
  }
  return lastText + String(nanoseconds).padStart(9, "0") + "Z";
}
