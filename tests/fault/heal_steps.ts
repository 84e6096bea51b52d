/**
 * Sees the steps of a healing when a replica asks the broker for them: questions
 * to JetStream are messages, and anyone can subscribe to them.
 *
 * @module
 */
import type { Msg } from "nats";
import {
  type BrokerClient,
  HEAL_SUBJECT,
  LOG_STREAM,
} from "./broker_client.ts";
import { Sightings } from "./sightings.ts";
import { METAS } from "./snapshot_bucket.ts";

const API = "$JS.API.STREAM.";
const REMAKE = `${API}CREATE.${LOG_STREAM}`;
const MOVE = `${API}PURGE.${LOG_STREAM}`;

/** The steps, in their order. */
export const HEAL_STEPS = [
  /** The snapshot gets its name. */
  "write",
  /** The stream is made again. */
  "remake",
  "fence",
  /** The log is moved to begin after the heal point. */
  "move",
  "mark",
] as const;

/** One of the steps. */
export type HealStep = typeof HEAL_STEPS[number];

/** A step, and the replica that takes it. */
export interface SeenStep {
  readonly step: HealStep;
  readonly replica: string;
}

/** Tells the steps that replicas take. */
export class HealSteps {
  readonly #sightings = new Sightings<SeenStep>();

  /** @param clients They may see the same, and any of them may be cut off. */
  constructor(clients: readonly BrokerClient[]) {
    for (const { connection } of clients) {
      for (const subject of [REMAKE, MOVE, HEAL_SUBJECT, `${METAS}>`]) {
        connection.subscribe(subject, {
          callback: (_, message) => {
            const seen = seenStep(message);
            if (seen === undefined) return;
            this.#sightings.tell(seen);
          },
        });
      }
    }
  }

  /** @param listener Told of all that is seen, maybe more than once. */
  listen(listener: (seen: SeenStep) => void): void {
    this.#sightings.listen(listener);
  }

  /**
   * Waits until a replica takes a step.
   *
   * @returns The replica's id; undefined if none did in time.
   */
  async next(
    step: HealStep,
    patience_ms: number,
  ): Promise<string | undefined> {
    const seen = await this.#sightings.next(
      (one) => one.step === step,
      patience_ms,
    );
    return seen?.replica;
  }
}

function seenStep(message: Msg): SeenStep | undefined {
  const step = stepOf(message);
  // Each replica has inboxes of its own.
  const replica = /^_INBOX\.usergrade\.([^.]+)\./.exec(message.reply ?? "")
    ?.[1];
  return step && replica !== undefined ? { step, replica } : undefined;
}

function stepOf(message: Msg): HealStep | undefined {
  switch (message.subject) {
    case REMAKE:
      return "remake";
    case MOVE:
      return "move";
    case HEAL_SUBJECT: {
      const after = message.headers?.get("Nats-Expected-Last-Sequence");
      const { healed_to } = message.json<{ healed_to: number }>();
      return Number(after) === healed_to ? "mark" : "fence";
    }
  }
  const { metadata } = message.json<{ metadata?: { verified?: string } }>();
  return metadata?.verified === undefined ? "write" : undefined;
}
