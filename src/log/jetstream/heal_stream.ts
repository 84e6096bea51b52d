/**
 * What is done to a stream that has lost entries, to make it whole. Nothing is
 * decided here but whether what was asked for may be done.
 *
 * @module
 */
import { headers } from "nats";
import { UnavailableError } from "../../errors.ts";
import { encodeFence } from "../fence.ts";
import {
  type HealableLog,
  HealingForbiddenError,
  type HealPoint,
  type LogLoss,
  LogMovedError,
} from "../healable_log.ts";
import {
  ApiError,
  type Asking,
  ForbiddenError,
  isCode,
  WRONG_LAST_SEQUENCE,
  WRONG_LAST_SEQUENCE_IN_BATCH,
} from "./api.ts";
import { MESSAGE_ID } from "./feed_message.ts";
import type { KnownLog } from "./known_log.ts";
import { PURGE_TIMEOUT_MS, type Stream } from "./stream.ts";
import { fenceSubject } from "./subjects.ts";
import { NO_ENTRIES, type StreamLook } from "./stream_look.ts";

/** The stream of a log, as healing reaches it. */
export interface HealPort {
  /** The log; it throws an `UnavailableError` before it is open. */
  log(): KnownLog;
  /** The connection; undefined while there is none. */
  connection():
    | { readonly aside: Asking; readonly asideStream: Stream }
    | undefined;
  /** The stream has just been changed, or was found to be whole. */
  healed(): void;
}

/** A {@linkcode HealableLog} in a JetStream stream. */
export class HealableStream implements HealableLog {
  /**
   * @param name The stream's name.
   * @param port Reaches it.
   */
  constructor(private readonly name: string, private readonly port: HealPort) {}

  async look(): Promise<LogLoss | undefined> {
    const { question, judge } = this.port.log().askAside();
    const verdict = judge(
      await this.#do(({ asideStream }) => asideStream.look(question)),
    );
    if (verdict.type === "forked") throw new UnavailableError(verdict.reason);
    if (verdict.type === "lost") return verdict.loss;
    // Another replica has done it: the session would look only later.
    this.port.healed();
    return undefined;
  }

  async remake(): Promise<void> {
    const { id, servers } = this.port.log();
    await this.#do(({ asideStream }) => asideStream.make(servers, id));
    this.port.healed();
  }

  async fence(point: HealPoint, after: number): Promise<void> {
    const head = headers();
    head.set(MESSAGE_ID, crypto.randomUUID());
    head.set("Nats-Expected-Stream", this.name);
    head.set("Nats-Expected-Last-Sequence", String(after));
    const { seq } = await this.#do(({ aside }) =>
      aside.request(fenceSubject(this.name), encodeFence(point), {
        headers: head,
      })
    );
    if (seq !== after + 1) {
      throw new ApiError(
        0,
        `JetStream was asked to take a fence as entry ${
          after + 1
        }, and says ${seq}`,
      );
    }
    this.port.healed();
  }

  /**
   * The fence must be there: else a purge would take entries that count. Never
   * at 1, which old servers take for all.
   */
  async moveTo(point: HealPoint): Promise<void> {
    const { sequence } = point;
    const first = sequence + 1;
    if (sequence < 1) {
      throw new RangeError(`Cannot move the log to entry ${first}`);
    }
    const before = await this.#look(true);
    if (before.firstSequence >= first) return;
    const fence = before.fences?.at(-1);
    if (fence?.sequence !== sequence || fence.digest !== point.digest) {
      throw new LogMovedError(
        `Cannot move the log to entry ${first}: no fence says so`,
      );
    }
    await this.#do(({ aside }) =>
      aside.ask(`STREAM.PURGE.${this.name}`, { seq: first }, {
        timeout_ms: PURGE_TIMEOUT_MS,
      })
    );
    const { firstSequence } = await this.#look(false);
    if (firstSequence < first) {
      throw new ApiError(
        0,
        `JetStream was asked to move the log to entry ${first}, and it begins with ${firstSequence}`,
      );
    }
    this.port.healed();
  }

  async #look(fences: boolean): Promise<StreamLook> {
    const look = await this.#do(({ asideStream }) =>
      asideStream.look({ ...NO_ENTRIES, fences })
    );
    if (look === undefined) throw new UnavailableError("The stream is gone");
    return look;
  }

  async #do<T>(
    ask: (
      connection: NonNullable<ReturnType<HealPort["connection"]>>,
    ) => Promise<T>,
  ): Promise<T> {
    const connection = this.port.connection();
    if (connection === undefined) {
      throw new UnavailableError("NATS is not connected");
    }
    try {
      return await ask(connection);
    } catch (error) {
      throw named(error);
    }
  }
}

/** @returns An error of the API as the errors of a {@linkcode HealableLog}. */
function named(error: unknown): unknown {
  if (
    isCode(error, WRONG_LAST_SEQUENCE) ||
    isCode(error, WRONG_LAST_SEQUENCE_IN_BATCH)
  ) return new LogMovedError((error as Error).message, { cause: error });
  if (!(error instanceof ForbiddenError)) return error;
  return new HealingForbiddenError(
    `${error.message}, which healing a log needs: give this replica's user the permissions that src/OPERATIONS.md lists`,
    { cause: error },
  );
}
