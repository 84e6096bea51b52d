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

/** Files of an authority and of a certificate for 127.0.0.1 that it signed. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * @param folder Where the files are written.
 * @param name Begins their names.
 */
export async function makeCertificates(
  folder: string,
  name: string,
): Promise<Certificates> {
  const days = 24 * 60 * 60 * 1000;
  const validity = {
    notBefore: new Date(Date.now() - days),
    notAfter: new Date(Date.now() + days),
  };
  const caKeys = await newKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name} authority`,
    keys: caKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
    ...validity,
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
    ...validity,
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  const write = (kind: string, text: string) => {
    const path = `${folder}/${name}-${kind}.pem`;
    Deno.writeTextFileSync(path, text);
    return path;
  };
  return {
    ca: write("ca", ca.toString("pem")),
    cert: write("cert", cert.toString("pem")),
    key: write("key", PemConverter.encode(key, "PRIVATE KEY")),
  };
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}
