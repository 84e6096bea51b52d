/**
 * Clients that set and get all the time, through ends and starts of replicas.
 *
 * @module
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { AUTHORIZATION } from "./credentials.ts";
import { eventually } from "./eventually.ts";

/** How long a client waits between two requests. */
const PAUSE_MS = 30;

/** How long a client waits for an answer. */
const ANSWER_MAX_MS = 20_000;

/** Where a replica listens, whether it runs or not. */
export interface Listeners {
  readonly set: string;
  readonly get: string;
}

/** A user that nobody sets while the clients are at work. */
export interface KeptUser {
  readonly user_id: string;
  readonly spp: number;
}

/** One client for each replica. */
export class PatientClients implements AsyncDisposable {
  /** What was acknowledged since the last {@linkcode forget}. */
  readonly #acknowledged = new Map<string, number>();
  readonly #problems: string[] = [];
  #spp = 0;
  #isStopped = false;
  readonly #working: Promise<unknown>;

  /**
   * @param replicas Where they are.
   * @param kept Is got all the time: it is never missing, and never another.
   */
  constructor(
    private readonly replicas: readonly Listeners[],
    private readonly kept: KeptUser,
  ) {
    this.#working = Promise.all(replicas.map((one, i) => this.#work(one, i)));
  }

  async #work(replica: Listeners, index: number): Promise<void> {
    const user_id = `client ${index}`;
    while (!this.#isStopped) {
      const spp = ++this.#spp;
      const set = await this.#ask(`${replica.set}/set`, {
        method: "POST",
        headers: { authorization: AUTHORIZATION },
        body: JSON.stringify({ user_id, spp }),
      });
      if (set?.status === 200) this.#acknowledged.set(user_id, spp);
      else if (set !== undefined && ![503, 504].includes(set.status)) {
        this.#problems.push(`a set got ${set.status}: ${set.text}`);
      }
      await this.#get(replica);
      await sleep(PAUSE_MS);
    }
  }

  async #get({ get }: Listeners): Promise<void> {
    const { user_id, spp } = this.kept;
    const found = await this.#ask(
      `${get}/get?user_id=${encodeURIComponent(user_id)}`,
    );
    if (found === undefined || found.status === 503) return;
    if (found.status !== 200 || JSON.parse(found.text).spp !== spp) {
      this.#problems.push(`a get got ${found.status}: ${found.text}`);
    }
  }

  /** Undefined if nobody answers. */
  async #ask(
    url: string,
    init: RequestInit = {},
  ): Promise<{ status: number; text: string } | undefined> {
    try {
      const response = await fetch(url, {
        ...init,
        signal: AbortSignal.timeout(ANSWER_MAX_MS),
      });
      return { status: response.status, text: await response.text() };
    } catch {
      return undefined;
    }
  }

  /** The operator gives up what was acknowledged until now. No replica runs. */
  forget(): void {
    this.#acknowledged.clear();
  }

  /** Waits until something is acknowledged to each client again. */
  async back(): Promise<void> {
    await eventually(
      () => assert.equal(this.#acknowledged.size, this.replicas.length),
      60_000,
    );
  }

  /** Ends their work, and checks that all replicas have what they acknowledged. */
  async check(replicas = this.replicas): Promise<void> {
    this.#isStopped = true;
    await this.#working;
    assert.deepEqual(this.#problems.slice(0, 3), []);
    for (const { get } of replicas) {
      for (const [user, spp] of this.#acknowledged) {
        await eventually(async () => {
          const found = await this.#ask(
            `${get}/get?user_id=${encodeURIComponent(user)}`,
          );
          assert.equal(found?.status, 200, found?.text);
          assert.ok(JSON.parse(found!.text).spp >= spp, `${user} lost ${spp}`);
        });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#working;
  }
}
