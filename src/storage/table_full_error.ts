/** The table can't take another record: a segment is full, or there is no memory. */
export class TableFullError extends RangeError {
  override name = "TableFullError";
}

/**
 * @param attempt Allocates memory; changes nothing if there is none.
 * @param purpose What the memory is for, as the error says it.
 * @returns What `attempt` returns.
 * @throws {TableFullError} If there is no memory.
 */
export function allocate<T>(attempt: () => T, purpose: string): T {
  try {
    return attempt();
  } catch (cause) {
    throw new TableFullError(`Cannot store a user: no memory ${purpose}`, {
      cause,
    });
  }
}
