/**
 * The requests that are refused because of their credentials.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";

const logger = getLogger(["usergrade", "http"]);

/** How often a log line is written while many are refused. */
const REPORT_MS = 60_000;

/** With fewer in that time nothing is said: people mistype. */
const REPORTED_MIN = 30;

/** Counts the requests that got 401, and says when there are many. */
export class Unauthorized {
  /** How many had no credentials. */
  missing = 0;
  /** How many had wrong ones. */
  wrong = 0;
  /** The counts at the beginning of the time that the next line is about. */
  #reported = { missing: 0, wrong: 0 };
  #nextReport_ms: number;

  /** @param now_ms The time in milliseconds. */
  constructor(now_ms: number) {
    this.#nextReport_ms = now_ms + REPORT_MS;
  }

  /** Writes a line once a minute if many were refused. To be called often. */
  tick(now_ms: number): void {
    if (now_ms < this.#nextReport_ms) return;
    this.#nextReport_ms = now_ms + REPORT_MS;
    const missing = this.missing - this.#reported.missing;
    const wrong = this.wrong - this.#reported.wrong;
    this.#reported = { missing: this.missing, wrong: this.wrong };
    if (missing + wrong < REPORTED_MIN) return;
    logger.warn(
      "In one minute {wrong} requests with a wrong user or password and {missing} without any were refused: a client may have an old password, or someone guesses it",
      { wrong, missing },
    );
  }
}
