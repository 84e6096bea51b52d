import assert from "node:assert/strict";
import { headers } from "nats";
import { SnapshotStoreError } from "../../src/snapshot/store.ts";
import { SnapshotDamagedError } from "../../src/snapshot/snapshot.ts";
import { BucketClient } from "../support/bucket_client.ts";
import { withClient } from "../support/jetstream_session.ts";
import { NatsServer } from "../support/nats_server.ts";
import {
  BUCKET,
  BUCKET_STREAM,
  bucketSubjects,
  CHUNK_BYTES,
  chunkIdOf,
  chunksOf,
  infoAt,
  metaOf,
  nameOf,
  putFile,
  readFile,
  sequencesOn,
  someBytes,
} from "../support/object_files.ts";

const never = new AbortController().signal;

/** A broker and two replicas, for all tests; each has the bucket for itself. */
let server: NatsServer;
let a: BucketClient;
let b: BucketClient;

Deno.test.beforeAll(async () => {
  server = await NatsServer.start();
  a = await BucketClient.open(server, { replicaId: "a" });
  b = await BucketClient.open(server, { replicaId: "b-2" });
});

Deno.test.afterEach(async () => {
  await withClient(server, async (connection) => {
    const { streams } = await connection.jetstreamManager();
    await streams.purge(BUCKET_STREAM);
  });
});

