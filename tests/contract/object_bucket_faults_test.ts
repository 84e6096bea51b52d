import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { JetStreamLog } from "../../src/log/jetstream/jetstream_log.ts";
import { JetStreamApi } from "../../src/log/jetstream/api.ts";
import { ObjectStream } from "../../src/log/jetstream/object_stream.ts";
import { sweepDeadUploads } from "../../src/log/jetstream/object_sweep.ts";
import {
  ObjectUpload,
  UPLOAD_SILENCE_MAX_MS,
  WINDOW_BYTES,
} from "../../src/log/jetstream/object_upload.ts";
import { SnapshotStoreError } from "../../src/snapshot/store.ts";
import { BucketClient } from "../support/bucket_client.ts";
import { eventually } from "../support/eventually.ts";
import { DEAF, options, withClient } from "../support/jetstream_session.ts";
import { NatsServer } from "../support/nats_server.ts";
import {
  BUCKET,
  BUCKET_STREAM,
  bucketSubjects,
  CHUNK_BYTES,
  infoAt,
  putFile,
  readFile,
  someBytes,
} from "../support/object_files.ts";
import { ROOT } from "../support/start_command.ts";

const never = new AbortController().signal;

/** Begins a file and takes it back: what has died is swept. */
async function sweep({ files }: BucketClient): Promise<void> {
  await (await files.create(infoAt(1))).abort();
}

Deno.test("the chunks of an upload whose process was killed are swept by its next life at once, by others once they are old, and are never a file", async () => {
  await using server = await NatsServer.start();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      `${ROOT}tests/support/endless_upload.ts`,
      server.url,
      "dying",
    ],
  }).spawn();
  await withClient(server, async (connection) => {
    const chunks = async () =>
      Object.values(await bucketSubjects(connection))
        .reduce((sum, count) => sum + count, 0);
    await eventually(async () => assert.ok(await chunks() > 20));
    await using other = await BucketClient.open(server, { replicaId: "other" });
    child.kill("SIGKILL");
    await child.status;
    const left = await chunks();
    assert.deepEqual(await other.files.list(), []);
    await sweep(other);
    assert.equal(await chunks(), left, "it may be alive");

    const stream = new ObjectStream(new JetStreamApi(connection, "x"), BUCKET);
    const sweeper = {
      bucket: BUCKET,
      replicaId: "other",
      chunkId: `other-${"0".repeat(22)}`,
      isLiving: () => false,
    };
    await sweepDeadUploads(stream, sweeper, 60_000);
    assert.equal(await chunks(), left, "it may be alive");
    // A file that is whole stays, however old it is.
    await putFile(other.files, infoAt(2), someBytes(10));
    await eventually(async () => {
      await sweepDeadUploads(stream, sweeper, 500);
      assert.deepEqual(Object.keys(await bucketSubjects(connection)).length, 2);
    });
  });
});

Deno.test("an upload's next life sweeps what it left, and others' living uploads go on", async () => {
  await using server = await NatsServer.start();
  await withClient(server, async (connection) => {
    {
      await using dying = await BucketClient.open(server, { replicaId: "a" });
      const dead = await dying.files.create(infoAt(6));
      await dead.write(someBytes(10 * CHUNK_BYTES));
    }
    await using living = await BucketClient.open(server, { replicaId: "b" });
    const sink = await living.files.create(infoAt(5));
    await sink.write(someBytes(10 * CHUNK_BYTES));
    // The worker ends without a word to the bucket.
    assert.equal(Object.keys(await bucketSubjects(connection)).length, 2);
    await using again = await BucketClient.open(server, { replicaId: "a" });
    // On a busy machine it would be silent for too long by now.
    await sink.write(someBytes(CHUNK_BYTES));
    await sweep(again);
    assert.equal(Object.keys(await bucketSubjects(connection)).length, 1);
    const file = await sink.commit();
    assert.deepEqual(await again.files.list(), [file]);
  });
});

