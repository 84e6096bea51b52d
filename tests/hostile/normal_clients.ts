/**
 * Clients that do nothing wrong, and how long they wait.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceProcess } from "../support/service_process.ts";

/** How many there are, each with one request at a time. */
const CLIENTS = 4;

/** How long each rests between two requests. */
const PAUSE_MS = 2;

/** How often a busy machine may take the time that was meant. */
const LONGER_MAX = 5;

/** What normal clients saw. */
export interface Waits {
  /** How long each request took, the shortest first. */
  readonly times_ms: readonly number[];
  /** Answers that were not 200, and errors. */
  readonly failures: readonly string[];
}

/**
 * Sets and gets for some time, in turn.
 *
 * @param service Which service.
 * @param duration_ms How long.
 * @param requestsMin How many requests are wanted, even if they take longer.
 */
export async function normalClients(
  service: ServiceProcess,
  duration_ms: number,
  requestsMin = 0,
): Promise<Waits> {
  const times_ms: number[] = [];
  const failures: string[] = [];
  const begin = performance.now();
  const isWanted = () => {
    const passed_ms = performance.now() - begin;
    return passed_ms < duration_ms ||
      (times_ms.length < requestsMin && passed_ms < LONGER_MAX * duration_ms);
  };
  await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => {
    const user_id = `normal${client}`;
    for (let spp = 0; isWanted(); spp++) {
      const started = performance.now();
      try {
        const response = spp % 2 === 0
          ? await service.set({ user_id, spp })
          : await service.get(`/get?user_id=${user_id}`);
        const grade = await response.json();
        if (response.status !== 200 || grade.spp !== spp - spp % 2) {
          failures.push(`${response.status} ${JSON.stringify(grade)}`);
        }
      } catch (error) {
        failures.push(String(error));
      }
      times_ms.push(performance.now() - started);
      await sleep(PAUSE_MS);
    }
  }));
  return { times_ms: times_ms.sort((a, b) => a - b), failures };
}

/** The time that a part of the requests did not exceed; `part` from 0 to 1. */
export function quantile({ times_ms }: Waits, part: number): number {
  return times_ms[
    Math.min(times_ms.length - 1, Math.floor(part * times_ms.length))
  ];
}
