/**
 * Sends sets at a rate, whether they are answered or not, each on a connection
 * that has no other under way.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { AUTHORIZATION_LINE, RawClient } from "../support/raw_client.ts";

/** What is to be sent. */
export interface Order {
  /** The set listener's base URL. */
  readonly url: string;
  readonly connections: number;
  /** Sets a second; with Infinity each connection sends when it may. */
  readonly rate: number;
  readonly duration_ms: number;
}

/** What came of it. */
export interface Outcome {
  /** How many sets were sent. */
  readonly sent: number;
  /** How many could not be sent for want of a free connection. */
  readonly unsent: number;
  /** How many answers there were, by status; 0 for a connection that ended. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Sets that were acknowledged a second, while sending. */
  readonly acknowledged_per_s: number;
  /** How long the refused ones waited for their 503, the shortest first. */
  readonly refusals_ms: readonly number[];
  /** Whether every 503 had Retry-After. */
  readonly allSayWhen: boolean;
}

const TICK_MS = 5;

/** How many connections are opened at a time: the backlog is not endless. */
const OPENED_AT_A_TIME = 100;

const encoder = new TextEncoder();

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(text);
  return end !== -1 && length !== null &&
    text.length >= end + 4 + Number(length[1]);
}

async function open(url: string, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const more = Math.min(OPENED_AT_A_TIME, count - clients.length);
    clients.push(
      ...await Promise.all(
        Array.from({ length: more }, () => RawClient.connect(url)),
      ),
    );
  }
  return clients;
}

async function run(
  { url, connections, rate, duration_ms }: Order,
): Promise<Outcome> {
  const clients = await open(url, connections);
  const free = [...clients];
  const statuses: Record<number, number> = {};
  const refusals_ms: number[] = [];
  const pending = new Set<Promise<void>>();
  let sent = 0;
  let unsent = 0;
  let allSayWhen = true;
  const send = async (client: RawClient, number: number) => {
    const body = `{"user_id":"u${number % 1000}","spp":${number}}`;
    const started = performance.now();
    await client.send(encoder.encode(
      `POST /set HTTP/1.1\r\nHost: x\r\n${AUTHORIZATION_LINE}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ));
    const { text } = await client.receive(isWhole);
    const status = Number(text.slice(9, 12));
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === 503) {
      refusals_ms.push(performance.now() - started);
      allSayWhen &&= /retry-after: 1\r\n/i.test(text);
    }
    free.push(client);
  };
  const started = performance.now();
  const end = started + duration_ms;
  let due = 0;
  let last = started;
  while (performance.now() < end) {
    const now = performance.now();
    due = rate === Infinity ? free.length : due + rate * (now - last) / 1000;
    last = now;
    for (; due >= 1; due--) {
      const client = free.shift();
      if (client === undefined) {
        unsent += Math.floor(due);
        due %= 1;
        break;
      }
      const one = send(client, sent++).finally(() => pending.delete(one));
      pending.add(one);
    }
    await sleep(TICK_MS);
  }
  const acknowledged_per_s = (statuses[200] ?? 0) /
    ((performance.now() - started) / 1000);
  await Promise.all(pending);
  for (const client of clients) client[Symbol.dispose]();
  refusals_ms.sort((a, b) => a - b);
  return {
    sent,
    unsent,
    statuses,
    acknowledged_per_s,
    refusals_ms,
    allSayWhen,
  };
}

self.onmessage = async ({ data }: MessageEvent<Order>) => {
  self.postMessage(await run(data));
};
