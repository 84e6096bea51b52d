/**
 * Which faults a run injects, and when: a seed decides it all.
 *
 * @module
 */
import { Random } from "../support/random.ts";

/** Faults that any log has to bear, and how long one lasts at least and at most. */
const PLAIN_FAULTS = {
  /** A replica is killed, and started again after this. */
  replica_kill: [0, 2_000],
  /** A replica gets SIGTERM, and is started again after this. */
  replica_term: [0, 2_000],
  /** A replica stops in its tracks and then goes on as if nothing had been. */
  replica_pause: [1_000, 4_000],
  /** A broker is killed and started again at once. */
  broker_kill: [0, 200],
  /** A broker is away for longer than a set may wait. */
  broker_absence: [4_000, 6_000],
  /** A broker stops in its tracks: connections stay, nothing answers. */
  broker_pause: [1_000, 4_000],
  /** A replica's connections to the brokers are cut; it may connect again. */
  cut: [0, 0],
  /** They are cut, and new ones are refused. */
  refuse: [500, 3_000],
  /** What passes between them comes late. */
  delay: [1_000, 4_000],
  /** They stay, new ones too, and nothing passes: a half-dead network. */
  stall: [1_000, 6_000],
} as const;

/** Faults for a log that is cut behind snapshots. */
const SNAPSHOT_FAULTS = {
  /** A replica is killed while it is at work on a snapshot. */
  replica_strike: [0, 1_000],
  /** A broker is killed while a replica is at work on a snapshot. */
  broker_strike: [0, 200],
  /**
   * All replicas are killed, and started again without peers: nothing but the
   * snapshots and the log is left.
   */
  replicas_kill: [0, 500],
  /**
   * A replica stops in its tracks, and its connections are cut. It goes on when
   * the log was cut beyond it, which takes about as long as this.
   */
  outrun_paused: [4_000, 8_000],
  /** A replica's connections are refused until the log was cut beyond it. */
  outrun_cut_off: [4_000, 8_000],
  /** A part of the newest snapshot is lost, or is another one. */
  snapshot_damage: [0, 0],
  /** The same of one that has just been written, before it is read back. */
  upload_damage: [0, 0],
} as const;

/** Every kind of fault, and how long one lasts at least and at most. */
export const FAULT_MS = {
  ...PLAIN_FAULTS,
  ...SNAPSHOT_FAULTS,
} satisfies Record<
  string,
  readonly [min: number, max: number]
>;

/** A kind of fault. */
export type FaultKind = keyof typeof FAULT_MS;

/** All kinds. */
export const FAULT_KINDS = Object.keys(FAULT_MS) as FaultKind[];

/** Those of a run without snapshots. */
export const PLAIN_KINDS = Object.keys(PLAIN_FAULTS) as FaultKind[];

/** What a replica does with a snapshot, in this order. */
export const MOMENTS = [
  /** It uploads a chunk. */
  "chunk",
  /** The snapshot gets its name. */
  "name",
  /** It reads a chunk back. */
  "read_back",
  /** It marks the snapshot as whole. */
  "mark",
  /** It deletes a snapshot. */
  "delete",
  /** It cuts the log. */
  "cut",
] as const;

/** A moment to strike at. */
export type Moment = typeof MOMENTS[number];

/** How long after one fault begins the next one does, at least and at most. */
const NEXT_MS = [300, 1_800] as const;

/** How long a target is left alone after a fault, so that it gets to work. */
const RESPITE_MS = 1_000;

/** The same for the broker, which all of them wait for. */
const BROKER_RESPITE_MS = 3_000;

/** How long it takes, about, until the moment of a fault comes. */
const MOMENT_MS = 1_000;

/** The longest delay of a chunk of bytes. */
const DELAY_MAX_MS = 150;

/** How long after its moment a strike comes at most, if it does not come at once. */
const STRIKE_DELAY_MAX_MS = 60;

/** What a schedule is for. */
export interface Plan {
  readonly replicas: number;
  /** How many servers the broker has. */
  readonly servers: number;
  /** Whether the log is cut behind snapshots. */
  readonly snapshots: boolean;
}

/** One fault. */
export interface Fault {
  readonly kind: FaultKind;
  /** When it begins, from the start of the run. */
  readonly at_ms: number;
  /** How long it lasts. */
  readonly for_ms: number;
  /** The replica that it hits; undefined for those of brokers and of all. */
  readonly replica: number | undefined;
  /** The server that it hits, or the one that leads the log. */
  readonly server: number | "leader";
  /**
   * For `delay`: how long each chunk of bytes is held. For strikes: how long
   * after the moment they come.
   */
  readonly delay_ms: number;
  /**
   * For `replica_kill` and `replica_term`: whether it starts again with peers to
   * fill itself from.
   */
  readonly warm: boolean;
  /** For strikes: when they come. */
  readonly moment: Moment | undefined;
  /** For `replicas_kill`: whether the newest snapshot is damaged meanwhile. */
  readonly damages: boolean;
}

