/**
 * Calls with a time limit: a store that does not answer must not stop compaction
 * or healing for good.
 *
 * @module
 */
import type { Snapshot } from "../snapshot/snapshot.ts";
import {
  saveSnapshot,
  type SnapshotSink,
  type SnapshotStore,
  SnapshotStoreError,
  type StoredSnapshot,
} from "../snapshot/store.ts";
import type { RowBlock } from "../storage/row_block.ts";

/** How long a call may take. */
export const CALL_LIMIT_MS = 60_000;

/**
 * How long reading a snapshot back may take: so long, or longer if it has so
 * many rows that this would be more than so many a second. While sets are under
 * way it rests most of the time: 28,000 rows/s on a busy machine (measured).
 */
export const VERIFY_LIMIT_MS = 600_000;
export const VERIFIED_ROWS_PER_S_MIN = 5_000;

/** The longest of these limits, whatever a snapshot says of its rows. */
export const VERIFY_LIMIT_MAX_MS = 4 * 3_600_000;

/** How long to work before other work gets its turn, as in a restore. */
const SLICE_MS = 5;

/** What snapshots are made with. */
export interface StoreCallPorts {
  readonly store: SnapshotStore;
  /**
   * @returns The state as it is now; to be disposed of after use.
   * @throws {UnavailableError} If there is no whole state now.
   */
  snapshot(): Snapshot;
  /** A clock that never goes back, in milliseconds. */
  now(): number;
  /**
   * Lets other work have its turn.
   *
   * @param worked_ms How long was worked since the last time.
   */
  pause(worked_ms: number): Promise<void>;
}

/** The call under way. */
interface CallUnderWay {
  readonly late_ms: number;
  readonly what: string;
  readonly end: (error: unknown) => void;
}

/** One call at a time, each with a time limit. */
export class StoreCalls {
  #underWay: CallUnderWay | undefined;

  /**
   * @param ports What is called.
   * @param signal Ends the call under way, and all later ones.
   */
  constructor(
    private readonly ports: StoreCallPorts,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener(
      "abort",
      () => this.#underWay?.end(signal.reason),
    );
  }

  /** Ends the call under way if it takes too long. Call it a few times a second. */
  tick(now_ms: number): void {
    const call = this.#underWay;
    if (call === undefined || now_ms < call.late_ms) return;
    call.end(new SnapshotStoreError(`${call.what} takes too long`));
  }

  list(): Promise<StoredSnapshot[]> {
    return this.call(
      "listing the snapshots",
      () => this.ports.store.list(),
    );
  }

  delete(id: string): Promise<void> {
    return this.call(
      "deleting a snapshot",
      () => this.ports.store.delete(id),
    );
  }

  async verify(
    { id, info }: Pick<StoredSnapshot, "id" | "info">,
  ): Promise<StoredSnapshot> {
    const late = new AbortController();
    const signal = AbortSignal.any([this.signal, late.signal]);
    try {
      return await this.call(
        "reading a snapshot back",
        () => this.ports.store.verify(id, signal),
        verifyLimit_ms(info.rows),
      );
    } finally {
      late.abort();
    }
  }

  /** Writes the state as it is now. */
  async write(): Promise<StoredSnapshot> {
    using snapshot = this.ports.snapshot();
    const { info } = snapshot;
    return await saveSnapshot({ info, blocks: this.#inSlices(snapshot) }, {
      create: async () => {
        const created = this.ports.store.create(info);
        try {
          return this.#sink(await this.call(WRITING, () => created));
        } catch (error) {
          created.then((sink) => sink.abort()).catch(() => {});
          throw error;
        }
      },
    });
  }

  #sink(sink: SnapshotSink): SnapshotSink {
    return {
      write: (rows) => this.call(WRITING, () => sink.write(rows)),
      commit: () => this.call(WRITING, () => sink.commit()),
      abort: () => {
        // Not awaited, because it may not answer either.
        sink.abort().catch(() => {});
        return Promise.resolve();
      },
    };
  }

  async *#inSlices({ blocks }: Snapshot): AsyncGenerator<RowBlock> {
    const { ports } = this;
    let began_ms = ports.now();
    for await (const rows of blocks) {
      yield rows;
      const worked_ms = ports.now() - began_ms;
      if (worked_ms < SLICE_MS) continue;
      await ports.pause(worked_ms);
      began_ms = ports.now();
    }
  }

  /** @throws {SnapshotStoreError} If it takes too long. */
  protected async call<T>(
    what: string,
    work: () => Promise<T>,
    limit_ms = CALL_LIMIT_MS,
  ): Promise<T> {
    this.signal.throwIfAborted();
    const ended = Promise.withResolvers<never>();
    const late_ms = this.ports.now() + limit_ms;
    this.#underWay = { what, late_ms, end: ended.reject };
    try {
      return await Promise.race([work(), ended.promise]);
    } finally {
      this.#underWay = undefined;
    }
  }
}

const WRITING = "writing a snapshot";

function verifyLimit_ms(rows: number): number {
  const limit_ms = Math.max(
    VERIFY_LIMIT_MS,
    1_000 * rows / VERIFIED_ROWS_PER_S_MIN,
  );
  return Math.min(limit_ms, VERIFY_LIMIT_MAX_MS);
}
