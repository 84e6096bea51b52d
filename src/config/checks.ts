/**
 * Checks of the variables' values.
 *
 * @module
 */
import * as z from "zod";
import { hasStrayUserinfo } from "./url_userinfo.ts";

/** An integer in decimal digits, from a least to a greatest. */
export function integer(min: number, max: number) {
  const error = `must be an integer from ${min} to ${max}`;
  return z.string().regex(/^\d{1,15}$/, { error }).transform(Number)
    .pipe(z.int({ error }).min(min, { error }).max(max, { error }));
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(values: T) {
  return z.enum(values, { error: `must be one of ${values.join(", ")}` });
}

/** Any text. */
export const text = z.string();

/** A folder that the service may write. */
export const folder = text.regex(/^[^,]+$/, {
  error: "must not contain a comma: --allow-write would end the path there",
});

const SERVER = /^((nats|tls):\/\/)?([\w.-]+|\[[\da-fA-F:]+\])(:\d{1,5})?$/;

function isServer(server: string): boolean {
  return SERVER.test(server) &&
    Number(/:(\d+)$/.exec(server)?.[1] ?? 0) <= 65535;
}

/** NATS servers, without credentials. */
export const servers = text.transform((list) =>
  list.split(",").map((server) => server.trim())
).refine((list) => list.every(isServer), {
  error:
    "must be a comma-separated list of nats://HOST:PORT or tls://HOST:PORT, without credentials",
});

function hasDecodableUserinfo(url: URL): boolean {
  if (url.protocol !== "file:" && hasStrayUserinfo(url)) return false;
  try {
    decodeURIComponent(url.username + url.password);
    return true;
  } catch {
    return false;
  }
}

/** URLs of other replicas and of backups. */
export const peers = text.transform((list) =>
  list.split(",").map((peer) => URL.parse(peer.trim()))
).refine(
  (urls) =>
    urls.every((url) =>
      url !== null && ["http:", "https:", "file:"].includes(url.protocol)
    ),
  { error: "must be a comma-separated list of http:, https: or file: URLs" },
).transform((urls) => urls.filter((url) => url !== null))
  .refine((urls) => urls.every(hasDecodableUserinfo), {
    error:
      "must hold users and passwords percent-encoded: write %25 for %, %2F for /, %3F for ?, %23 for # and %40 for @",
  });

/** The URL of a file on this machine. */
export const backupFile = text.refine(
  (url) => {
    const { protocol, host, search, hash } = URL.parse(url) ?? {};
    return protocol === "file:" && !host && !search && !hash;
  },
  { error: "must be a file: URL, as in file:///backups/usergrades.csv.gz" },
);
