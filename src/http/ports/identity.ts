/**
 * Who answers.
 *
 * @module
 */

/** What stays the same while the service runs. */
export interface Identity {
  readonly replicaId: string;
  readonly version: string;
  readonly mode: "standalone" | "replicated";
  /** When the service started, by its clock in milliseconds. */
  readonly started_ms: number;
}
