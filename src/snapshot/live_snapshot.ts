/**
 * The state in memory as a snapshot.
 *
 * @module
 */
import type { RowBlock } from "../storage/row_block.ts";
import type { StorageSnapshot } from "../storage/storage.ts";
import type { Snapshot, SnapshotInfo } from "./snapshot.ts";

/**
 * How many rows are read from storage at a time: some 0.2 ms, for which gets
 * wait.
 */
const BLOCK_ROWS = 2048;

/**
 * @param place The log, the last of its entries that the state includes, and
 * where it was healed before and has seams.
 * @param state The state.
 * @returns The snapshot, which owns the state's table.
 */
export function liveSnapshot(
  place: Pick<SnapshotInfo, "logId" | "sequence" | "time" | "heals" | "seams">,
  { digest, table }: StorageSnapshot,
): Snapshot {
  return {
    info: { ...place, rows: table.rows, digest },
    blocks: blocksOf(table),
    [Symbol.dispose]: () => table.close(),
  };
}

async function* blocksOf(
  table: StorageSnapshot["table"],
): AsyncGenerator<RowBlock> {
  for (let rows; (rows = table.read(BLOCK_ROWS)) !== undefined;) yield rows;
}
