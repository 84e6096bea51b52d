import assert from "node:assert/strict";
import { SnapshotsForbiddenError } from "../../src/snapshot/store.ts";
import { BucketClient } from "../support/bucket_client.ts";
import { eventually } from "../support/eventually.ts";
import { NatsServer } from "../support/nats_server.ts";
import {
  infoAt,
  putFile,
  readFile,
  someBytes,
} from "../support/object_files.ts";

/** A server whose user may do all but publish to some subjects. */
function configuration(denied: string): string {
  return `jetstream { store_dir: "STORE" }
    authorization { users = [
      { user: "u", password: "u", permissions { publish: { deny: [${denied}] } } }
      { user: "admin", password: "admin" }
    ] }`;
}

const U = { user: "u", password: "u" };

/** What the user may not do, and what then can't be done. */
const CASES: [string, string, (client: BucketClient) => Promise<unknown>][] = [
  [
    "look at the bucket",
    "$JS.API.STREAM.INFO.OBJ_USERGRADE-snapshots",
    ({ files }) => files.list(),
  ],
  [
    "make the bucket",
    "$JS.API.STREAM.CREATE.OBJ_USERGRADE-snapshots",
    ({ files }) => putFile(files, infoAt(1), someBytes(10)),
  ],
  [
    "write to the bucket",
    "$O.USERGRADE-snapshots.>",
    ({ files }) => putFile(files, infoAt(1), someBytes(10)),
  ],
  [
    "read from the bucket",
    "$JS.API.STREAM.MSG.GET.OBJ_USERGRADE-snapshots",
    async ({ files }) => {
      const { id } = await putFile(files, infoAt(1), someBytes(10));
      await readFile(files, id);
    },
  ],
  [
    "take from the bucket",
    "$JS.API.STREAM.PURGE.OBJ_USERGRADE-snapshots",
    async ({ files }) => {
      const { id } = await putFile(files, infoAt(1), someBytes(10));
      await files.delete(id);
    },
  ],
  ["cut the log", "$JS.API.STREAM.PURGE.USERGRADE", ({ log }) => log.trim(2)],
];

for (const [what, denied, attempt] of CASES) {
  Deno.test(`a replica that may not ${what} is told which permission is missing, sets go on, and it works once the permission is given`, async () => {
    await using server = await NatsServer.start(
      configuration(`"${denied}"`),
      "whole",
    );
    await using client = await BucketClient.open(server, U);
    await client.set(3);
    const subject = denied.replace(/[.>]*$/, "");
    for (let i = 0; i < 2; i++) {
      const start = performance.now();
      await assert.rejects(attempt(client), (error) => {
        assert.ok(error instanceof SnapshotsForbiddenError, String(error));
        assert.ok(error.message.includes(subject), error.message);
        assert.match(error.message, /OPERATIONS\.md/);
        return true;
      });
      // The server says so at once: nothing waits for a time limit.
      assert.ok(performance.now() - start < 1_900);
      await client.set(3);
    }
    assert.deepEqual(client.statuses.map(({ state }) => state), ["connected"]);
    await server.reload(configuration(""));
    await eventually(() => attempt(client), 10_000);
    assert.ok(await client.files.list());
  });
}
