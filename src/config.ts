/**
 * The configuration: environment variables in, a frozen {@linkcode Config} out.
 *
 * @module
 */
import type * as z from "zod";
import type { Peer } from "./snapshot/peer_source.ts";
import { VARIABLES } from "./config_variables.ts";
import type { Credentials } from "./http/server/basic_auth.ts";
import {
  belongTogether,
  holdsPrivateKey,
  normalizeCertificates,
} from "./pem.ts";
import type { LOG_FORMATS, LOG_LEVELS } from "./telemetry/logger.ts";

/** The configuration of the service. */
export interface Config {
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
  /** Whether to go on although others hold a fuller state than the log. */
  readonly isNewLogWanted: boolean;
  /** The broker of a cluster; undefined for a standalone service. */
  readonly nats: NatsConfig | undefined;
  readonly commitTimeout_ms: number;
  readonly bodyBytesMax: number;
  /** Whether sets and imports are refused. */
  readonly isReadOnly: boolean;
  /** How long requests are served after the signal to stop. */
  readonly shutdownDelay_ms: number;
  /** The certificate and the key of both listeners, in PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
}

/** How to reach the broker, and the stream that is the cluster's log. */
export interface NatsConfig {
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  /** The path of a credentials file, which is read at each connection. */
  readonly credsFile: string | undefined;
  /** The path of a certificate authority, in PEM, which is read at each connection. */
  readonly caFile: string | undefined;
  readonly stream: string;
  readonly streamReplicas: number;
}

/** What the configuration needs besides the environment. */
export interface ConfigPorts {
  /** Reads a text file; throws if it can't. */
  readTextFile(path: string): string;
  /** The machine's name. */
  hostname(): string;
  /** Some random bytes. */
  randomBytes(count: number): Uint8Array;
}

/** The most passwords that are accepted at a time: old, new and two to spare. */
const PASSWORDS_MAX = 4;

/** All that is said of NATS besides where it is. */
const NATS_VARIABLES = Object.keys(VARIABLES).filter((name) =>
  name.startsWith("NATS_") && name !== "NATS_URL"
);

/** One or more variables are wrong. */
export class ConfigError extends Error {
  override name = "ConfigError";

  /** @param problems One line for each wrong variable, beginning with its name. */
  constructor(readonly problems: readonly string[]) {
    super(
      `Cannot start with this configuration:\n${
        problems.map((problem) => `  ${problem}`).join("\n")
      }`,
    );
  }
}

/** Reads variables and gathers what is wrong with them. */
class Reader {
  readonly problems: string[] = [];

  constructor(
    private readonly environment: Readonly<Record<string, string | undefined>>,
    private readonly ports: Pick<ConfigPorts, "readTextFile">,
  ) {}

  /** The checked value; undefined if it is unset, empty or wrong. */
  value<T>(
    name: string,
    { fallback, schema }: {
      fallback: string | undefined;
      schema: z.ZodType<T>;
    },
  ): T | undefined {
    // An empty variable counts as unset, as Compose files leave them.
    const given = this.environment[name] || fallback;
    if (given === undefined) return undefined;
    const result = schema.safeParse(given);
    if (result.success) return result.data;
    this.problems.push(`${name} ${result.error.issues[0].message}`);
    return undefined;
  }

  /** The content of the file that a variable names. */
  file(name: keyof typeof VARIABLES): string | undefined {
    const path = this.environment[name];
    if (!path) return undefined;
    try {
      // Windows' editors begin a file with a byte order mark.
      return this.ports.readTextFile(path).replace(/^\ufeff/, "");
    } catch (error) {
      this.problems.push(
        `${name} names a file that can't be read: ${(error as Error).message}`,
      );
      return undefined;
    }
  }