/** What can have only one fault at a time: a process, a network, the bucket. */
export function targetsOf(
  { kind, replica }: Pick<Fault, "kind" | "replica">,
  replicas: number,
): string[] {
  const all = Array.from({ length: replicas }, (_, i) => `replica ${i}`);
  switch (kind) {
    case "replicas_kill":
      return all;
    case "snapshot_damage":
    case "upload_damage":
      return ["bucket"];
    case "outrun_paused":
    case "outrun_cut_off":
      // Nothing keeps the others from cutting the log.
      return [...all, `network ${replica}`, "broker"];
  }
  if (kind.startsWith("broker_")) return ["broker"];
  return [
    kind.startsWith("replica_") ? `replica ${replica}` : `network ${replica}`,
  ];
}

/** @returns How long the targets of a fault are left alone after it. */
export function respiteOf({ kind }: Pick<Fault, "kind">): number {
  return kind.startsWith("broker_") ? BROKER_RESPITE_MS : RESPITE_MS;
}

/** A card of the deck that faults are drawn from. */
interface Card {
  readonly kind: FaultKind;
  readonly moment?: Moment;
  readonly damages?: boolean;
}

/** What comes once in a round. */
function newDeck({ snapshots }: Plan): Card[] {
  const plain = PLAIN_KINDS.map((kind): Card => ({ kind }));
  if (!snapshots) return plain;
  return [
    ...plain,
    ...MOMENTS.flatMap((moment): Card[] => [
      { kind: "replica_strike", moment },
      { kind: "broker_strike", moment },
    ]),
    { kind: "replicas_kill" },
    { kind: "replicas_kill", damages: true },
    { kind: "replicas_kill", damages: true },
    { kind: "outrun_paused" },
    { kind: "outrun_cut_off" },
    { kind: "snapshot_damage" },
    { kind: "upload_damage", moment: "name" },
  ];
}

/**
 * Every kind comes at least once in a round, in an order that is new each time,
 * so that a short run has them all; faults of different targets overlap.
 *
 * @param seed Decides it all.
 * @param duration_ms When the last fault is over at the latest.
 * @param plan What it is for.
 * @returns The faults in the order in which they begin.
 */
export function makeSchedule(
  seed: number,
  duration_ms: number,
  plan: Plan,
): Fault[] {
  const random = new Random(seed);
  const between = ([min, max]: readonly [number, number]) =>
    min + random.below(max - min + 1);
  const freeAt = new Map<string, number>();
  const faults: Fault[] = [];
  let deck: Card[] = [];
  let round = 0;
  for (let clock_ms = between(NEXT_MS);; clock_ms += between(NEXT_MS)) {
    if (deck.length === 0) {
      deck = shuffle(newDeck(plan), random);
      round++;
    }
    // The first one that can begin now, else the one that can soonest.
    const drafts = deck.map((card) => {
      const fault = draft(card, plan, random, round);
      const targets = targetsOf(fault, plan.replicas);
      const free_ms = targets.map((target) => freeAt.get(target) ?? 0);
      return { fault, targets, at_ms: Math.max(clock_ms, ...free_ms) };
    });
    clock_ms = Math.min(...drafts.map(({ at_ms }) => at_ms));
    const index = drafts.findIndex(({ at_ms }) => at_ms === clock_ms);
    deck.splice(index, 1);
    const { fault, targets } = drafts[index];
    const end_ms = clock_ms + fault.for_ms;
    if (end_ms > duration_ms) return faults;
    const moment_ms = fault.moment === undefined ? 0 : MOMENT_MS;
    for (const target of targets) {
      freeAt.set(target, end_ms + moment_ms + respiteOf(fault));
    }
    faults.push({ ...fault, at_ms: clock_ms });
  }
}

function shuffle<T>(values: readonly T[], random: Random): T[] {
  const rest = [...values];
  return values.map(() => rest.splice(random.below(rest.length), 1)[0]);
}

function draft(
  { kind, moment, damages = false }: Card,
  { replicas, servers }: Plan,
  random: Random,
  round: number,
): Omit<Fault, "at_ms"> {
  const [min, max] = FAULT_MS[kind];
  const replica = random.below(replicas);
  const server = random.below(servers + 1);
  const isOfAll = /^broker_|^replicas_|_damage$/.test(kind);
  // It is the first replica that deletes snapshots and cuts the log.
  const isOfFirst = moment === "delete" || moment === "cut";
  return {
    kind,
    for_ms: min + random.below(max - min + 1),
    replica: isOfAll ? undefined : isOfFirst ? 0 : replica,
    server: server === servers ? "leader" : server,
    // Half of the strikes come at once.
    delay_ms: kind.endsWith("_strike")
      ? random.below(2) * random.below(STRIKE_DELAY_MAX_MS)
      : 1 + random.below(DELAY_MAX_MS),
    // One of the two in each round, in turns.
    warm: (kind === "replica_kill") === (round % 2 === 1),
    moment,
    damages,
  };
}