Deno.test("an upload takes no more than a window while the broker hangs, and goes on when it wakes", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  const sink = await client.files.create(infoAt(1));
  const bytes = someBytes(10 * WINDOW_BYTES);
  await server.pause();
  let taken = 0;
  const writing = (async () => {
    for (let at = 0; at < bytes.length; at += 65_536) {
      await sink.write(bytes.slice(at, at + 65_536));
      taken = at + 65_536;
    }
  })();
  await eventually(() => assert.ok(taken >= WINDOW_BYTES));
  // If it took more, it would have by now.
  await sleep(300);
  assert.ok(taken <= WINDOW_BYTES + CHUNK_BYTES, `${taken} bytes`);
  server.signal("SIGCONT");
  await writing;
  const { id } = await sink.commit();
  assert.deepEqual(await readFile(client.files, id), bytes);
});

Deno.test("an upload that was silent for too long ends itself, even if the machine slept", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  await putFile(client.files, infoAt(1), someBytes(1));
  await withClient(server, async (connection) => {
    const stream = new ObjectStream(new JetStreamApi(connection, "x"), BUCKET);
    for (const end of ["write", "finish"] as const) {
      let now_ms = 0;
      const upload = new ObjectUpload(stream, BUCKET, `x-${end}`, {
        now: () => now_ms,
      });
      // Nothing is stored yet, so there is nothing to sweep.
      now_ms += 2 * UPLOAD_SILENCE_MAX_MS;
      await upload.write(someBytes(CHUNK_BYTES));
      now_ms += UPLOAD_SILENCE_MAX_MS;
      await upload.write(someBytes(CHUNK_BYTES));
      now_ms += UPLOAD_SILENCE_MAX_MS + 1;
      await assert.rejects(
        end === "write" ? upload.write(someBytes(1)) : upload.finish(),
        /nothing was written for 20 s/,
      );
      await assert.rejects(upload.write(someBytes(1)), SnapshotStoreError);
      await assert.rejects(upload.finish(), SnapshotStoreError);
      const chunks = (await bucketSubjects(connection))[
        `$O.${BUCKET}.C.x-${end}`
      ];
      assert.equal(chunks, 2);
    }
  });
});

Deno.test("a broker that is killed breaks uploads and readings off, says so, and both work when it is back", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  const bytes = someBytes(200 * CHUNK_BYTES);
  const kept = await putFile(client.files, infoAt(1), bytes);
  const LOST = {
    name: "SnapshotStoreError",
    message: /connection to NATS is lost/,
  };
  const sink = await client.files.create(infoAt(2));
  await sink.write(bytes.slice());
  const stream = await client.files.open(kept.id, never);
  const reader = stream.getReader();
  await reader.read();
  await server.stop();
  await assert.rejects(async () => {
    for (;;) await sink.write(bytes.slice());
  }, LOST);
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  }, LOST);
  await assert.rejects(client.files.list(), /NATS is not connected/);
  await sink.abort();
  await assert.rejects(sink.commit(), SnapshotStoreError);
  await server.start();
  await client.untilConnected();
  assert.deepEqual(await client.files.list(), [kept]);
  assert.deepEqual(await readFile(client.files, kept.id), bytes);
  const { id } = await putFile(client.files, infoAt(2), bytes);
  assert.deepEqual(await readFile(client.files, id), bytes);
  await withClient(server, async (connection) => {
    assert.equal(Object.keys(await bucketSubjects(connection)).length, 4);
  });
});

Deno.test("an upload whose connection is lost while it is committed is a whole file or none", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  const bytes = someBytes(3 * CHUNK_BYTES);
  for (let i = 0; i < 8; i++) {
    const sink = await client.files.create(infoAt(i));
    await sink.write(bytes.slice());
    const committing = sink.commit();
    const [outcome] = await Promise.allSettled([committing, server.stop()]);
    await server.start();
    await client.untilConnected();
    if (outcome.status === "rejected") await sink.abort();
    const files = await client.files.list();
    assert.deepEqual(
      files,
      outcome.status === "fulfilled" ? [outcome.value] : [],
    );
    for (const { id } of files) {
      assert.deepEqual(await readFile(client.files, id), bytes);
      await client.files.delete(id);
    }
  }
});

const NO_ROOM = {
  name: "SnapshotStoreError",
  message: /in the bucket USERGRADE-snapshots: .* more room/,
};

