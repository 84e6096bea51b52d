/**
 * The configuration: environment variables in, a frozen {@linkcode Config} out.
 *
 * @module
 */
import type { Credentials } from "../http/server/basic_auth.ts";
import type { Peer } from "../snapshot/peer_source.ts";
import type { LOG_FORMATS, LOG_LEVELS } from "../telemetry/logger.ts";
import { type NatsConfig, readNats } from "./nats.ts";
import { readPasswords } from "./passwords.ts";
import { readPeers } from "./peers.ts";
import { readRecovery, type RecoveryConfig } from "./recovery.ts";
import { readSnapshots, type SnapshotConfig } from "./snapshots.ts";
import { readTls, type TlsConfig } from "./tls.ts";
import {
  ConfigError,
  type ConfigPorts,
  type Environment,
  VariableReader,
} from "./variable_reader.ts";
import { VARIABLES } from "./variables.ts";

/** The configuration of the service. */
export interface Config extends RecoveryConfig {
  readonly host: string;
  readonly setPort: number;
  readonly getPort: number;
  readonly credentials: Credentials;
  /** Whether the password was generated for this run. */
  readonly passwordIsGenerated: boolean;
  readonly replicaId: string;
  readonly dataDir: string;
  /** Where a starting replica asks for a backup, in this order. */
  readonly peers: readonly Peer[];
  /** Their CA certificates in addition to the well-known ones, in PEM. */
  readonly peersCa: string | undefined;
  /** The broker of a cluster; undefined for a standalone service. */
  readonly nats: NatsConfig | undefined;
  readonly snapshots: SnapshotConfig;
  readonly commitTimeout_ms: number;
  readonly bodyBytesMax: number;
  /** Whether sets, deletions and imports are refused. */
  readonly isReadOnly: boolean;
  /** How long requests are served after the signal to stop. */
  readonly shutdownDelay_ms: number;
  /** The certificate and the key of both listeners; undefined for plain HTTP. */
  readonly tls: TlsConfig | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
}

/**
 * @param environment The variables.
 * @param ports Files, the host's name and randomness.
 * @returns The configuration.
 * @throws {ConfigError} If any variable is wrong; it names them all.
 */
export async function readConfig(
  environment: Environment,
  ports: ConfigPorts,
): Promise<Config> {
  const reader = new VariableReader(environment, ports);
  const { problems } = reader;
  const setPort = reader.value("SET_PORT", VARIABLES.SET_PORT);
  const getPort = reader.value("GET_PORT", VARIABLES.GET_PORT);
  if (setPort !== undefined && setPort !== 0 && setPort === getPort) {
    problems.push("SET_PORT and GET_PORT must differ");
  }
  const passwords = readPasswords(reader, environment);
  const credentials: Credentials = {
    user: reader.value("AUTH_USER", VARIABLES.AUTH_USER) ?? "",
    passwords: passwords ?? [ports.randomBytes(18).toBase64()],
  };
  const config = {
    host: reader.value("HOST", VARIABLES.HOST),
    setPort,
    getPort,
    credentials,
    passwordIsGenerated: passwords === undefined,
    replicaId: reader.value("REPLICA_ID", VARIABLES.REPLICA_ID) ??
      generateReplicaId(ports),
    dataDir: reader.value("DATA_DIR", VARIABLES.DATA_DIR),
    nats: await readNats(reader, environment),
    peers: readPeers(reader, environment, credentials),
    ...readRecovery(reader, environment),
    peersCa: await reader.certificates("PEERS_TLS_CA_FILE"),
    snapshots: readSnapshots(reader, environment),
    commitTimeout_ms: reader.value(
      "COMMIT_TIMEOUT_MS",
      VARIABLES.COMMIT_TIMEOUT_MS,
    ),
    bodyBytesMax: reader.value("MAX_BODY_BYTES", VARIABLES.MAX_BODY_BYTES),
    isReadOnly: reader.value("READ_ONLY", VARIABLES.READ_ONLY) === "yes",
    shutdownDelay_ms: reader.value(
      "SHUTDOWN_DELAY_MS",
      VARIABLES.SHUTDOWN_DELAY_MS,
    ),
    tls: await readTls(reader, environment),
    logLevel: reader.value("LOG_LEVEL", VARIABLES.LOG_LEVEL),
    logFormat: reader.value("LOG_FORMAT", VARIABLES.LOG_FORMAT),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  // A required value that is undefined has left a problem.
  return Object.freeze(config) as Config;
}

function generateReplicaId(ports: ConfigPorts): string {
  const host = ports.hostname().replace(/[^A-Za-z0-9_-]/g, "-").slice(0, 48);
  return `${host}-${ports.randomBytes(4).toHex()}`;
}
