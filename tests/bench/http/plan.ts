/**
 * What is measured, and what is compared with what.
 *
 * @module
 */
import { type Operation, recordsOf } from "./requests.ts";

/** The sides, as the tables name them. */
export type SideName =
  | 'bare "ok"'
  | "the least of a get"
  | "bare JSON echo"
  | "the least of a set"
  | "standalone on one core"
  | "Redis"
  | "Redis over HTTP (webdis)"
  | "standalone"
  | "replicated, one replica"
  | "replicated, two replicas"
  | "replicated, each message fsynced"
  | "one JetStream publish a set"
  | "one JetStream publish with a message id a set";

/** One side doing one thing. */
export interface Case {
  readonly operation: Operation;
  /** For the publisher, how many publishes are outstanding. */
  readonly connections: number;
  readonly side: SideName;
}

/**
 * A figure of one case over the same figure of another; of answers a second,
 * the records in them.
 */
export interface Ratio {
  readonly figure: "per_s" | "p50_ms";
  readonly of: Case;
  readonly against: Case;
}

const SETTING_SIDES = [
  "standalone",
  "replicated, one replica",
  "replicated, two replicas",
  "replicated, each message fsynced",
] as const;

/** What replication would cost without group commit. */
const PUBLISHING_SIDES = [
  "one JetStream publish a set",
  "one JetStream publish with a message id a set",
] as const;

const CONNECTIONS = [1, 64, 256] as const;

function gets(side: SideName): Case {
  return { operation: "get", connections: 64, side };
}

function sets(side: SideName, connections: number): Case {
  return { operation: "set", connections, side };
}

const MANY_GETS: Case = {
  ...gets("standalone on one core"),
  operation: "get of 100",
};

const MANY_SETS = ([
  "standalone",
  "replicated, one replica",
] as const).map((side): Case => ({
  ...sets(side, 64),
  operation: "set of 100",
}));

/** Cases that are compared stand together, and are measured close together. */
export const CASE_GROUPS: readonly (readonly Case[])[] = [
  [
    gets('bare "ok"'),
    gets("the least of a get"),
    gets("standalone on one core"),
    MANY_GETS,
    gets("Redis"),
    gets("Redis over HTTP (webdis)"),
  ],
  ...CONNECTIONS.map((connections) => [
    sets("bare JSON echo", connections),
    sets("the least of a set", connections),
    ...SETTING_SIDES.map((side) => sets(side, connections)),
    ...(connections === 64 ? MANY_SETS : []),
    ...(connections === 256
      ? []
      : PUBLISHING_SIDES.map((side) => sets(side, connections))),
  ]),
];

/** What many at once gain over one at a time. */
const MANY_RATIOS: readonly Ratio[] = [MANY_GETS, ...MANY_SETS].map((of) => ({
  figure: "per_s",
  of,
  against: of.operation === "get of 100"
    ? gets(of.side)
    : sets(of.side, of.connections),
}));

/** The ratios, in the order of the table. */
export const RATIOS: readonly Ratio[] = [
  ...MANY_RATIOS,
  ...([
    'bare "ok"',
    "the least of a get",
    "Redis",
    "Redis over HTTP (webdis)",
  ] as const).map((
    side,
  ): Ratio => ({
    figure: "per_s",
    of: gets("standalone on one core"),
    against: gets(side),
  })),
  ...SETTING_SIDES.flatMap((side) =>
    CONNECTIONS.flatMap((connections) =>
      (["bare JSON echo", "the least of a set"] as const).map((
        least,
      ): Ratio => ({
        figure: "per_s",
        of: sets(side, connections),
        against: sets(least, connections),
      }))
    )
  ),
  ...PUBLISHING_SIDES.flatMap((side): Ratio[] => [
    {
      figure: "per_s",
      of: sets("replicated, one replica", 64),
      against: sets(side, 64),
    },
    {
      figure: "p50_ms",
      of: sets("replicated, one replica", 1),
      against: sets(side, 1),
    },
  ]),
];

/** @returns The cases of {@linkcode CASE_GROUPS} that many at once need. */
export function manyGroups(): Case[][] {
  const needed = new Set(
    MANY_RATIOS.flatMap(({ of, against }) => [of, against].map(caseKey)),
  );
  return CASE_GROUPS.map((group) =>
    group.filter((each) => needed.has(caseKey(each)))
  );
}

/** How many times as many records an answer of one case has as one of another. */
export function recordsRatio({ of, against }: Ratio): number {
  return recordsOf(of.operation) / recordsOf(against.operation);
}

/** @returns A name for a case, the same for equal ones. */
export function caseKey({ operation, connections, side }: Case): string {
  return `${operation} ${connections} ${side}`;
}
