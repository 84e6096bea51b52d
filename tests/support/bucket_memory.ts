/**
 * A replica's process that uploads a large file to the bucket and reads it, and
 * prints by how many MB its memory grew at most, for each. Arguments: the
 * broker's URL, the file's size in MiB.
 *
 * @module
 */
import { infoAt, openLog, someBytes } from "./object_files.ts";

const PIECE_BYTES = 64 * 1024;
const [url, size_MiB] = Deno.args;
const log = await openLog(url, "a");

async function upload(mebibytes: number): Promise<string> {
  const sink = await log.files.create(infoAt(1));
  for (let i = 0; i < mebibytes * 16; i++) {
    await sink.write(someBytes(PIECE_BYTES, i + 1));
  }
  return (await sink.commit()).id;
}

async function download(id: string): Promise<void> {
  const { signal } = new AbortController();
  for await (const _bytes of await log.files.open(id, signal)) { /* all */ }
}

/** Does something, and prints the growth. */
async function measured<T>(what: () => Promise<T>): Promise<T> {
  const before = Deno.memoryUsage().rss;
  let most = before;
  const sampler = setInterval(
    () => most = Math.max(most, Deno.memoryUsage().rss),
    20,
  );
  const result = await what();
  clearInterval(sampler);
  console.log(Math.round((most - before) / 1e6));
  return result;
}

// What the runtime takes for itself is not counted.
await download(await upload(20));
const id = await measured(() => upload(Number(size_MiB)));
await measured(() => download(id));
await log.close();
