/**
 * A side that others are compared with, or that is one of the others.
 *
 * @module
 */
import type { Figures } from "../http/figures.ts";
import type { LoadGenerator } from "../http/load.ts";

/** What sides are measured at, each where it can do it. */
export const CASES = [
  "gets, 64 connections",
  "sets in memory, 64 connections",
  "durable sets, 64 connections",
  "durable sets, 1 connection",
] as const;

/** One of {@linkcode CASES}. */
export type CaseName = (typeof CASES)[number];

/** Measures one case for some seconds. */
export type PeerMeasure = (
  seconds: number,
  signal: AbortSignal,
) => Promise<Figures>;

/** One side, as a process that is empty at first. */
export interface PeerSide extends AsyncDisposable {
  /** The process whose memory counts. */
  readonly pid: number;
  /** Stores the users of the load, and tells how the cases are measured. */
  prepare(generator: LoadGenerator): Promise<Map<CaseName, PeerMeasure>>;
  /** Stores so many users. */
  fill(users: number): Promise<void>;
}

/** How a side is had. */
export interface PeerKind {
  readonly name: string;
  /** Whether its start and its memory are not told, or told of another side. */
  readonly isOfAnother: boolean;
  /** Why it can't be had here; undefined if it can. */
  missing(): Promise<string | undefined>;
  /** Starts it, and waits until it answers. */
  start(): Promise<PeerSide>;
}
