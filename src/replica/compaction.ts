/**
 * When and how the log gets a new base, so that it grows with the users and
 * not with the sets ever made.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { LogBase } from "../log/log.ts";
import type { RowBatch } from "../storage/row_batch.ts";
import type { TableSnapshot } from "../storage/snapshot.ts";
import type { Replica } from "./replica.ts";

const logger = getLogger(["usergrade", "compaction"]);

/** Fewer sets than this are replayed at a start rather than folded into a base. */
export const SETS_BETWEEN_BASES_MIN = 100_000;

/** How many rows are read from storage at a time: a millisecond or so. */
const ROWS_PER_PART = 4096;

/** A log that can take a base. */
export interface BaseWriter {
  /** Writes a base part by part and makes it the log's. */
  writeBase(base: LogBase, parts: Iterable<RowBatch>): Promise<void>;
}

/** Gives the log a new base when there are more sets since the last than users. */
export class Compaction {
  #running = false;
  /** No new base before so many sets since the last one. */
  #setsMin = SETS_BETWEEN_BASES_MIN;

  constructor(
    private readonly replica: Replica,
    private readonly log: BaseWriter,
  ) {}

  /** To be called after entries were applied: starts a new base if it is time. */
  consider(): void {
    const { applied: { setsSinceBase }, users, writable } = this.replica;
    // Writing a base costs as much as its users, so that waiting for as many
    // sets keeps the cost of each set constant.
    if (
      this.#running || !writable ||
      setsSinceBase < Math.max(this.#setsMin, users)
    ) return;
    this.#running = true;
    this.#write(setsSinceBase).finally(() => this.#running = false);
  }

  async #write(sets: number): Promise<void> {
    const { sequence, time, digest, table } = this.replica.snapshot();
    try {
      await this.log.writeBase(
        { sequence, time, digest, rows: table.rows },
        parts(table),
      );
      this.replica.baseMoved(sequence, sets);
      this.#setsMin = SETS_BETWEEN_BASES_MIN;
      logger.info("The log has a new base of {rows} users at {sequence}", {
        rows: table.rows,
        sequence,
      });
    } catch (error) {
      this.#setsMin = sets + SETS_BETWEEN_BASES_MIN;
      logger.warn("The log has no new base and goes on growing: {reason}", {
        reason: (error as Error).message,
      });
    } finally {
      table.close();
    }
  }
}

function* parts(table: TableSnapshot): Generator<RowBatch> {
  for (let rows; (rows = table.read(ROWS_PER_PART)) !== undefined;) yield rows;
}