Deno.test.afterAll(async () => {
  await a[Symbol.asyncDispose]();
  await b[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

Deno.test("ObjectBucket gives back files of any length as they were written, by any replica", async () => {
  assert.deepEqual(await a.files.list(), []);
  const lengths = [1, 49_999, CHUNK_BYTES, CHUNK_BYTES + 1, 20 * CHUNK_BYTES];
  for (const [i, length] of lengths.entries()) {
    const bytes = someBytes(length, i + 1);
    const file = await putFile(a.files, infoAt(i), bytes);
    assert.deepEqual(
      { info: file.info, bytes: file.bytes, isVerified: file.isVerified },
      { info: infoAt(i), bytes: length, isVerified: false },
    );
    assert.deepEqual(
      (await b.files.list()).find(({ id }) => id === file.id),
      file,
    );
    assert.deepEqual(await readFile(b.files, file.id), bytes);
  }
  assert.equal((await b.files.list()).length, lengths.length);
});

Deno.test("the NATS library lists and reads what ObjectBucket has written, and checks its digest", async () => {
  const bytes = someBytes(3 * CHUNK_BYTES + 17);
  const file = await putFile(a.files, infoAt(120), bytes);
  await a.files.markVerified(file.id);
  await withClient(server, async (connection) => {
    const store = await connection.jetstream().views.os(BUCKET);
    const [object, ...others] = await store.list();
    assert.deepEqual(others, []);
    assert.equal(object.name, "usergrades-20261126T010203Z-120.csv.gz");
    assert.equal(object.size, bytes.length);
    assert.equal(object.chunks, 4);
    assert.deepEqual(Object.keys(object.metadata!), ["backup", "verified"]);
    assert.equal(JSON.parse(object.metadata!.backup).sequence, 120);
    assert.deepEqual(await store.getBlob(object.name), bytes);
    const { streamInfo: { config } } = await store.status();
    const made = await connection.jetstream().views.os("made-by-the-library");
    const { streamInfo: { config: theirs } } = await made.status();
    assert.deepEqual(
      { ...config, name: "", subjects: [] },
      { ...theirs, name: "", subjects: [], storage: "file" },
    );
  });
});

Deno.test("ObjectBucket sees no file, and deletes nothing, of what others have put into its bucket", async () => {
  const own = await putFile(a.files, infoAt(1), someBytes(1000));
  const gone = await putFile(a.files, infoAt(2), someBytes(1000));
  await withClient(server, async (connection) => {
    const store = await connection.jetstream().views.os(BUCKET);
    await store.putBlob({ name: "a picture" }, someBytes(CHUNK_BYTES * 2));
    // An operator's own copy of a backup, and a link.
    const name = "usergrades-20260101T000000Z-7.csv.gz";
    const copy = await store.putBlob({ name }, someBytes(10));
    await store.link("usergrades-20260101T000000Z-8.csv.gz", copy);
    // What the library leaves of an object that it deletes.
    await store.delete(nameOf(gone));
    await connection.jetstream().publish(
      `$O.${BUCKET}.M.dXNlcmdyYWRlcy0yMDI2MDEwMVQwMDAwMDBaLTcuY3N2Lmd6`,
      "not JSON",
    );
    await connection.jetstream().publish(`$O.${BUCKET}.C.stray`, "a chunk");
    const before = await bucketSubjects(connection);
    assert.equal(Object.keys(before).length, 9);
    assert.deepEqual(await a.files.list(), [own]);
    await putFile(a.files, infoAt(3), someBytes(10));
    await a.files.delete(own.id);
    await a.files.delete("nonsense");
    await a.files.delete("nonsense/>");
    await a.files.delete(`${name}/>`);
    await a.files.delete(`${name}/${copy.nuid}`);
    const after = await bucketSubjects(connection);
    assert.deepEqual(
      Object.keys(before).filter((subject) => !(subject in after)).sort(),
      [chunksOf(own), metaOf(own)].sort(),
    );
  });
});

Deno.test("ObjectBucket lists its files however many objects others have put under names of later ones", async () => {
  const own = await putFile(a.files, infoAt(1), someBytes(10));
  await withClient(server, async (connection) => {
    for (let i = 0; i < 200; i++) {
      const name = `usergrades-20260101T000000Z-${1_000 + i}.csv.gz`;
      const token = btoa(name).replaceAll("+", "-").replaceAll("/", "_");
      connection.publish(`$O.${BUCKET}.M.${token}`, "not a replica's");
    }
    await connection.flush();
    assert.deepEqual(await a.files.list(), [own]);
  });
});

Deno.test("ObjectBucket gives each file its own name, though many are written at once", async () => {
  const files = await Promise.all(
    Array.from(
      { length: 6 },
      (_, i) =>
        putFile((i % 2 === 0 ? a : b).files, infoAt(9), someBytes(1000, i + 1)),
    ),
  );
  assert.equal(new Set(files.map(nameOf)).size, 6);
  for (const [i, file] of files.entries()) {
    assert.deepEqual(await readFile(b.files, file.id), someBytes(1000, i + 1));
  }
  assert.ok(files.map(nameOf).includes("usergrades-20261126T010203Z-9.csv.gz"));
});

Deno.test("ObjectBucket never takes a file for another one that got its name later", async () => {
  const first = await putFile(a.files, infoAt(9), someBytes(10));
  await a.files.delete(first.id);
  const second = await putFile(a.files, infoAt(9), someBytes(20));
  assert.equal(nameOf(second), nameOf(first));
  await assert.rejects(a.files.open(first.id, never), SnapshotStoreError);
  await assert.rejects(a.files.markVerified(first.id), SnapshotStoreError);
  await a.files.delete(first.id);
  assert.deepEqual(await a.files.list(), [second]);
});

Deno.test("ObjectBucket keeps for all that a file was read back whole", async () => {
  const file = await putFile(a.files, infoAt(9), someBytes(10));
  await b.files.markVerified(file.id);
  await a.files.markVerified(file.id);
  assert.deepEqual(await a.files.list(), [{ ...file, isVerified: true }]);
  assert.deepEqual(await readFile(a.files, file.id), someBytes(10));
});

Deno.test("ObjectBucket brings nothing back that is deleted while it is marked", async () => {
  for (let i = 0; i < 25; i++) {
    const { id } = await putFile(a.files, infoAt(i), someBytes(10));
    await Promise.all([
      a.files.delete(id),
      b.files.markVerified(id).catch((error) =>
        assert.ok(error instanceof SnapshotStoreError, error)
      ),
    ]);
    assert.deepEqual(await b.files.list(), []);
  }
  await withClient(server, async (connection) => {
    assert.deepEqual(await bucketSubjects(connection), {});
  });
});

Deno.test("ObjectBucket finds a chunk that is missing, another one or one too many, and metadata that lies", async () => {
  await withClient(server, async (connection) => {
    const manager = await connection.jetstreamManager();
    const js = connection.jetstream();
    const sequences = (subject: string) => sequencesOn(connection, subject);
    const damages: Record<
      string,
      (chunks: string, meta: string) => Promise<unknown>
    > = {
      "the first chunk is missing": async (chunks) =>
        manager.streams.deleteMessage(
          BUCKET_STREAM,
          (await sequences(chunks))[0],
        ),
      "a chunk is missing": async (chunks) =>
        manager.streams.deleteMessage(
          BUCKET_STREAM,
          (await sequences(chunks))[1],
        ),
      "the last chunk is missing": async (chunks) =>
        manager.streams.deleteMessage(
          BUCKET_STREAM,
          (await sequences(chunks))[3],
        ),
      "the last chunk is another one": async (chunks) => {
        const seq = (await sequences(chunks))[3];
        const { data } = await manager.streams.getMessage(BUCKET_STREAM, {
          seq,
        });
        await manager.streams.deleteMessage(BUCKET_STREAM, seq);
        data[5] ^= 1;
        await js.publish(chunks, data);
      },
      "all chunks are missing": (chunks) =>
        manager.streams.purge(BUCKET_STREAM, { filter: chunks }),
      "there is one more": (chunks) => js.publish(chunks, "more"),
      "the metadata says more bytes": (_, meta) =>
        editMeta(meta, { size: 1e6 }),
      "the metadata says fewer chunks": (_, meta) =>
        editMeta(meta, { chunks: 3 }),
      "the metadata says no chunks": (_, meta) => editMeta(meta, { chunks: 0 }),
      "the metadata says another hash": (_, meta) =>
        editMeta(meta, { digest: "SHA-256=" }),
    };
    const editMeta = async (subject: string, lies: Record<string, unknown>) => {
      const { data } = await manager.streams.getMessage(BUCKET_STREAM, {
        last_by_subj: subject,
      });
      const head = headers();
      head.set("Nats-Rollup", "sub");
      const meta = JSON.parse(new TextDecoder().decode(data));
      await js.publish(subject, JSON.stringify({ ...meta, ...lies }), {
        headers: head,
      });
    };
    const whole = await putFile(a.files, infoAt(0), someBytes(10));
    for (const [i, [what, damage]] of Object.entries(damages).entries()) {
      const file = await putFile(
        a.files,
        infoAt(i + 1),
        someBytes(3 * CHUNK_BYTES + 100),
      );
      assert.equal((await readFile(a.files, file.id)).length, file.bytes);
      await damage(chunksOf(file), metaOf(file));
      const { id } = (await a.files.list())
        .find(({ id }) => id === file.id)!;
      await assert.rejects(
        readFile(a.files, id),
        SnapshotDamagedError,
        what,
      );
    }
    assert.equal((await readFile(a.files, whole.id)).length, 10);
  });
});

Deno.test("ObjectBucket does not call a file damaged that is deleted while it is read", async () => {
  const file = await putFile(
    a.files,
    infoAt(1),
    someBytes(40 * CHUNK_BYTES),
  );
  const stream = await a.files.open(file.id, never);
  await assert.rejects(async () => {
    let chunks = 0;
    for await (const _bytes of stream) {
      if (++chunks === 2) await a.files.delete(file.id);
    }
  }, SnapshotStoreError);
});

Deno.test("ObjectBucket ends a reading that is aborted or left, and is not exhausted by many", async () => {
  const bytes = someBytes(8 * CHUNK_BYTES);
  const { id } = await putFile(a.files, infoAt(1), bytes);
  for (let i = 0; i < 100; i++) {
    const abort = new AbortController();
    const stream = await a.files.open(id, abort.signal);
    if (i % 2 === 0) await stream.getReader().read();
    if (i % 3 === 0) abort.abort();
    else if (!stream.locked) await stream.cancel();
    else abort.abort(new Error("left"));
  }
  const abort = new AbortController();
  const reading = readFile(a.files, id, abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(reading, /enough/);
  assert.deepEqual(await readFile(a.files, id), bytes);
});

Deno.test("ObjectBucket takes what an aborted file has stored away, and lists none that is not committed", async () => {
  await withClient(server, async (connection) => {
    const sinks = [];
    for (let i = 0; i < 3; i++) {
      const sink = await a.files.create(infoAt(1));
      await sink.write(someBytes(10 * CHUNK_BYTES, i + 1));
      sinks.push(sink);
    }
    assert.deepEqual(await a.files.list(), []);
    // The others are alive: beginning one more sweeps none of them.
    await (await a.files.create(infoAt(1))).abort();
    const subjects = await bucketSubjects(connection);
    assert.equal(Object.keys(subjects).length, 3);
    await sinks[0].abort();
    await sinks[0].abort();
    const file = await sinks[1].commit();
    await sinks[1].abort();
    await assert.rejects(sinks[0].commit(), SnapshotStoreError);
    await assert.rejects(sinks[1].write(someBytes(1)), SnapshotStoreError);
    await sinks[2].abort();
    assert.deepEqual(await a.files.list(), [file]);
    assert.deepEqual(
      await readFile(a.files, file.id),
      someBytes(10 * CHUNK_BYTES, 2),
    );
    assert.deepEqual(
      Object.keys(await bucketSubjects(connection)).sort(),
      [chunksOf(file), metaOf(file)].sort(),
    );
    assert.match(chunkIdOf(file), /^a-[0-9A-Za-z]{22}$/);
  });
});
