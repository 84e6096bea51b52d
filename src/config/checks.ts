/**
 * Checks of the variables' values.
 *
 * @module
 */
import { hasStrayUserinfo } from "./url_userinfo.ts";

/** What a variable's text means, or what is wrong with it. */
export type Checked<T> = { readonly value: T } | { readonly error: string };

/** Checks a variable's text. */
export type Check<T> = (text: string) => Checked<T>;

/** An integer in decimal digits, from a least to a greatest. */
export function integer(min: number, max: number): Check<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max
      ? { value }
      : { error: `must be an integer from ${min} to ${max}` };
  };
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(
  words: T,
): Check<T[number]> {
  return (text) =>
    words.includes(text)
      ? { value: text }
      : { error: `must be one of ${words.join(", ")}` };
}

/** A text that matches a pattern; `error` says what the pattern asks for. */
export function matching(pattern: RegExp, error: string): Check<string> {
  return (text) => pattern.test(text) ? { value: text } : { error };
}

/** Any text. */
export const text: Check<string> = (text) => ({ value: text });

/** A folder that the service may write. */
export const folder = matching(
  /^[^,]+$/,
  "must not contain a comma: --allow-write would end the path there",
);

const SERVER = /^((nats|tls):\/\/)?([\w.-]+|\[[\da-fA-F:]+\])(:\d{1,5})?$/;

function isServer(server: string): boolean {
  return SERVER.test(server) &&
    Number(/:(\d+)$/.exec(server)?.[1] ?? 0) <= 65535;
}

/** NATS servers, without credentials. */
export const servers: Check<string[]> = (text) => {
  const value = text.split(",").map((server) => server.trim());
  return value.every(isServer) ? { value } : {
    error:
      "must be a comma-separated list of nats://HOST:PORT or tls://HOST:PORT, without credentials",
  };
};

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
export const peers: Check<URL[]> = (text) => {
  const urls = text.split(",").map((peer) => URL.parse(peer.trim()));
  const value = urls.filter((url) =>
    url !== null && ["http:", "https:", "file:"].includes(url.protocol)
  ) as URL[];
  if (value.length < urls.length) {
    return {
      error: "must be a comma-separated list of http:, https: or file: URLs",
    };
  }
  return value.every(hasDecodableUserinfo) ? { value } : {
    error:
      "must hold users and passwords percent-encoded: write %25 for %, %2F for /, %3F for ?, %23 for # and %40 for @",
  };
};

/** The URL of a file on this machine. */
export const backupFile: Check<string> = (text) => {
  const { protocol, host, search, hash } = URL.parse(text) ?? {};
  return protocol === "file:" && !host && !search && !hash ? { value: text } : {
    error: "must be a file: URL, as in file:///backups/usergrades.csv.gz",
  };
};
