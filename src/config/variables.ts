/**
 * The environment variables of the service: their defaults, meanings and checks.
 *
 * @module
 */
import type * as z from "zod";
import { LOG_FORMATS, LOG_LEVELS } from "../telemetry/logger.ts";
import {
  backupFile,
  folder,
  integer,
  oneOf,
  peers,
  servers,
  text,
} from "./checks.ts";

/** A variable: its default if that is fixed, its meaning and its check. */
function variable<T>(
  fallback: string | undefined,
  meaning: string,
  schema: z.ZodType<T>,
) {
  return { fallback, meaning, schema };
}

/** Every variable, in the order of `--help`. */
export const VARIABLES = {
  HOST: variable("127.0.0.1", "address that both listeners bind", text),
  SET_PORT: variable("8080", "port of the set listener", integer(0, 65535)),
  GET_PORT: variable("8081", "port of the get listener", integer(0, 65535)),
  AUTH_USER: variable(
    "admin",
    "user of the set listener",
    text.regex(/^[^:\p{Cc}]{1,1024}$/u, {
      error:
        "must have at most 1024 characters, no colon and no control characters",
    }),
  ),
  AUTH_PASSWORD: variable(
    undefined,
    "its password; if unset, a standalone service prints a random one at start",
    text.regex(/^\P{Cc}{1,1024}$/u, {
      error: "must have at most 1024 characters and no control characters",
    }),
  ),
  AUTH_PASSWORD_FILE: variable(
    undefined,
    "instead: a file with up to four passwords, one per line; any is accepted",
    text,
  ),
  NATS_URL: variable(
    undefined,
    "comma-separated NATS servers; standalone if unset",
    servers,
  ),
  NATS_USER: variable(undefined, "user at NATS", text),
  NATS_PASSWORD: variable(undefined, "its password", text),
  NATS_PASSWORD_FILE: variable(
    undefined,
    "instead: a file that holds it, on one line",
    text,
  ),
  NATS_TOKEN: variable(undefined, "instead: a token for NATS", text),
  NATS_CREDS_FILE: variable(
    undefined,
    "instead: a credentials file for NATS",
    text,
  ),
  NATS_TLS_CA_FILE: variable(
    undefined,
    "CA certificates (PEM) for NATS; requires TLS",
    text,
  ),
  NATS_STREAM: variable(
    "USERGRADE",
    "the stream that is the log; created if absent",
    text.regex(/^[A-Za-z0-9_-]{1,64}$/, {
      error: "must be 1 to 64 letters, digits, - or _",
    }),
  ),
  NATS_STREAM_REPLICAS: variable(
    "1",
    "on how many NATS servers a new stream is kept",
    integer(1, 5),
  ),
  REPLICA_ID: variable(
    undefined,
    "this replica's name; if unset, the host name and a random suffix",
    text.regex(/^[A-Za-z0-9_-]{1,64}$/, {
      error: "must be 1 to 64 letters, digits, - or _",
    }),
  ),
  PEERS: variable(
    undefined,
    "comma-separated URLs of other replicas' set listeners, or file: URLs of backups",
    peers,
  ),
  PEERS_TLS_CA_FILE: variable(
    undefined,
    "CA certificates (PEM) for the peers, import and backup, in addition to the well-known ones",
    text,
  ),
  NEW_LOG: variable(
    "no",
    "yes, for one start: go on although another replica holds a fuller state",
    oneOf(["yes", "no"]),
  ),
  RESTORE_FROM: variable(
    undefined,
    "file: URL of a backup or a CSV file: makes the log from it, if there is none or it is empty",
    backupFile,
  ),
  HEAL_AFTER_MS: variable(
    "10000",
    "how long a log must have lost entries before replicas put them back; 0: never",
    integer(0, 3_600_000),
  ),
  DATA_DIR: variable(
    "./data",
    "standalone: folder of the log",
    folder,
  ),
  SNAPSHOT_LOG_BYTES: variable(
    String(64 * 1024 * 1024),
    "bytes of log after which a snapshot is made and the log is cut; 0: only on request",
    integer(0, 1024 ** 4),
  ),
  SNAPSHOT_INTERVAL_MINUTES: variable(
    undefined,
    "how old the newest snapshot may become, if anything has changed",
    integer(1, 525_600),
  ),
  SNAPSHOT_DIR: variable(
    undefined,
    "folder of this machine that holds snapshots too, as backup files",
    folder,
  ),
  SNAPSHOTS_KEPT: variable(
    "2",
    "how many snapshots are kept in SNAPSHOT_DIR",
    integer(1, 1000),
  ),
  COMMIT_TIMEOUT_MS: variable(
    "5000",
    "how long a set may wait for its commit",
    integer(10, 60_000),
  ),
  MAX_BODY_BYTES: variable(
    "262144",
    "largest body of a set, a deletion or a get of many",
    integer(1, 512 * 1024),
  ),
  READ_ONLY: variable(
    "no",
    "yes: sets, deletions and imports get 503, for moves and restores",
    oneOf(["yes", "no"]),
  ),
  SHUTDOWN_DELAY_MS: variable(
    "0",
    "how long requests are served after SIGTERM while /readyz says 503",
    integer(0, 600_000),
  ),
  TLS_CERT_FILE: variable(
    undefined,
    "certificate of both listeners (PEM); plain HTTP if unset",
    text,
  ),
  TLS_KEY_FILE: variable(undefined, "its key (PEM)", text),
  LOG_LEVEL: variable("info", LOG_LEVELS.join(", "), oneOf(LOG_LEVELS)),
  LOG_FORMAT: variable("text", LOG_FORMATS.join(", "), oneOf(LOG_FORMATS)),
};