  /** The certificates in the file that a variable names. */
  certificates(name: keyof typeof VARIABLES): string | undefined {
    const pem = this.file(name);
    if (pem === undefined) return undefined;
    const certificates = normalizeCertificates(pem);
    if (certificates !== undefined) return certificates;
    this.problems.push(`${name} names a file without a certificate in PEM`);
    return undefined;
  }
}

/**
 * @param environment The variables.
 * @param ports Files, the host's name and randomness.
 * @returns The configuration.
 * @throws {ConfigError} If any variable is wrong; it names them all.
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  ports: ConfigPorts,
): Config {
  const reader = new Reader(environment, ports);
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
    nats: readNats(reader, environment),
    peers: readPeers(reader, environment, credentials),
    isNewLogWanted: readNewLog(reader, environment),
    peersCa: reader.certificates("PEERS_TLS_CA_FILE"),
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
    tls: readTls(reader, environment),
    logLevel: reader.value("LOG_LEVEL", VARIABLES.LOG_LEVEL),
    logFormat: reader.value("LOG_FORMAT", VARIABLES.LOG_FORMAT),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  // A required value that is undefined has left a problem.
  return Object.freeze(config) as Config;
}

/** What a command needs to know of the service that it talks to. */
export interface ClientConfig {
  readonly setPort: number;
  readonly user: string;
  /** Undefined if none is set. */
  readonly password: string | undefined;
}

/**
 * @param environment The variables.
 * @param ports Files.
 * @returns What a command needs to log in at the service of this machine.
 * @throws {ConfigError} If any of these variables is wrong; it names them all.
 */
export function readClientConfig(
  environment: Readonly<Record<string, string | undefined>>,
  ports: Pick<ConfigPorts, "readTextFile">,
): ClientConfig {
  const reader = new Reader(environment, ports);
  const config = {
    setPort: reader.value("SET_PORT", VARIABLES.SET_PORT),
    user: reader.value("AUTH_USER", VARIABLES.AUTH_USER),
    password: readPasswords(reader, environment)?.[0],
  };
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return config as ClientConfig;
}

function readPasswords(
  reader: Reader,
  { AUTH_PASSWORD, AUTH_PASSWORD_FILE }: Readonly<
    Record<string, string | undefined>
  >,
): Credentials["passwords"] | undefined {
  if (AUTH_PASSWORD && AUTH_PASSWORD_FILE) {
    reader.problems.push(
      "AUTH_PASSWORD and AUTH_PASSWORD_FILE must not both be set",
    );
  }
  const content = reader.file("AUTH_PASSWORD_FILE");
  if (content === undefined) {
    const password = reader.value("AUTH_PASSWORD", VARIABLES.AUTH_PASSWORD);
    return password === undefined ? undefined : [password];
  }
  const passwords = passwordLines(content);
  if (
    passwords.length > PASSWORDS_MAX ||
    !passwords.every((one) =>
      VARIABLES.AUTH_PASSWORD.schema.safeParse(one).success
    )
  ) {
    reader.problems.push(
      `AUTH_PASSWORD_FILE must hold 1 to ${PASSWORDS_MAX} lines, each with 1 to 1024 characters and no control characters`,
    );
  }
  return passwords;
}

/**
 * @param content The content of a password file.
 * @returns Its passwords, one per line. Line ends and empty lines at the end,
 * as editors leave them, are no passwords.
 */
function passwordLines(content: string): [string, ...string[]] {
  const [first, ...more] = content.replace(/[\r\n]+$/, "").split(/\r?\n/);
  return [first, ...more];
}

function readNats(
  reader: Reader,
  environment: Readonly<Record<string, string | undefined>>,
): NatsConfig | undefined {
  const {
    NATS_URL,
    NATS_USER,
    NATS_PASSWORD,
    NATS_TOKEN,
    NATS_CREDS_FILE,
    NATS_TLS_CA_FILE,
  } = environment;
  const ways = [NATS_USER || NATS_PASSWORD, NATS_TOKEN, NATS_CREDS_FILE];
  if (ways.filter(Boolean).length > 1) {
    reader.problems.push(
      "NATS_USER with NATS_PASSWORD, NATS_TOKEN and NATS_CREDS_FILE exclude each other: set only one",
    );
  }
  const needless = NATS_URL
    ? []
    : NATS_VARIABLES.filter((name) => environment[name]);
  if (needless.length > 0) {
    reader.problems.push(
      `${
        needless.join(", ")
      } must not be set without NATS_URL, which names the NATS servers`,
    );
  }
  if (!NATS_USER !== !NATS_PASSWORD) {
    reader.problems.push("NATS_USER and NATS_PASSWORD must be set together");
  }
  if (
    NATS_URL && !environment.AUTH_PASSWORD && !environment.AUTH_PASSWORD_FILE
  ) {
    reader.problems.push(
      "AUTH_PASSWORD or AUTH_PASSWORD_FILE must be set with NATS_URL: all replicas use the same password",
    );
  }
  // What is in them may be replaced later; a wrong path is told at once.
  reader.file("NATS_CREDS_FILE");
  reader.certificates("NATS_TLS_CA_FILE");
  const nats = {
    servers: reader.value("NATS_URL", VARIABLES.NATS_URL),
    user: reader.value("NATS_USER", VARIABLES.NATS_USER),
    password: reader.value("NATS_PASSWORD", VARIABLES.NATS_PASSWORD),
    token: reader.value("NATS_TOKEN", VARIABLES.NATS_TOKEN),
    credsFile: NATS_CREDS_FILE || undefined,
    caFile: NATS_TLS_CA_FILE || undefined,
    stream: reader.value("NATS_STREAM", VARIABLES.NATS_STREAM),
    streamReplicas: reader.value(
      "NATS_STREAM_REPLICAS",
      VARIABLES.NATS_STREAM_REPLICAS,
    ),
  };
  return nats.servers === undefined ? undefined : nats as NatsConfig;
}

function readPeers(
  reader: Reader,
  { PEERS, NATS_URL }: Readonly<Record<string, string | undefined>>,
  credentials: Credentials,
): Peer[] {
  if (PEERS && !NATS_URL) {
    reader.problems.push(
      "PEERS needs NATS_URL: a standalone service has no peers",
    );
  }
  const urls = reader.value("PEERS", VARIABLES.PEERS) ?? [];
  return urls.map((url) => {
    const { username, password } = url;
    url.username = url.password = "";
    return {
      url: url.href,
      user: username ? decodeURIComponent(username) : credentials.user,
      password: password
        ? decodeURIComponent(password)
        : credentials.passwords[0],
    };
  });
}

function readNewLog(
  reader: Reader,
  { NATS_URL }: Readonly<Record<string, string | undefined>>,
): boolean {
  const isWanted = reader.value("NEW_LOG", VARIABLES.NEW_LOG) === "yes";
  if (isWanted && !NATS_URL) {
    reader.problems.push(
      "NEW_LOG needs NATS_URL: a standalone service knows of no other state",
    );
  }
  return isWanted;
}

function readTls(
  reader: Reader,
  { TLS_CERT_FILE, TLS_KEY_FILE }: Readonly<Record<string, string | undefined>>,
): Config["tls"] {
  if (!TLS_CERT_FILE !== !TLS_KEY_FILE) {
    reader.problems.push("TLS_CERT_FILE and TLS_KEY_FILE must be set together");
  }
  const cert = reader.certificates("TLS_CERT_FILE");
  const key = reader.file("TLS_KEY_FILE");
  if (key !== undefined && !holdsPrivateKey(key)) {
    reader.problems.push(
      "TLS_KEY_FILE must name a private key in PEM without a passphrase",
    );
    return undefined;
  }
  if (cert === undefined || key === undefined) return undefined;
  if (!belongTogether(key, cert)) {
    reader.problems.push(
      "TLS_KEY_FILE names a key that does not match the certificate in TLS_CERT_FILE",
    );
  }
  return { cert, key };
}

function generateReplicaId(ports: ConfigPorts): string {
  const host = ports.hostname().replace(/[^A-Za-z0-9_-]/g, "-").slice(0, 48);
  return `${host}-${ports.randomBytes(4).toHex()}`;
}
