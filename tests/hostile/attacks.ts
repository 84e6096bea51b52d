/**
 * What a hostile client does to a listener, each with real connections.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { basicAuthorization, USER } from "../support/credentials.ts";
import { AUTHORIZATION_LINE, head, RawClient } from "../support/raw_client.ts";

/** The listeners' base URLs. */
export interface Targets {
  readonly set: string;
  readonly get: string;
}

/** What one connection of an attack does, until it throws or is closed. */
type Attacker = (targets: Targets, index: number) => Promise<void>;

const BYTE_INTERVAL_MS = 1_000;

/** How often a connection that was refused or closed is made again. */
const RECONNECT_MS = 20;

const CHUNK = `1000\r\n${"x".repeat(4096)}\r\n`;

/** Sends a beginning and never more; the other side may close it. */
function never(
  listener: keyof Targets | "both",
  beginning: string,
): Attacker {
  return async (targets, i) => {
    const to = listener === "both" ? (i % 2 === 0 ? "set" : "get") : listener;
    using client = await RawClient.connect(targets[to]);
    await client.send(beginning);
    await client.receive(undefined, 3_600_000);
  };
}

/** Sends without end as fast as it is taken. */
function endless(beginning: string, more: string): Attacker {
  return async ({ set }) => {
    using client = await RawClient.connect(set);
    const closed = client.receive(undefined, 3_600_000);
    if (await client.send(beginning)) { while (await client.send(more)); }
    await closed;
  };
}

/** Every attack: its name, how many connections, and what each does. */
export const ATTACKS: Readonly<
  Record<string, { connections: number; attacker: Attacker }>
> = {
  "heads that never end": {
    connections: 300,
    attacker: never("both", "POST /set HTTP/1.1\r\nHost: x\r\nX-A: "),
  },
  "bodies that never end": {
    connections: 300,
    attacker: never(
      "set",
      head("POST /set", AUTHORIZATION_LINE, "Content-Length: 60000") +
        " ".repeat(30_000),
    ),
  },
  "one byte a second": {
    connections: 300,
    attacker: async ({ set, get }, i) => {
      using client = await RawClient.connect(i % 2 === 0 ? set : get);
      let open = true;
      client.receive(undefined, 3_600_000).then(() => open = false);
      const bytes = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " +
        "x".repeat(3_600);
      for (let at = 0; open && at < bytes.length; at++) {
        await client.send(bytes[at]);
        await sleep(BYTE_INTERVAL_MS);
      }
    },
  },
  "garbage bytes": {
    connections: 50,
    attacker: async ({ set, get }, i) => {
      using client = await RawClient.connect(i % 2 === 0 ? set : get);
      await client.send(crypto.getRandomValues(new Uint8Array(2_000)));
      await client.receive(undefined, 2_000);
    },
  },
  "endless chunked bodies": {
    connections: 50,
    attacker: endless(
      head("POST /set", AUTHORIZATION_LINE, "Transfer-Encoding: chunked"),
      CHUNK,
    ),
  },
  "endless uploads of strangers": {
    connections: 50,
    attacker: endless(
      head("POST /import", "Content-Length: 10000000000"),
      CHUNK,
    ),
  },
  "floods of headers": {
    connections: 50,
    attacker: endless(
      "GET /healthz HTTP/1.1\r\n",
      `X-${"a".repeat(20)}: ${"b".repeat(200)}\r\n`.repeat(20),
    ),
  },
  "answers that nobody reads": {
    connections: 50,
    attacker: async ({ get }) => {
      using client = await RawClient.connect(get);
      while (await client.send(head("GET /status").repeat(100)));
    },
  },
  "idle connections": { connections: 3_000, attacker: never("both", "") },
  "wrong passwords": {
    connections: 50,
    attacker: async ({ set }, i) => {
      using client = await RawClient.connect(set);
      const guess = basicAuthorization(USER, `guess ${i}`);
      const request = head(
        "POST /set",
        `Authorization: ${guess}`,
        "Content-Length: 2",
      ) + "{}";
      for (;;) {
        if (!await client.send(request)) return;
        const { text } = await client.receive((text) => text.endsWith("}"));
        if (!text.startsWith("HTTP/1.1 401 ")) return;
      }
    },
  },
};

/**
 * Keeps an attack up for ever: each of its connections is made again when it
 * is closed.
 *
 * @param name One of {@linkcode ATTACKS}.
 * @param targets What is attacked.
 */
export function attack(name: string, targets: Targets): void {
  const { connections, attacker } = ATTACKS[name];
  for (let i = 0; i < connections; i++) {
    (async () => {
      for (;;) {
        await attacker(targets, i).catch(() => {});
        await sleep(RECONNECT_MS);
      }
    })();
  }
}
