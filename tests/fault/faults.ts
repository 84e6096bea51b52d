/**
 * The kinds of faults, what one of them is, and what it keeps busy.
 *
 * @module
 */
import type { HealStep } from "./heal_steps.ts";

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

/**
 * Faults for a broker of several servers: a leader hands over to another server,
 * again and again for this long, as operators and balancing tools let it.
 */
const STEP_DOWN_FAULTS = {
  /** Whoever leads the log, and the bucket of snapshots. */
  stream_step_down: [0, 2_000],
  /** Whoever leads the log's consumers, of which each is on one server here. */
  consumer_step_down: [0, 1_000],
  /** Whoever leads JetStream itself: it places streams and consumers. */
  meta_step_down: [0, 2_000],
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

/** Faults for replicas that heal the log of a broker that loses what it has. */
const HEAL_FAULTS = {
  /**
   * The broker is killed, and comes back with a copy of what it had this much
   * earlier.
   */
  older_copy: [1_000, 3_000],
  /** It comes back with nothing. */
  stores_loss: [0, 0],
  /** The log's stream is deleted; and the bucket of snapshots with it. */
  stream_loss: [0, 0],
  streams_loss: [0, 0],
  /**
   * Something of that, and the replica that heals the log is killed at a step,
   * and started again after this.
   */
  healer_strike: [0, 4_000],
  /** The same, and the broker is killed at a step, and started again after this. */
  healed_broker_strike: [0, 200],
  /** The same, and at a step the broker loses it once more. */
  loss_again: [500, 1_000],
} as const;

/** Every kind of fault, and how long one lasts at least and at most. */
export const FAULT_MS = {
  ...PLAIN_FAULTS,
  ...STEP_DOWN_FAULTS,
  ...SNAPSHOT_FAULTS,
  ...HEAL_FAULTS,
} satisfies Record<
  string,
  readonly [min: number, max: number]
>;

/** A kind of fault. */
export type FaultKind = keyof typeof FAULT_MS;

/** All kinds. */
export const FAULT_KINDS = Object.keys(FAULT_MS) as FaultKind[];

/** Those of a run without snapshots or losses. */
export const PLAIN_KINDS = Object.keys(PLAIN_FAULTS) as FaultKind[];

/** Those that a run on several servers has besides. */
export const STEP_DOWN_KINDS = Object.keys(STEP_DOWN_FAULTS) as FaultKind[];

/** Those that a run with snapshots has besides. */
export const SNAPSHOT_KINDS = Object.keys(SNAPSHOT_FAULTS) as FaultKind[];

/** Those that a run with losses has besides. */
export const HEAL_KINDS = Object.keys(HEAL_FAULTS) as FaultKind[];

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

/** How long a target is left alone after a fault, so that it gets to work. */
const RESPITE_MS = 1_000;

/** The same for the broker, which all of them wait for. */
const BROKER_RESPITE_MS = 3_000;

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
   * For `replica_kill`, `replica_term` and `healer_strike`: whether it starts
   * again with peers to fill itself from.
   */
  readonly warm: boolean;
  /** For strikes: when they come. */
  readonly moment: Moment | undefined;
  /** For those at a step of a healing: when they come. */
  readonly step: HealStep | undefined;
  /** For `replicas_kill`: whether the newest snapshot is damaged meanwhile. */
  readonly damages: boolean;
}

/** What can have only one fault at a time: a process, a network, the bucket. */
export function targetsOf(
  { kind, replica }: Pick<Fault, "kind" | "replica">,
  replicas: number,
): string[] {
  const all = Array.from({ length: replicas }, (_, i) => `replica ${i}`);
  // Who is away might be the only one that has applied an acknowledged set.
  if (HEAL_KINDS.includes(kind)) {
    return [...all, ...all.map((_, i) => `network ${i}`), "broker"];
  }
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
  // Servers are killed and stop at the same time.
  if (STEP_DOWN_KINDS.includes(kind)) return ["leaders"];
  return [
    kind.startsWith("replica_") ? `replica ${replica}` : `network ${replica}`,
  ];
}

/** @returns How long the targets of a fault are left alone after it. */
export function respiteOf({ kind }: Pick<Fault, "kind">): number {
  return kind.startsWith("broker_") || HEAL_KINDS.includes(kind)
    ? BROKER_RESPITE_MS
    : RESPITE_MS;
}
