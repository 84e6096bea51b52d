/**
 * Backup files without workers: the product's own header, and rows as JSON.
 *
 * @module
 */
import { BackupError } from "../../src/snapshot/format/backup_error.ts";
import {
  backupHeader,
  parseBackupInfo,
} from "../../src/snapshot/format/backup_info.ts";
import { ByteReader } from "../../src/snapshot/format/byte_reader.ts";
import {
  formatGzipHeader,
  parseGzipHeader,
} from "../../src/snapshot/format/gzip_header.ts";
import type { OpenBackup } from "../../src/snapshot/format/open_backup.ts";
import { readBackupHeader } from "../../src/snapshot/format/read_backup.ts";
import type { FileCodec } from "../../src/snapshot/file_codec.ts";
import { RowCheck } from "../../src/snapshot/row_check.ts";
import type { RowBlock } from "../../src/storage/row_block.ts";
import type { Random } from "./random.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A codec whose memory may be bad. */
export class SimulatedCodec implements FileCodec {
  /** How often, in percent, a row is written that is another one. */
  corrupt = 0;

  constructor(private readonly random: Random) {}

  async *write(
    { info, blocks }: Parameters<FileCodec["write"]>[0],
    made: string,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    yield formatGzipHeader(backupHeader({ ...info, made }));
    for await (const block of blocks) {
      if (this.corrupt > 0 && this.random.below(100) < this.corrupt) {
        block.numbers[this.random.below(block.numbers.length)]++;
      }
      yield encode(block);
    }
  }

  async open(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<OpenBackup> {
    const reader = new ByteReader(stream);
    const header = await readBackupHeader(reader);
    const close = (reason = new Error("The backup was closed")) => {
      reader.cancel(reason).catch(() => {});
    };
    return {
      header,
      rows: () => rowsOf(reader),
      count: async () => {
        const check = new RowCheck();
        for await (const rows of rowsOf(reader)) check.add(rows);
        return check.found;
      },
      close,
      [Symbol.dispose]: () => close(),
    };
  }
}

/**
 * @param bytes A file that a {@linkcode SimulatedCodec} has written.
 * @returns Whether it is what its header says, whatever the product finds.
 */
export function isTrue(bytes: Uint8Array): boolean {
  try {
    const header = parseGzipHeader(bytes)!;
    const check = new RowCheck();
    const lines = decoder.decode(bytes.subarray(header.bytes)).split("\n");
    const rest = lines.pop();
    for (const line of lines) check.add(decode(line));
    const { rows, digest } = parseBackupInfo(header);
    const { found } = check;
    return rest === "" && found.rows === rows && found.digest === digest;
  } catch {
    return false;
  }
}

async function* rowsOf(reader: ByteReader): AsyncGenerator<RowBlock> {
  reader.skip(parseGzipHeader(reader.buffered)!.bytes);
  let text = "";
  for (let bytes; (bytes = await reader.take()) !== undefined;) {
    text += decoder.decode(bytes);
    const lines = text.split("\n");
    text = lines.pop()!;
    for (const line of lines) yield decode(line);
  }
  if (text !== "") throw new BackupError("it ends in the middle");
}

function encode(
  { count, keys, keyEnds, numbers }: RowBlock,
): Uint8Array<ArrayBuffer> {
  const json = JSON.stringify([
    decoder.decode(keys.subarray(0, keyEnds[count - 1])),
    [...keyEnds.subarray(0, count)],
    [...numbers.subarray(0, 4 * count)],
  ]);
  return encoder.encode(`${json}\n`);
}

function decode(line: string): RowBlock {
  try {
    const [keys, keyEnds, numbers] = JSON.parse(line);
    return {
      count: keyEnds.length,
      keys: encoder.encode(keys),
      keyEnds: Uint32Array.from(keyEnds),
      numbers: Float64Array.from(numbers),
    };
  } catch (cause) {
    throw new BackupError("it can't be read", { cause });
  }
}
