import assert from "node:assert/strict";
import { encodeFence } from "../../../src/log/fence.ts";
import {
  findFences,
  type SubjectReader,
} from "../../../src/log/jetstream/stream_fences.ts";

const permissions = "none";

const DIGEST = "0123456789abcdef";
const SUBJECT = "usergrade.v2.set.$heal";

/** A stream with these messages on the fence's subject; numbers are heal points. */
class Messages implements SubjectReader {
  reads = 0;

  constructor(private readonly all: Record<number, number | string>) {}

  #entry(sequence: number | undefined) {
    this.reads++;
    if (sequence === undefined) return Promise.resolve(undefined);
    const said = this.all[sequence];
    const text = typeof said === "string"
      ? said
      : encodeFence({ sequence: said, digest: DIGEST });
    return Promise.resolve({
      sequence,
      time: `t${sequence}`,
      messageId: "",
      subject: SUBJECT,
      data: new TextEncoder().encode(text),
    });
  }

  get #sequences(): number[] {
    return Object.keys(this.all).map(Number);
  }

  lastOn(subject: string) {
    assert.equal(subject, SUBJECT);
    return this.#entry(this.#sequences.at(-1));
  }

  nextOn(subject: string, sequence: number) {
    assert.equal(subject, SUBJECT);
    return this.#entry(this.#sequences.find((one) => one >= sequence));
  }
}

Deno.test({
  name:
    "findFences() finds the newest fence and the oldest, past messages that are none, in few questions",
  permissions,
  fn: async () => {
    const cases: [Record<number, number | string>, number[], number][] = [
      [{}, [], 1],
      [{ 6: 5 }, [6], 1],
      [{ 3: 5 }, [3], 2],
      [{ 3: "noise" }, [], 2],
      [{ 3: 5, 4: "noise", 8: 7 }, [8], 1],
      [{ 2: 4, 3: 5 }, [2, 3], 2],
      [{ 3: 5, 4: "noise" }, [3], 2],
      [{ 3: 5, 9: 2 }, [3], 3],
      [{ 1: "noise", 2: 9, 3: "noise", 4: 12, 5: "noise" }, [2, 4], 5],
    ];
    for (const [all, found, reads] of cases) {
      const messages = new Messages(all);
      const fences = await findFences(messages, "USERGRADE");
      const name = JSON.stringify(all);
      assert.deepEqual(fences.map(({ at }) => at), found, name);
      assert.equal(messages.reads, reads, name);
    }
  },
});

Deno.test({
  name:
    "findFences() asks no more than so often, whatever anyone has published",
  permissions,
  fn: async () => {
    const noise = Array.from({ length: 500 }, (_, i) => [i + 1, "noise"]);
    const messages = new Messages({ ...Object.fromEntries(noise), 501: 900 });
    const fences = await findFences(messages, "USERGRADE");
    assert.deepEqual(fences.map(({ at }) => at), [501]);
    assert.ok(messages.reads < 50, String(messages.reads));
  },
});
