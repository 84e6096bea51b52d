/**
 * Checks of certificates and keys in PEM (RFC 7468), so that a start can say
 * which file is wrong.
 *
 * @module
 */
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  X509Certificate,
} from "node:crypto";

const CERTIFICATE =
  /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

const CERTIFICATE_BEGIN = /-----BEGIN CERTIFICATE-----/g;

/**
 * @param pem The content of a file.
 * @returns Its certificates, each on lines of its own: files that were joined
 * without a line end between them hold some that a TLS library does not see.
 * Undefined if it has none, or one of them can't be read.
 */
export function normalizeCertificates(pem: string): string | undefined {
  const certificates = pem.match(CERTIFICATE) ?? [];
  const isWhole = certificates.length > 0 &&
    certificates.length === pem.match(CERTIFICATE_BEGIN)?.length &&
    certificates.every((one) => attempt(() => new X509Certificate(one)));
  return isWhole ? certificates.join("\n") : undefined;
}

/**
 * @param pem The content of a file.
 * @returns Whether it holds a private key without a passphrase.
 */
export function holdsPrivateKey(pem: string): boolean {
  return attempt(() => createPrivateKey(pem)) !== undefined;
}

/**
 * @param keyPem A file's content that {@linkcode holdsPrivateKey}.
 * @param certificatePem A result of {@linkcode normalizeCertificates}.
 * @returns Whether the key belongs to the first certificate.
 */
export function belongTogether(
  keyPem: string,
  certificatePem: string,
): boolean {
  const text = (key: KeyObject) => key.export({ type: "spki", format: "pem" });
  return attempt(() =>
    text(createPublicKey(keyPem)) ===
      text(new X509Certificate(certificatePem).publicKey)
  ) ?? false;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
