/**
 * The header of a gzip file (RFC 1952), with the fields that a bare
 * `CompressionStream` leaves out: time, name and comment.
 *
 * @module
 */
import { BackupError } from "./backup_csv.ts";

/** The bytes of the header that `CompressionStream("gzip")` writes. */
export const BARE_HEADER_BYTES = 10;

/** The most bytes of a header that is read. */
const HEADER_BYTES_MAX = 64 * 1024;

const MAGIC = [0x1f, 0x8b];
const DEFLATE = 8;
const FHCRC = 0x02;
const FEXTRA = 0x04;
const FNAME = 0x08;
const FCOMMENT = 0x10;
const OS_UNKNOWN = 255;

/** What a header says. */
export interface GzipHeader {
  /** When the file was made, in seconds since 1970; 0 if it does not say. */
  readonly modified_s: number;
  /** The name of the file inside; empty if it does not say. */
  readonly name: string;
  /** The comment; empty if there is none. */
  readonly comment: string;
}

/**
 * @param header What to say; name and comment in Latin-1, without U+0000.
 * @returns The header's bytes.
 */
export function formatGzipHeader(header: GzipHeader): Uint8Array<ArrayBuffer> {
  const { modified_s, name, comment } = header;
  const bytes = new Uint8Array(
    BARE_HEADER_BYTES + name.length + 1 + comment.length + 1,
  );
  bytes.set([...MAGIC, DEFLATE, FNAME | FCOMMENT]);
  new DataView(bytes.buffer).setUint32(4, modified_s, true);
  bytes[9] = OS_UNKNOWN;
  const text = `${name}\0${comment}\0`;
  for (let i = 0; i < text.length; i++) {
    bytes[BARE_HEADER_BYTES + i] = text.charCodeAt(i);
  }
  return bytes;
}

/** Whether a file that begins so is gzip; undefined if that is too little. */
export function isGzip(bytes: Uint8Array): boolean | undefined {
  if (bytes.length > 0 && bytes[0] !== MAGIC[0]) return false;
  return bytes.length < 2 ? undefined : bytes[1] === MAGIC[1];
}

/**
 * @param bytes The beginning of a gzip file.
 * @returns Its header, or `undefined` if there are not enough bytes yet.
 * @throws {BackupError} If it is longer than any sane one.
 */
export function parseGzipHeader(bytes: Uint8Array): GzipHeader | undefined {
  if (bytes.length < BARE_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = bytes[3];
  let at = BARE_HEADER_BYTES;
  if (flags & FEXTRA) {
    if (bytes.length < at + 2) return tooShort(bytes);
    at += 2 + view.getUint16(at, true);
  }
  const readText = (): string | undefined => {
    const end = bytes.indexOf(0, at);
    if (end === -1) return undefined;
    // Latin-1 by the RFC; `TextDecoder` would take Windows-1252 for it.
    const text = String.fromCharCode(...bytes.subarray(at, end));
    at = end + 1;
    return text;
  };
  const name = flags & FNAME ? readText() : "";
  if (name === undefined) return tooShort(bytes);
  const comment = flags & FCOMMENT ? readText() : "";
  if (comment === undefined) return tooShort(bytes);
  if (flags & FHCRC && bytes.length < at + 2) return tooShort(bytes);
  return { modified_s: view.getUint32(4, true), name, comment };
}

function tooShort(bytes: Uint8Array): undefined {
  if (bytes.length > HEADER_BYTES_MAX) {
    throw new BackupError("Cannot read the backup: its gzip header has no end");
  }
}
