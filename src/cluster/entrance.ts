/**
 * Holding a starting replica back until its room lets it go on.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as delay } from "node:timers/promises";
import type { FoundLog } from "./misfit.ts";
import type { Room } from "./room.ts";

const logger = getLogger(["usergrade", "cluster"]);

/** How often a room is asked that does not know yet, or has said no. */
const WAIT_MS = 50;
/** How often a room that listens is asked whether it has heard all. */
const LISTEN_MS = 10;
const REFUSED_MS = 1_000;

/** What holding a replica back needs. */
export interface EntrancePorts {
  /** Looks for the log; undefined if there is none. */
  find(): Promise<FoundLog | undefined>;
  /** Asks those that no heartbeat comes from, and tells the room. */
  ask(log: FoundLog | undefined): Promise<void>;
  /** The replica must not go on, for this reason. */
  hold(reason: string): void;
  /** The time in milliseconds. */
  now(): number;
}

/**
 * Waits until a starting replica may open or make its log.
 *
 * @param sleep Waits between two looks.
 * @throws {Error} What `find` throws.
 */
export async function enter(
  room: Room,
  { find, ask, hold, now }: EntrancePorts,
  sleep: (ms: number) => Promise<unknown> = delay,
): Promise<void> {
  let refused: string | undefined;
  for (;;) {
    const asked = await find();
    const { withdrawals, hearing: { connections } } = room;
    await ask(asked);
    // Those who were asked may have applied more since.
    let log = await find();
    let admission = room.judge(log, now());
    let hasWaited = false;
    while (admission.type === "wait") {
      hasWaited = true;
      const { until_ms = Infinity } = admission;
      if (until_ms < Infinity) {
        // Between two looks at the log, which take all threads some milliseconds.
        while (room.hearing.isOn(log, now())) {
          const left_ms = until_ms - now();
          // Over a connection that came meanwhile it is heard for longer.
          await sleep(left_ms > 0 ? Math.min(LISTEN_MS, left_ms) : LISTEN_MS);
        }
      } else await sleep(WAIT_MS);
      log = await find();
      admission = room.judge(log, now());
    }
    // NATS may have lost the log meanwhile, which the answers were about, and
    // over a connection that broke the bucket may have said nothing. What a
    // replica held that was started anew may have been stored since, and a new
    // log leaves what one has stored that could not be heard.
    const isOld = hasLost(asked, log) || room.withdrawals > withdrawals ||
      room.hearing.connections > Math.max(connections, 1) ||
      hasWaited && log === undefined;
    if (admission.type === "go_on" && isOld) continue;
    if (admission.type === "go_on") {
      report(admission.despite, log, refused);
      return;
    }
    const { reason, isPassing } = admission;
    hold(reason);
    if (reason !== refused) {
      logger[isPassing ? "warn" : "error"]("Not ready: {reason}", { reason });
    }
    refused = reason;
    await sleep(REFUSED_MS);
  }
}

/** Whether a log that was found is another one now, or has less. */
function hasLost(
  before: FoundLog | undefined,
  log: FoundLog | undefined,
): boolean {
  return before !== undefined &&
    (before.id !== log?.id || log.lastSequence < before.lastSequence);
}

function report(
  despite: string | undefined,
  log: FoundLog | undefined,
  refused: string | undefined,
): void {
  if (despite !== undefined) {
    logger.warn(
      "Going on with {log} because of NEW_LOG=yes, although {reason}. Unset NEW_LOG now",
      {
        log: log === undefined ? "a new log" : `log ${log.id}`,
        reason: despite,
      },
    );
  } else if (refused !== undefined) {
    logger.info("No fuller state is known any more: the start goes on");
  }
}
