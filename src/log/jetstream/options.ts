/**
 * What a log on NATS JetStream is opened with.
 *
 * @module
 */

/** A log on NATS JetStream. */
export interface JetStreamOptions {
  readonly engine: "jetstream";
  /** The servers' URLs. */
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** The path of a file with the password, which is read at each connection. */
  readonly passwordFile?: string | undefined;
  readonly token?: string | undefined;
  /** The path of a credentials file, which is read at each connection. */
  readonly credsFile?: string | undefined;
  /**
   * The path of the certificates, in PEM, of the authorities that the servers'
   * are checked against; read at each connection.
   */
  readonly caFile?: string | undefined;
  /** The stream's name. */
  readonly stream: string;
  /** On how many servers a new stream is kept. */
  readonly streamReplicas: number;
  /** Names this replica's subject. */
  readonly replicaId: string;
  /** How long a batch may wait for its commit, in milliseconds. */
  readonly commitTimeout_ms: number;
}
