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

/**
 * @param pem The content of a file.
 * @returns Whether it holds one or more certificates that can all be read.
 */
export function holdsCertificates(pem: string): boolean {
  const certificates = pem.match(CERTIFICATE) ?? [];
  return certificates.length > 0 &&
    certificates.every((one) => attempt(() => new X509Certificate(one)));
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
 * @param certificatePem A file's content that {@linkcode holdsCertificates}.
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
