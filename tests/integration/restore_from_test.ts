import assert from "node:assert/strict";
import { backupOf, storageOf } from "../support/backup_bytes.ts";
import { LOG_ID } from "../support/snapshots.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const GRADES = Array.from({ length: 20_000 }, (_, i) => ({
  user_id: `u${i}`,
  postpaid_limit: i,
  spp: -i,
  shipping_fee: 3,
  return_fee: 0,
}));

/** A standalone service and a backup of 20,000 users at sequence 120. */
class Restart implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly data = `${this.#folder.path}/data`;
  readonly file = `${this.#folder.path}/backup.csv.gz`;
  readonly digest = storageOf(GRADES).digest;
  #service: ServiceProcess | undefined;

  async write(bytes?: Uint8Array): Promise<void> {
    await Deno.writeFile(
      this.file,
      bytes ?? await backupOf(storageOf(GRADES)),
    );
  }

  spawn(env: Record<string, string> = {}): ServiceProcess {
    return this.#service = ServiceProcess.spawn({
      dataDir: this.data,
      env: { RESTORE_FROM: `file://${this.file}`, ...env },
    });
  }

  async start(env: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = this.spawn(env);
    await service.started();
    return service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("a standalone service without a log makes it from RESTORE_FROM, goes on in its sequence, and leaves the file alone afterwards; its start says from when the last entry is", async () => {
  await using restart = new Restart();
  await restart.write();
  const service = await restart.start();
  let { log, digest, users } = await service.statusJson();
  assert.deepEqual(
    [log.id, log.applied_sequence, users, digest],
    [LOG_ID, 120, GRADES.length, restart.digest],
  );
  const set = await service.set({ user_id: "ann", spp: 7 });
  assert.equal(set.headers.get("log-sequence"), "121");
  await set.body?.cancel();
  await service.end("SIGKILL");

  await restart.write(new TextEncoder().encode("user_id,spp\nbob,1\n"));
  const again = await restart.start();
  const unused = again.lines.find(({ message }) => /left alone/.test(message));
  assert.match(unused!.message, /has had 121 entries\. Unset RESTORE_FROM/);
  const open = again.lines.find(({ message }) =>
    /^The log "\w+" is open/.test(message)
  );
  assert.match(open!.message, /is open, up to entry 121 of "20\d\d-.*Z"$/);
  ({ log, digest, users } = await again.statusJson());
  assert.deepEqual(
    [log.id, log.applied_sequence, users],
    [LOG_ID, 121, GRADES.length + 1],
  );
  assert.equal((await again.get("/get?user_id=bob")).status, 404);
});

Deno.test("a standalone service says why it can't restore a file, answers nothing meanwhile, and restores it once it is right", async () => {
  await using restart = new Restart();
  const service = restart.spawn();
  const missing = await service.line(({ level }) => level === "ERROR");
  assert.match(missing.message, /can't be restored: there is no such file/);
  for (const listener of ["set", "get"] as const) {
    const probe = await fetch(`${service.url(listener)}/readyz`);
    assert.equal(probe.status, 503);
    const { state, reason } = await probe.json();
    assert.equal(state, "healing");
    assert.match(reason, /RESTORE_FROM.*no such file/);
  }
  const get = await service.get("/get?user_id=u1");
  assert.equal(get.status, 503);
  await get.body?.cancel();
  await restart.write(new TextEncoder().encode("user_id,spp\nann,x\n"));
  await service.line(({ message }) => /RESTORE_FROM.*line 2/.test(message));
  await restart.write(new TextEncoder().encode("user_id,spp\nann,7\n"));
  await service.started();
  const { log, users } = await service.statusJson();
  assert.deepEqual([log.applied_sequence, users], [1, 1]);
  assert.notEqual(log.id, LOG_ID);
});

Deno.test("a standalone service that is killed while it restores a file has all of it after the next start", async () => {
  await using restart = new Restart();
  await restart.write();
  // From the reading of the file to the first answers.
  for (const delay_ms of [0, 40, 100, 200]) {
    await Deno.remove(restart.data, { recursive: true }).catch(() => {});
    const service = restart.spawn();
    await service.line(({ message }) => /restore|listen|RESTORE/i.test(message))
      .catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, delay_ms));
    await service.end("SIGKILL");
    const again = await restart.start();
    const { digest, log } = await again.statusJson();
    assert.deepEqual(
      [digest, log.applied_sequence],
      [restart.digest, 120],
      `killed after ${delay_ms} ms`,
    );
    await again.end("SIGKILL");
  }
});