Deno.test("an upload that the bucket has no room for says so with the remedy, leaves nothing, and disturbs no set", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  await putFile(client.files, infoAt(1), someBytes(10));
  await withClient(server, async (connection) => {
    const manager = await connection.jetstreamManager();
    const { config } = await manager.streams.info(BUCKET_STREAM);
    const max_bytes = 1_000_000;
    await manager.streams.update(BUCKET_STREAM, { ...config, max_bytes });
    await assert.rejects(
      putFile(client.files, infoAt(2), someBytes(60 * CHUNK_BYTES)),
      NO_ROOM,
    );
    assert.equal(Object.keys(await bucketSubjects(connection)).length, 2);
  });
  await client.set(3);
  assert.deepEqual(client.statuses.map(({ state }) => state), ["connected"]);
});

Deno.test("an upload that JetStream has no room for says so with the remedy", async () => {
  await using server = await NatsServer.start(
    'jetstream { store_dir: "STORE", max_file_store: 2MB }',
    "whole",
  );
  await using client = await BucketClient.open(server);
  await putFile(client.files, infoAt(1), someBytes(10));
  await assert.rejects(
    putFile(client.files, infoAt(2), someBytes(60 * CHUNK_BYTES)),
    NO_ROOM,
  );
  // Old servers end JetStream where its room does, until they are restarted.
  await server.stop();
  await server.start();
  await client.untilConnected();
  await sweep(client);
  await client.set(3);
});

Deno.test("a broker whose disk is full fails an upload, and a restarted one takes it", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  await putFile(client.files, infoAt(1), someBytes(10));
  await server.fillDisk(true);
  await assert.rejects(
    putFile(client.files, infoAt(2), someBytes(60 * CHUNK_BYTES)),
    SnapshotStoreError,
  );
  await server.stop();
  await server.start();
  await client.untilConnected();
  const { id } = await eventually(() =>
    putFile(client.files, infoAt(2), someBytes(CHUNK_BYTES))
  );
  assert.equal((await readFile(client.files, id)).length, CHUNK_BYTES);
});

Deno.test("a bucket whose settings take snapshots away is not used, and what is wrong is said", async () => {
  await using server = await NatsServer.start();
  await using client = await BucketClient.open(server);
  const kept = await putFile(client.files, infoAt(1), someBytes(10));
  await withClient(server, async (connection) => {
    const manager = await connection.jetstreamManager();
    const { config } = await manager.streams.info(BUCKET_STREAM);
    for (
      const [change, message] of [
        [{ max_age: 3600e9 }, /max_age, which takes snapshots away/],
        [{ max_msgs_per_subject: 5 }, /max_msgs_per_subject/],
        [{ discard: "old" }, /discard is old and should be new/],
      ] as const
    ) {
      await manager.streams.update(
        BUCKET_STREAM,
        {
          ...config,
          ...change,
        } as typeof config,
      );
      await assert.rejects(
        client.files.create(infoAt(2)),
        { name: "SnapshotStoreError", message },
      );
      assert.deepEqual(await client.files.list(), [kept]);
    }
    await manager.streams.update(BUCKET_STREAM, config);
    await putFile(client.files, infoAt(2), someBytes(10));
  });
});

Deno.test("snapshots can't be used before there is a connection, which is said", async () => {
  await using server = await NatsServer.start();
  const log = new JetStreamLog(options(server), DEAF);
  await assert.rejects(log.files.list(), {
    name: "SnapshotStoreError",
    message:
      "Cannot reach the bucket USERGRADE-snapshots: NATS is not connected",
  });
  await log.close();
});

Deno.test("uploading and reading 100 MiB takes no more memory than a small file", async () => {
  await using server = await NatsServer.start();
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      `${ROOT}tests/support/bucket_memory.ts`,
      server.url,
      "100",
    ],
  }).output();
  assert.ok(success);
  const growth_MB = new TextDecoder().decode(stdout).trim().split("\n")
    .map(Number);
  assert.equal(growth_MB.length, 2);
  for (const growth of growth_MB) assert.ok(growth < 75, `${growth_MB} MB`);
});
