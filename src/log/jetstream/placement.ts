/**
 * On which server of a stream a consumer may be. It does no I/O.
 *
 * NATS places a consumer on any of the servers that keep the stream. One of them
 * may stay apart for a while: it has an older history, or another one, that the
 * others have outvoted. Its consumers give nothing, or entries that are none of
 * the log's. The leader's own entries are the log's.
 *
 * @module
 */

/**
 * How often a consumer is asked for until one is on the leader. Of five servers
 * each try hits it with a fifth: all miss in one of 1,200 cases, and the stream
 * is looked at again.
 */
export const PLACEMENTS_MAX = 32;

/** The tries to get one consumer. */
export class Placement {
  #tries = 0;

  /**
   * @param leader The server that led the stream when it was looked at;
   * undefined where servers do not know of each other.
   */
  constructor(private readonly leader: string | undefined) {}

  /**
   * A consumer was started.
   *
   * @param server The server that it is on; undefined if that is not told.
   * @returns Whether to take it, to start another one, or to look at the stream
   * again, since another server may lead it.
   */
  started(server: string | undefined): "take" | "again" | "look" {
    if (this.leader === undefined || server === undefined) return "take";
    if (server === this.leader) return "take";
    return ++this.#tries < PLACEMENTS_MAX ? "again" : "look";
  }
}
