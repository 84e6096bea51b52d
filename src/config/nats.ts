/**
 * How the broker is reached.
 *
 * @module
 */
import { passwordLine } from "../password_line.ts";
import type { Environment, VariableReader } from "./variable_reader.ts";
import { VARIABLES } from "./variables.ts";

/** How to reach the broker, and the stream that is the cluster's log. */
export interface NatsConfig {
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** The path of a file with the password, which is read at each connection. */
  readonly passwordFile: string | undefined;
  readonly token: string | undefined;
  /** The path of a credentials file, which is read at each connection. */
  readonly credsFile: string | undefined;
  /** The path of a certificate authority, in PEM, which is read at each connection. */
  readonly caFile: string | undefined;
  readonly stream: string;
  readonly streamReplicas: number;
}

/** All that is said of NATS besides where it is. */
const NATS_VARIABLES = Object.keys(VARIABLES).filter((name) =>
  name.startsWith("NATS_") && name !== "NATS_URL"
);

/**
 * @param reader Reads the variables; gets what is wrong with them.
 * @param environment Which of them are set.
 * @returns The broker; undefined for a standalone service.
 */
export async function readNats(
  reader: VariableReader,
  environment: Environment,
): Promise<NatsConfig | undefined> {
  checkTogether(reader, environment);
  checkPassword(reader, environment);
  // What is in them may be replaced later; a wrong path is told at once.
  reader.file("NATS_CREDS_FILE");
  await reader.certificates("NATS_TLS_CA_FILE");
  const nats = {
    servers: reader.value("NATS_URL", VARIABLES.NATS_URL),
    user: reader.value("NATS_USER", VARIABLES.NATS_USER),
    password: reader.value("NATS_PASSWORD", VARIABLES.NATS_PASSWORD),
    passwordFile: environment.NATS_PASSWORD_FILE || undefined,
    token: reader.value("NATS_TOKEN", VARIABLES.NATS_TOKEN),
    credsFile: environment.NATS_CREDS_FILE || undefined,
    caFile: environment.NATS_TLS_CA_FILE || undefined,
    stream: reader.value("NATS_STREAM", VARIABLES.NATS_STREAM),
    streamReplicas: reader.value(
      "NATS_STREAM_REPLICAS",
      VARIABLES.NATS_STREAM_REPLICAS,
    ),
  };
  return nats.servers === undefined ? undefined : nats as NatsConfig;
}

/** Whether the variables that are set may be set together. */
function checkTogether(
  { problems }: VariableReader,
  environment: Environment,
): void {
  const { NATS_URL, NATS_USER, NATS_TOKEN, NATS_CREDS_FILE } = environment;
  const hasPassword = Boolean(
    environment.NATS_PASSWORD || environment.NATS_PASSWORD_FILE,
  );
  const ways = [NATS_USER || hasPassword, NATS_TOKEN, NATS_CREDS_FILE];
  if (ways.filter(Boolean).length > 1) {
    problems.push(
      "NATS_USER with its password, NATS_TOKEN and NATS_CREDS_FILE exclude each other: set only one",
    );
  }
  const needless = NATS_URL
    ? []
    : NATS_VARIABLES.filter((name) => environment[name]);
  if (needless.length > 0) {
    problems.push(
      `${
        needless.join(", ")
      } must not be set without NATS_URL, which names the NATS servers`,
    );
  }
  if (Boolean(NATS_USER) !== hasPassword) {
    problems.push(
      "NATS_USER must be set together with NATS_PASSWORD or NATS_PASSWORD_FILE",
    );
  }
  if (
    NATS_URL && !environment.AUTH_PASSWORD && !environment.AUTH_PASSWORD_FILE
  ) {
    problems.push(
      "AUTH_PASSWORD or AUTH_PASSWORD_FILE must be set with NATS_URL: all replicas use the same password",
    );
  }
}

/** The password of `NATS_USER`, in a variable or a file. */
function checkPassword(
  reader: VariableReader,
  { NATS_PASSWORD, NATS_PASSWORD_FILE }: Environment,
): void {
  if (NATS_PASSWORD && NATS_PASSWORD_FILE) {
    reader.problems.push(
      "NATS_PASSWORD and NATS_PASSWORD_FILE must not both be set",
    );
  }
  const content = reader.file("NATS_PASSWORD_FILE");
  if (
    content !== undefined &&
    !/^\P{Cc}+$/u.test(passwordLine(content))
  ) {
    reader.problems.push(
      "NATS_PASSWORD_FILE must hold one line without control characters",
    );
  }
}
