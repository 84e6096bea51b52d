/**
 * Certificates and keys in PEM (RFC 7468): whether they are what they are
 * given out to be, so that a start can say which file is wrong.
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
 * @returns Whether it holds certificates, one or more, and each can be read.
 */
export function holdsCertificates(pem: string): boolean {
  const certificates = pem.match(CERTIFICATE) ?? [];
  return certificates.length > 0 &&
    certificates.every((one) => attempt(() => new X509Certificate(one)));
}

/**
 * @param pem The content of a file.
 * @returns Whether it holds a private key that needs no passphrase.
 */
export function holdsPrivateKey(pem: string): boolean {
  return attempt(() => createPrivateKey(pem)) !== undefined;
}

/**
 * @param keyPem A file that {@linkcode holdsPrivateKey}.
 * @param certificatePem A file that {@linkcode holdsCertificates}.
 * @returns Whether the key is that of the first certificate.
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
