/**
 * The certificate and the key of both listeners.
 *
 * @module
 */
import type { Environment, VariableReader } from "./variable_reader.ts";

/** A certificate and its key, in PEM. */
export interface TlsConfig {
  readonly cert: string;
  readonly key: string;
}

/**
 * @param reader Reads the variables; gets what is wrong with them.
 * @param environment Which of them are set.
 * @returns The certificate and the key; undefined for plain HTTP.
 */
export async function readTls(
  reader: VariableReader,
  { TLS_CERT_FILE, TLS_KEY_FILE }: Environment,
): Promise<TlsConfig | undefined> {
  if (!TLS_CERT_FILE !== !TLS_KEY_FILE) {
    reader.problems.push("TLS_CERT_FILE and TLS_KEY_FILE must be set together");
  }
  const cert = await reader.certificates("TLS_CERT_FILE");
  const key = reader.file("TLS_KEY_FILE");
  if (key === undefined) return undefined;
  const { belongTogether, holdsPrivateKey } = await import("../pem.ts");
  if (!holdsPrivateKey(key)) {
    reader.problems.push(
      "TLS_KEY_FILE must name a private key in PEM without a passphrase",
    );
    return undefined;
  }
  if (cert === undefined) return undefined;
  if (!belongTogether(key, cert)) {
    reader.problems.push(
      "TLS_KEY_FILE names a key that does not match the certificate in TLS_CERT_FILE",
    );
  }
  return { cert, key };
}
