/**
 * Who has to know what, whenever one writes to the log: what others have
 * applied, and what is stored.
 *
 * @module
 */
import { writerOf } from "../../src/log/jetstream/object_names.ts";
import type { SeenSnapshot } from "../support/simulated_objects.ts";
import type { SimulatedService } from "../support/simulated_service.ts";
import type { SimulatedTime } from "../support/simulated_time.ts";

/**
 * For how long after it was away nobody has to know of a replica: until then it
 * may have been given up, and has to be heard again.
 */
const UNKNOWN_MS = 12_000;

/** For how long nobody has to know what a replica has taken over just now. */
const UNHEARD_MS = 4_000;

/**
 * How many questions a replica asks at most between listing the snapshots and
 * proposing: it restores one, and looks at the log.
 */
const QUESTIONS_SINCE_LISTED = 10;

/** What its threads and ticks take meanwhile. */
const OWN_WORK_MS = 100;

/** How long it takes at most to let in one that was not allowed to list them. */
const LET_IN_MS = 1_000;

/** What that depends on. */
export interface KnowledgeWorld {
  readonly time: Pick<SimulatedTime, "now">;
  readonly heartbeatsLost: number;
  /** A question and its answer take as long at most, each. */
  readonly weather: { readonly delay_ms: number };
  /** When a replica was last not allowed to ask the bucket something. */
  bucketRefusedAt_ms(replica: string): number;
  /** The last life of a replica, which may have ended. */
  lifeOf(name: string): SimulatedService;
}

/** @returns Whether a replica need not know what another one has. */
export function mayNotKnow(
  writer: SimulatedService,
  other: SimulatedService,
  { time: { now }, heartbeatsLost }: KnowledgeWorld,
): boolean {
  const ids = [writer, other].map(({ replica }) => replica.replica.log?.id);
  // There were two logs before, which only an operator can bring together.
  if (ids.every((id) => id !== undefined) && ids[0] !== ids[1]) return true;
  const isNew = now < writer.changed_ms + UNHEARD_MS;
  return isNew && heartbeatsLost > 0 ||
    now < writer.awayUntil_ms + UNKNOWN_MS ||
    now < other.awayUntil_ms + UNKNOWN_MS ||
    now < other.changed_ms + UNHEARD_MS;
}

/**
 * A replica that could not be heard, and has died, may have stored what it had:
 * nobody lists the snapshots again after it was let in. One that may not list
 * them works without.
 *
 * @param since_ms When the writer was let in.
 * @returns Whether it need not know what is stored.
 */
export function mayNotKnowStored(
  writer: SimulatedService,
  since_ms: number,
  { meta: { chunkId }, stored_ms }: SeenSnapshot,
  world: KnowledgeWorld,
): boolean {
  const author = writerOf(chunkId);
  const listed_ms = since_ms - OWN_WORK_MS -
    2 * QUESTIONS_SINCE_LISTED * world.weather.delay_ms;
  const refused_ms = world.bucketRefusedAt_ms(writer.name);
  if (refused_ms > since_ms - LET_IN_MS) return true;
  return stored_ms > listed_ms && author !== undefined &&
    mayNotKnow(writer, world.lifeOf(author), world);
}
