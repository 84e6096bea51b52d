/**
 * Letting a running replica propose again, or not any more: after a connection
 * to another server the log may have lost what others have applied, and they
 * are to be heard first.
 *
 * @module
 */
import type {
  HealingCondition,
  OtherReplica,
} from "../replica/healing_facts.ts";
import { type LogEnds, objection, type OwnLog } from "./objection.ts";

/** How often the log is looked at while a replica objects. */
const LOOK_MS = 200;

/** How many looks have to find no objection until sets are taken again. */
const CALM_LOOKS = 2;

/** How long replicas are awaited before that is said. */
const QUIET_MS = 1_000;

const REMEDY =
  "no set is taken until the log is whole again; to give up what that replica holds, save its backup and stop it";

/** The states of those that know of a loss. */
const LOSS_STATES: readonly string[] = ["healing", "ahead_of_log"];

/** The other replicas as a readmission needs them. */
export interface HeardReplicas {
  /** Whether nobody can be heard. */
  readonly isOff: boolean;
  others(now_ms: number): OtherReplica[];
  awaited(now_ms: number): string[];
  hasHeardAll(now_ms: number): boolean;
  /** Begins to hear all: asks them anew unless a connection has just done it. */
  hearAll(now_ms: number): void;
}

/** This replica as its readmission needs it. */
export interface ReadmittedReplica {
  /** Whether its log can be proposed to. */
  readonly connected: boolean;
  readonly log: { readonly id: string } | undefined;
  readonly lastSequence: number;
  readonly healedTo: number | null;
}

/** What a readmission needs from outside. */
export interface ReadmissionPorts {
  readonly cluster: HeardReplicas;
  readonly replica: ReadmittedReplica;
  /** Looks where the log begins and ends now; rejects when it is closed. */
  locate(): Promise<LogEnds>;
  /**
   * Goes on from a stored state that is fuller than the log, which nobody who
   * was heard has.
   *
   * @returns Whether nothing is to be proposed yet; rejects when the log is
   * closed.
   */
  recover(ends: LogEnds): Promise<boolean>;
  /** Lets the log be proposed to. @param hearing The number that asked. */
  admit(hearing: number): void;
  /** Whether an operator has given up what a replica holds. */
  isGivenUp(other: OtherReplica): boolean;
  /**
   * Why this replica must not propose, as far as the others matter, has
   * changed; undefined if it may.
   */
  changed(condition: HealingCondition | undefined): void;
}

/** Decides whether one running replica may propose. */
export class Readmission {
  /** The number of the session that waits; undefined if none does. */
  #hearing: { readonly number: number; readonly since_ms: number } | undefined;
  /** Why nothing may be proposed; undefined if it may. */
  #reason: string | undefined;
  /** Whether it is known that no stored state is fuller than the log. */
  #isStoreAsked = false;
  /** How many looks in a row found no objection. */
  #calmLooks = 0;
  #isLooking = false;
  #lookDue_ms = -Infinity;

  constructor(private readonly ports: ReadmissionPorts) {}

  /** The session proposes nothing until the others are heard. */
  hear(hearing: number, now_ms: number): void {
    this.#hearing = { number: hearing, since_ms: now_ms };
    this.#isStoreAsked = false;
    this.#lookDue_ms = now_ms;
    this.ports.cluster.hearAll(now_ms);
    this.tick(now_ms);
  }

  /** The connection is lost: the session will ask anew. */
  left(): void {
    this.#hearing = undefined;
  }

  /**
   * Does what is due. To be called a few times a second, and when another
   * replica is heard.
   */
  tick(now_ms: number): void {
    const { cluster } = this.ports;
    if (cluster.isOff) return this.#admit();
    if (this.#isLooking || now_ms < this.#lookDue_ms) return;
    if (this.#hearing !== undefined) {
      if (cluster.hasHeardAll(now_ms)) this.#look(now_ms);
      else if (now_ms - this.#hearing.since_ms >= QUIET_MS) {
        this.#say(awaitedReason(cluster.awaited(now_ms)));
      }
    } else if (this.#reason !== undefined || this.#isDoubtful(now_ms)) {
      this.#look(now_ms);
    }
  }

  /** Whether someone says that the log has lost entries, and it may be true. */
  #isDoubtful(now_ms: number): boolean {
    const { replica } = this.ports;
    if (!replica.connected) return false;
    const { lastSequence } = replica;
    const ends = { firstSequence: 1, lastSequence };
    return this.#others(now_ms).some((other) =>
      LOSS_STATES.includes(other.state) &&
      this.#objection([other], ends) !== undefined
    );
  }

  #others(now_ms: number): OtherReplica[] {
    const { cluster, isGivenUp } = this.ports;
    return cluster.others(now_ms).filter((other) => !isGivenUp(other));
  }

  #objection(
    others: readonly OtherReplica[],
    ends: LogEnds,
  ): string | undefined {
    const { log, healedTo } = this.ports.replica;
    if (log === undefined) return undefined;
    const own: OwnLog = { id: log.id, healedTo };
    for (const other of others) {
      const reason = objection(other, own, ends);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  #look(now_ms: number): void {
    this.#isLooking = true;
    this.#lookDue_ms = now_ms + LOOK_MS;
    const hearing = this.#hearing;
    // What was said before the look: else a log that grows looks too short.
    const others = this.#others(now_ms);
    this.ports.locate().then(
      (ends) => {
        this.#isLooking = false;
        if (hearing === this.#hearing) this.#judge(others, ends);
      },
      // The log is closed, and says why.
      () => this.#isLooking = false,
    );
  }

  #judge(others: readonly OtherReplica[], ends: LogEnds): void {
    const reason = this.#objection(others, ends);
    if (reason !== undefined) {
      this.#calmLooks = 0;
      this.#isStoreAsked = false;
      this.#say(`${reason}: ${REMEDY}`);
    } else if (
      this.#hearing !== undefined || ++this.#calmLooks >= CALM_LOOKS
    ) {
      if (this.#isStoreAsked) this.#admit();
      else this.#askStore(ends);
    }
  }

  /** Those who had the most may be gone, and have stored it. */
  #askStore(ends: LogEnds): void {
    this.#isLooking = true;
    const hearing = this.#hearing;
    this.ports.recover(ends).then(
      (isLost) => {
        this.#isLooking = false;
        if (hearing !== this.#hearing || isLost) return;
        // The others may have said more meanwhile.
        this.#isStoreAsked = true;
        this.#lookDue_ms = -Infinity;
      },
      // The log is closed, and says why.
      () => this.#isLooking = false,
    );
  }

  #admit(): void {
    this.#say(undefined);
    if (this.#hearing === undefined) return;
    const { number } = this.#hearing;
    this.#hearing = undefined;
    this.ports.admit(number);
  }

  #say(reason: string | undefined): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.ports.changed(
      reason === undefined ? undefined : { type: "waiting", reason },
    );
  }
}

function awaitedReason(ids: readonly string[]): string {
  return ids.length === 0
    ? "the other replicas are being asked what they have applied"
    : `the other replicas are being asked what they have applied; awaited: ${
      ids.join(", ")
    }`;
}
