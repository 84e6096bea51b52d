/**
 * Letting other threads go first.
 *
 * @module
 */
import { setPriority } from "node:os";

/**
 * A tenth of the processor's time while other threads want all of it. With less
 * (19), the main thread waited up to 314 ms for a lock of `malloc` that the
 * worker held while it was kept from running.
 */
const NICENESS = 10;

/**
 * Lowers the priority of the worker that calls it, so that gets and sets don't
 * wait for it. Does nothing without `--allow-sys=setPriority`.
 */
export function giveWay(): void {
  // Elsewhere it would be the priority of the whole process.
  if (Deno.build.os !== "linux") return;
  try {
    setPriority(0, NICENESS);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
}
