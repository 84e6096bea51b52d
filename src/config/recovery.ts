/**
 * What a replica does about a log that is not there, or has lost entries.
 *
 * @module
 */
import type { Environment, VariableReader } from "./variable_reader.ts";
import { VARIABLES } from "./variables.ts";

/** What a replica does about a log that is not there, or has lost entries. */
export interface RecoveryConfig {
  /** Whether to go on although others hold a fuller state than the log. */
  readonly isNewLogWanted: boolean;
  /**
   * The `file:` URL of the backup from which the log is made, where it is
   * absent or empty; undefined for none.
   */
  readonly restoreFrom: string | undefined;
  /** How long a lost tail must have been lost before it is healed; 0: never. */
  readonly healAfter_ms: number;
}

/**
 * @param reader Reads the variables; gets what is wrong with them.
 * @param environment Which of them are set.
 */
export function readRecovery(
  reader: VariableReader,
  environment: Environment,
): RecoveryConfig {
  const isNewLogWanted = reader.value("NEW_LOG", VARIABLES.NEW_LOG) === "yes";
  if (isNewLogWanted && !environment.NATS_URL) {
    reader.problems.push(
      "NEW_LOG needs NATS_URL: a standalone service knows of no other state",
    );
  }
  if (environment.HEAL_AFTER_MS && !environment.NATS_URL) {
    reader.problems.push(
      "HEAL_AFTER_MS needs NATS_URL: a standalone service has no other replica to heal its log from",
    );
  }
  return {
    isNewLogWanted,
    restoreFrom: reader.value("RESTORE_FROM", VARIABLES.RESTORE_FROM),
    healAfter_ms: reader.value("HEAL_AFTER_MS", VARIABLES.HEAL_AFTER_MS) ?? 0,
  };
}
