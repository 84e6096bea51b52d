/**
 * A replica of a {@linkcode HealingWorld}, as simple as can be, with the
 * product's own healer.
 *
 * @module
 */
import type { Fence, LogLoss } from "../../src/log/healable_log.ts";
import type { LogStatus } from "../../src/log/log.ts";
import {
  checkMark,
  forkBySnapshot,
  ForkedError,
} from "../../src/replica/fork.ts";
import { HealPoints } from "../../src/replica/heal_points.ts";
import { Seams } from "../../src/replica/seams.ts";
import { Healer } from "../../src/replica/healer.ts";
import type { HealingCondition } from "../../src/replica/healing_facts.ts";
import type { RowBlock } from "../../src/storage/row_block.ts";
import { LOG_ID } from "../support/snapshots.ts";
import { HEAL_AFTER_MS } from "./healing_facts.ts";
import {
  digestOf,
  type HealingWorld,
  type Message,
  type State,
} from "./healing_world.ts";

const ROW: RowBlock = {
  count: 1,
  keys: new Uint8Array(1),
  keyEnds: new Uint32Array([1]),
  numbers: new Float64Array(4),
};

/** How often it looks at the log. */
const LOOK_MS = 200;

/** One life of one replica. */
export class WorldReplica {
  messages: readonly Message[] = [];
  heals = HealPoints.NONE;
  isDead = false;
  /** Whether it and the others hear each other. */
  isHeard = true;
  /** Whether it can't reach the log. */
  isAway = false;
  isHealer = false;
  /** The most sets that it ever had. */
  most = 0;
  condition: HealingCondition | undefined;
  /** Whether it has seen that something was lost. */
  #wasLost = false;
  #isConnected = true;
  readonly healer: Healer;

  constructor(
    readonly name: string,
    private readonly world: HealingWorld,
    healAfter_ms = HEAL_AFTER_MS,
  ) {
    world.replicas.push(this);
    const call = <T>(what: string, work: () => T) =>
      world.call(this, what, work);
    const pending = new Map<object, State>();
    this.healer = new Healer(
      { replicaId: name, storeName: "the store", healAfter_ms },
      {
        log: {
          look: () => call("look", () => this.loss()),
          remake: () => call("remake", () => world.remake(name)),
          fence: (point, after) =>
            call(
              point.sequence === after ? "mark" : "fence",
              () => world.writeFence(name, point, after),
            ),
          moveTo: (point) => call("move", () => world.moveTo(name, point)),
        },
        store: {
          list: () => call("list", () => world.list()),
          verify: (id) => call("verify", () => world.verify(name, id)),
          create: (info) => {
            const state = pending.get(info)!;
            return Promise.resolve({
              write: () => Promise.resolve(),
              commit: () => call("write", () => world.keep(name, state)),
              abort: () => Promise.resolve(),
            });
          },
          delete: (id) => call("delete", () => void world.kept.delete(id)),
          open: () => Promise.reject(new Error("nobody opens it here")),
        },
        snapshot: () => {
          const { messages, heals } = this;
          const info = {
            logId: LOG_ID,
            sequence: this.appliedSequence,
            time: messages.at(-1)?.time ?? null,
            rows: 1,
            digest: this.digest,
            ...(heals.data && { heals: heals.data }),
          };
          pending.set(info, { messages, heals });
          return {
            info,
            blocks: (async function* () {
              yield ROW;
            })(),
            [Symbol.dispose]: () => {},
          };
        },
        now: () => world.time.now,
        pause: () => Promise.resolve(),
        situation: () => this.#situation(),
        restore: ({ id }) =>
          call("restore", () => this.#adopt(world.kept.get(id)!.state)),
        conditionChanged: (condition) => {
          if (this.condition?.type !== "forked") this.condition = condition;
        },
        healerChanged: (isHealer) => this.isHealer = isHealer,
      },
    );
    this.#every(LOOK_MS, () => this.follow());
    this.#every(100, () => this.healer.tick(world.time.now));
  }

  get appliedSequence(): number {
    return this.messages.length;
  }

  get digest(): string {
    return digestOf(this.messages);
  }

  get isForked(): boolean {
    return this.condition?.type === "forked";
  }

  /** Whether it would take sets. */
  get isWritable(): boolean {
    return !this.isDead && this.#isConnected && !this.isForked;
  }

  #every(ms: number, run: () => void): void {
    this.world.time.after(ms, () => {
      if (this.isDead) return;
      run();
      this.#every(ms, run);
    });
  }

  die(): void {
    this.isDead = true;
  }

