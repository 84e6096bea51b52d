/**
 * Follows a user: its record now, then each change as it commits.
 *
 * @module
 */
import { NotSentError, openStream, send } from "./request.js";

const TIMEOUT_MS = 10_000;

/** The pause before a new beginning, and its longest. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 16_000;

/**
 * What is known of a user:
 *
 * - `record`: its record; null if there is none; undefined if that is not known.
 * - `isDeleted`: whether it was deleted while it was followed.
 * - `sequence`: up to where that is known.
 * - `isLive`: whether changes are told as they commit.
 * - `trouble`: why they aren't, in a sentence; empty at the beginning.
 *
 * @typedef {object} Sight
 */

/** Follows one user from its making until `stop`. */
export class Follower {
  #userId;
  #onSight;
  #sight = { isDeleted: false, isLive: false, trouble: "" };
  #isStopped = false;
  #stream;
  #timer;
  #retry_ms = RETRY_MS;

  /**
   * @param userId The user.
   * @param onSight Gets the {@linkcode Sight} whenever it is another one.
   */
  constructor(userId, onSight) {
    this.#userId = userId;
    this.#onSight = onSight;
    this.#begin();
  }

  /** Nothing is told after this. */
  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#stream?.close();
  }

  #tell(news) {
    if (this.#isStopped) return;
    this.#sight = { ...this.#sight, ...news };
    this.#onSight(this.#sight);
  }

  /** The record and its sequence are asked for; the stream goes on from there. */
  async #begin() {
    let response;
    let body;
    try {
      response = await send("get", TIMEOUT_MS, {
        method: "POST",
        body: JSON.stringify([this.#userId]),
      });
      body = await response.json();
    } catch (error) {
      // No later request would be sent either.
      if (error instanceof NotSentError) {
        return this.#tell({ isLive: false, trouble: error.message });
      }
      return this.#retry("This replica does not answer");
    }
    if (this.#isStopped) return;
    if (!response.ok) {
      const [error] = body.errors ?? [];
      // No later answer would be another one.
      if (error) return this.#tell({ trouble: `user_id ${error.message}` });
      return this.#retry(body.detail ?? body.title);
    }
    const sequence = Number(response.headers.get("log-sequence"));
    this.#tell({ record: body[0], isDeleted: false, sequence });
    this.#open(sequence);
  }

  #retry(trouble) {
    if (this.#isStopped) return;
    this.#tell({ isLive: false, trouble });
    this.#timer = setTimeout(() => this.#begin(), this.#retry_ms);
    this.#retry_ms = Math.min(2 * this.#retry_ms, RETRY_MAX_MS);
  }

  #open(after) {
    const user = encodeURIComponent(this.#userId);
    const stream = openStream(`watch?user_id=${user}&after=${after}`);
    this.#stream = stream;
    let ended;
    stream.addEventListener("open", () => {
      this.#retry_ms = RETRY_MS;
      ended = undefined;
      this.#tell({ isLive: true, trouble: "" });
    });
    const changed = (record, { lastEventId }) => {
      // Only the last change of an entry has an id.
      const sequence = Math.max(this.#sight.sequence, Number(lastEventId));
      this.#tell({ record, isDeleted: record === null, sequence });
    };
    stream.addEventListener(
      "set",
      (event) => changed(JSON.parse(event.data), event),
    );
    stream.addEventListener("delete", (event) => changed(null, event));
    stream.addEventListener("end", ({ data }) => {
      const { reason } = JSON.parse(data);
      ended = reason.replaceAll("_", " ");
      if (reason !== "ahead") return;
      // With the same id the browser would be refused again, for ever.
      stream.close();
      this.#retry(`This replica has ended the stream (${ended})`);
    });
    stream.addEventListener("error", () => {
      const trouble = ended === undefined
        ? "The connection was lost"
        : `This replica has ended the stream (${ended})`;
      // The browser connects again by itself, unless it was refused.
      if (stream.readyState === EventSource.CLOSED) this.#retry(trouble);
      else this.#tell({ isLive: false, trouble });
    });
  }
}
