/**
 * Certificates for tests over TLS.
 *
 * @module
 */
// The certificate library's own dependency asks for it.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

const DAY_MS = 24 * 60 * 60 * 1000;

/** An authority and a certificate for 127.0.0.1 that it signed, or their files. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * @param folder Where the files are written.
 * @param name Begins their names.
 * @param age_ms For how long the certificate has been expired, if at all.
 * @returns The paths of the files.
 */
export async function makeCertificates(
  folder: string,
  name: string,
  age_ms = -DAY_MS,
): Promise<Certificates> {
  const certificates = await createCertificates(name, age_ms);
  const write = (kind: keyof Certificates) => {
    const path = `${folder}/${name}-${kind}.pem`;
    Deno.writeTextFileSync(path, certificates[kind]);
    return path;
  };
  return { ca: write("ca"), cert: write("cert"), key: write("key") };
}

/**
 * @param name Stands in the certificates.
 * @param age_ms For how long the certificate has been expired, if at all.
 * @returns The certificates and the key in PEM.
 */
export async function createCertificates(
  name: string,
  age_ms = -DAY_MS,
): Promise<Certificates> {
  const notBefore = new Date(Date.now() - Math.max(age_ms, 0) - DAY_MS);
  const caKeys = await newKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name} authority`,
    keys: caKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
    notBefore,
    notAfter: new Date(Date.now() + DAY_MS),
  });
  const keys = await newKeys();
  const cert = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: "ip", value: "127.0.0.1" },
        { type: "dns", value: "localhost" },
      ]),
    ],
    notBefore,
    notAfter: new Date(Date.now() - age_ms),
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    ca: ca.toString("pem"),
    cert: cert.toString("pem"),
    key: PemConverter.encode(key, "PRIVATE KEY"),
  };
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}
