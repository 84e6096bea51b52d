/**
 * Which faults a run injects, and when: a seed decides it all.
 *
 * @module
 */
import { Random } from "../support/random.ts";
import { HEAL_STEPS, type HealStep } from "./heal_steps.ts";
import {
  type Fault,
  FAULT_MS,
  type FaultKind,
  HEAL_KINDS,
  type Moment,
  MOMENTS,
  PLAIN_KINDS,
  respiteOf,
  STEP_DOWN_KINDS,
  targetsOf,
} from "./faults.ts";

/** How long after one fault begins the next one does, at least and at most. */
const NEXT_MS = [300, 1_800] as const;

/** How long it takes, about, until the moment of a fault comes. */
const MOMENT_MS = 1_000;

/** How long it takes, about, until a log is whole again. */
const HEALING_MS = 6_000;

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
  /** Whether the broker loses what it has. */
  readonly losses: boolean;
}

/** A card of the deck that faults are drawn from. */
interface Card {
  readonly kind: FaultKind;
  readonly moment?: Moment;
  readonly step?: HealStep;
  readonly damages?: boolean;
}

/** What comes once in a round. */
function newDeck({ servers, snapshots, losses }: Plan): Card[] {
  const kinds = servers > 1
    ? [...PLAIN_KINDS, ...STEP_DOWN_KINDS]
    : PLAIN_KINDS;
  return [
    ...kinds.map((kind): Card => ({ kind })),
    ...(snapshots ? snapshotCards() : []),
    ...(losses ? lossCards() : []),
  ];
}

function snapshotCards(): Card[] {
  return [
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

function lossCards(): Card[] {
  return [
    { kind: "older_copy" },
    { kind: "stores_loss" },
    { kind: "stream_loss" },
    { kind: "streams_loss" },
    ...HEAL_STEPS.map((step): Card => ({ kind: "healer_strike", step })),
    ...HEAL_STEPS.flatMap((step): Card[] => [
      { kind: "healed_broker_strike", step },
      { kind: "loss_again", step },
    ]),
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
    const busy_ms = HEAL_KINDS.includes(fault.kind)
      ? HEALING_MS
      : fault.moment === undefined
      ? 0
      : MOMENT_MS;
    for (const target of targets) {
      freeAt.set(target, end_ms + busy_ms + respiteOf(fault));
    }
    faults.push({ ...fault, at_ms: clock_ms });
  }
}

function shuffle<T>(values: readonly T[], random: Random): T[] {
  const rest = [...values];
  return values.map(() => rest.splice(random.below(rest.length), 1)[0]);
}

function draft(
  { kind, moment, step, damages = false }: Card,
  { replicas, servers }: Plan,
  random: Random,
  round: number,
): Omit<Fault, "at_ms"> {
  const [min, max] = FAULT_MS[kind];
  const replica = random.below(replicas);
  const server = random.below(servers + 1);
  const isOfAll = /^broker_|^replicas_|_damage$|_step_down$/.test(kind) ||
    HEAL_KINDS.includes(kind);
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
    step,
    damages,
  };
}
