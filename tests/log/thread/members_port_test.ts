import assert from "node:assert/strict";
import { MembersPort } from "../../../src/log/thread/members_port.ts";

Deno.test({
  name:
    "flush waits for what the worker had said before, which its other messages overtake",
  permissions: { read: true },
  fn: async () => {
    const worker = new Worker(
      new URL("../../support/members_thread.ts", import.meta.url),
      { type: "module" },
    );
    try {
      const members = new MembersPort();
      let heard = 0;
      let left = 0;
      members.listen({
        joined: () => {},
        left: () => left++,
        heard: () => heard++,
        dropped: () => {},
        off: () => {},
        on: () => {},
      });
      const said = Promise.withResolvers<number>();
      worker.onmessage = ({ data }: MessageEvent<number>) => said.resolve(data);
      worker.postMessage(members.remote, [members.remote]);
      const heartbeats = await said.promise;

      await members.flush();

      assert.deepEqual({ heard, left }, { heard: heartbeats, left: 1 });
    } finally {
      worker.terminate();
    }
  },
});
