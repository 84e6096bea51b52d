/**
 * Which faults a run injects, and when: a seed decides it all.
 *
 * @module
 */
import { Random } from "../support/random.ts";

/** Every kind of fault, and how long one lasts at least and at most. */
export const FAULT_MS = {
  /** A replica is killed, and started again after this. */
  replica_kill: [0, 2_000],
  /** A replica gets SIGTERM, and is started again after this. */
  replica_term: [0, 2_000],
  /** A replica stops in its tracks and then goes on as if nothing had been. */
  replica_pause: [1_000, 4_000],
  /** The broker is killed and started again at once. */
  broker_kill: [0, 200],
  /** The broker is away for longer than a set may wait. */
  broker_absence: [4_000, 6_000],
  /** The broker stops in its tracks: connections stay, nothing answers. */
  broker_pause: [1_000, 4_000],
  /** A replica's connections to the broker are cut; it may connect again. */
  cut: [0, 0],
  /** They are cut, and new ones are refused. */
  refuse: [500, 3_000],
  /** What passes between them comes late. */
  delay: [1_000, 4_000],
  /** They stay, new ones too, and nothing passes: a half-dead network. */
  stall: [1_000, 6_000],
} as const satisfies Record<string, readonly [min: number, max: number]>;

/** A kind of fault. */
export type FaultKind = keyof typeof FAULT_MS;

/** All kinds. */
export const FAULT_KINDS = Object.keys(FAULT_MS) as FaultKind[];

/** How long after one fault begins the next one does, at least and at most. */
const NEXT_MS = [300, 1_800] as const;

/** How long a target is left alone after a fault, so that it gets to work. */
const RESPITE_MS = 1_000;

/** The longest delay of a chunk of bytes. */
const DELAY_MAX_MS = 150;

/** One fault. */
export interface Fault {
  readonly kind: FaultKind;
  /** When it begins, from the start of the run. */
  readonly at_ms: number;
  /** How long it lasts. */
  readonly for_ms: number;
  /** The replica that it hits; undefined for the broker's. */
  readonly replica: number | undefined;
  /** For `delay`: how long each chunk of bytes is held. */
  readonly delay_ms: number;
  /**
   * For `replica_kill` and `replica_term`: whether it starts again from a
   * peer's backup, or from the beginning of the log.
   */
  readonly warm: boolean;
}

/** What can have only one fault at a time: a process, or a replica's network. */
export function targetOf({ kind, replica }: Fault): string {
  if (replica === undefined) return "broker";
  return kind.startsWith("replica_")
    ? `replica ${replica}`
    : `proxy ${replica}`;
}

/**
 * Every kind comes once in a round, in an order that is new each time, so that
 * a short run has them all; faults of different targets overlap.
 *
 * @param seed Decides it all.
 * @param duration_ms When the last fault is over at the latest.
 * @param replicas How many replicas there are.
 * @returns The faults in the order in which they begin.
 */
export function makeSchedule(
  seed: number,
  duration_ms: number,
  replicas: number,
): Fault[] {
  const random = new Random(seed);
  const between = ([min, max]: readonly [number, number]) =>
    min + random.below(max - min + 1);
  const freeAt = new Map<string, number>();
  const faults: Fault[] = [];
  let deck: FaultKind[] = [];
  let round = 0;
  for (let clock_ms = between(NEXT_MS);; clock_ms += between(NEXT_MS)) {
    if (deck.length === 0) {
      deck = [...FAULT_KINDS];
      round++;
    }
    const [kind] = deck.splice(random.below(deck.length), 1);
    const draft: Fault = {
      kind,
      at_ms: 0,
      for_ms: between(FAULT_MS[kind]),
      replica: kind.startsWith("broker_") ? undefined : random.below(replicas),
      delay_ms: 1 + random.below(DELAY_MAX_MS),
      // One of the two in each round, in turns.
      warm: (kind === "replica_kill") === (round % 2 === 1),
    };
    const target = targetOf(draft);
    clock_ms = Math.max(clock_ms, freeAt.get(target) ?? 0);
    const end_ms = clock_ms + draft.for_ms;
    if (end_ms > duration_ms) return faults;
    freeAt.set(target, end_ms + RESPITE_MS);
    faults.push({ ...draft, at_ms: clock_ms });
  }
}