  #situation() {
    const { appliedSequence, digest, heals, isForked } = this;
    const others = this.world.replicas.filter((one) =>
      one !== this && !one.isDead && one.isHeard && this.isHeard
    ).map((one) => ({
      id: one.name,
      session: "",
      version: "1.3.0",
      state: one.isForked ? "forked" : one.isWritable ? "ready" : "healing",
      logId: LOG_ID,
      appliedSequence: one.appliedSequence,
      lastSequence: one.appliedSequence,
      digest: one.digest,
      heals: one.heals.count,
      healedTo: one.heals.last?.sequence ?? null,
      seams: undefined,
      heardAgo_ms: 0,
    }));
    return {
      own: {
        id: this.name,
        logId: LOG_ID,
        appliedSequence,
        time: this.messages.at(-1)?.time ?? null,
        digest,
        heals,
        seams: Seams.NONE,
        isForked,
        isWhole: true,
        isDiverged: false,
      },
      others,
      awaited: [],
      isPresenceOn: true,
    };
  }

  /** What the log has lost of what is applied here. */
  loss(): LogLoss | undefined {
    const { stream, fence } = this.world;
    const { appliedSequence } = this;
    if (stream === undefined) return this.#loss("gone", 1, 0);
    const { first, last } = stream;
    if (fence !== undefined && !this.#isPast(fence)) {
      return { ...this.#loss("fenced", first, last), fence };
    }
    if (last < appliedSequence) return this.#loss("tail", first, last);
    return last === appliedSequence && first === last + 1 && this.#wasLost
      ? this.#loss("unmarked", first, last)
      : undefined;
  }

  /** Whether a fence is older than the last entry that is applied here. */
  #isPast({ sequence, time }: Fence): boolean {
    return this.appliedSequence > sequence &&
      time <= this.messages.at(-1)!.time;
  }

  #loss(
    type: "gone" | "tail" | "fenced" | "unmarked",
    firstSequence: number,
    lastSequence: number,
  ): LogLoss {
    const reason = `${type}: the log ends at ${lastSequence}`;
    return { type, reason, firstSequence, lastSequence };
  }

  /** Looks at the log, applies what it has, and says how it is. */
  follow(): void {
    if (this.isForked || this.isAway) return;
    this.#apply();
    const loss = this.loss();
    this.#wasLost = loss !== undefined;
    const isConnected = loss === undefined && !this.#isBehind();
    if (isConnected && !this.isForked) this.condition = undefined;
    const sets = this.messages.filter(({ heal }) => heal === undefined);
    this.most = Math.max(this.most, sets.length);
    this.#isConnected = isConnected;
    const status: LogStatus = loss !== undefined
      ? { state: "ahead_of_log", reason: loss.reason, loss }
      : { state: isConnected ? "connected" : "away", reason: "" };
    this.healer.logStatusChanged(status);
  }

  #isBehind(): boolean {
    const { stream } = this.world;
    return stream !== undefined && stream.last > this.appliedSequence;
  }

  #apply(): void {
    const { stream, fence } = this.world;
    if (stream === undefined) return;
    if (stream.first > this.appliedSequence + 1) return this.#rejoin();
    // Whatever a replica has from a fence's place on is void, not another log's.
    const isFenced = fence !== undefined && fence.at <= this.appliedSequence &&
      !this.#isPast(fence);
    const known = stream.messages.get(this.appliedSequence);
    if (isFenced) return;
    if (known !== undefined && known.key !== this.messages.at(-1)?.key) {
      this.condition = { type: "forked", reason: "another entry" };
      return;
    }
    const end = fence === undefined || this.#isPast(fence)
      ? stream.last
      : fence.at - 1;
    while (this.appliedSequence < end && !this.isForked) {
      const message = stream.messages.get(this.appliedSequence + 1)!;
      if (message.heal !== undefined && !this.#mark(message.heal)) return;
      this.messages = [...this.messages, message];
    }
  }

  #mark(heal: NonNullable<Message["heal"]>): boolean {
    try {
      checkMark(this, heal);
    } catch (error) {
      if (!(error instanceof ForkedError)) throw error;
      this.condition = { type: "forked", reason: error.message };
      return false;
    }
    this.heals = this.heals.with(heal);
    return true;
  }

  #rejoin(): void {
    const { first } = this.world.stream!;
    const kept = [...this.world.kept.values()].find(({ info, isVerified }) =>
      isVerified && info.sequence >= first - 1
    );
    if (kept !== undefined) this.#adopt(kept.state);
  }

  #adopt({ messages, heals }: State): void {
    if (messages.length <= this.appliedSequence) return;
    const reason = forkBySnapshot(this, heals);
    if (reason !== undefined) {
      this.condition = { type: "forked", reason };
      return;
    }
    this.messages = messages;
    this.heals = heals;
  }
}
