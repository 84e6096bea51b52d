/**
 * The header of a gzip member (RFC 1952), with the fields that a bare
 * `CompressionStream` leaves out: time, name, extra field and comment.
 *
 * @module
 */
import { BackupError } from "./backup_error.ts";

/** The bytes of the header that `CompressionStream("gzip")` writes. */
export const BARE_HEADER_BYTES = 10;

/** The most bytes of a header that is read: an extra field and two texts. */
const HEADER_BYTES_MAX = 128 * 1024;

const MAGIC = [0x1f, 0x8b];
const DEFLATE = 8;
const FHCRC = 0x02;
const FEXTRA = 0x04;
const FNAME = 0x08;
const FCOMMENT = 0x10;
const OS_UNKNOWN = 255;

/** The bytes of a subfield before its data: two of its id, two of its length. */
const SUBFIELD_HEAD_BYTES = 4;

/** What a header says. */
export interface GzipHeader {
  /** When the file was made, in seconds since 1970; 0 if it does not say. */
  readonly modified_s: number;
  /** The name of the file inside; empty if it does not say. */
  readonly name: string;
  /** The subfields of the extra field by their id of two characters. */
  readonly extra: ReadonlyMap<string, string>;
  /** The comment; empty if there is none. */
  readonly comment: string;
}

/** A header that was read. */
export interface ParsedGzipHeader extends GzipHeader {
  /** How many bytes it has. */
  readonly bytes: number;
}

/**
 * @param header What to say, in Latin-1; a name, without U+0000, and at least
 * one subfield, but no comment: DuckDB refuses files that have one.
 * @returns The header's bytes.
 */
export function formatGzipHeader(
  header: Omit<GzipHeader, "comment">,
): Uint8Array<ArrayBuffer> {
  const { modified_s, name, extra } = header;
  let subfields = "";
  for (const [id, data] of extra) subfields += id + uint16(data.length) + data;
  const text = uint16(subfields.length) + subfields + name + "\0";
  const bytes = new Uint8Array(BARE_HEADER_BYTES + text.length);
  bytes.set([...MAGIC, DEFLATE, FEXTRA | FNAME]);
  new DataView(bytes.buffer).setUint32(4, modified_s, true);
  bytes[9] = OS_UNKNOWN;
  for (let i = 0; i < text.length; i++) {
    bytes[BARE_HEADER_BYTES + i] = text.charCodeAt(i);
  }
  return bytes;
}

/** A number as two bytes, the lower one first. */
function uint16(value: number): string {
  if (value > 0xffff) throw new RangeError("The gzip extra field is too long");
  return String.fromCharCode(value & 0xff, value >> 8);
}

/** Whether a file that begins so is gzip; undefined if that is too little. */
export function isGzip(bytes: Uint8Array): boolean | undefined {
  if (bytes.length > 0 && bytes[0] !== MAGIC[0]) return false;
  return bytes.length < 2 ? undefined : bytes[1] === MAGIC[1];
}

/**
 * @param bytes The beginning of a gzip member.
 * @returns Its header, or `undefined` if there are not enough bytes yet.
 * @throws {BackupError} If it is too long, or not deflated.
 */
export function parseGzipHeader(
  bytes: Uint8Array,
): ParsedGzipHeader | undefined {
  if (bytes.length < BARE_HEADER_BYTES) return undefined;
  if (bytes[2] !== DEFLATE) {
    throw new BackupError(
      "Cannot read the gzip header: it is damaged, or of an unknown method",
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = bytes[3];
  let at = BARE_HEADER_BYTES;
  let extra: ReadonlyMap<string, string> = new Map();
  if (flags & FEXTRA) {
    if (bytes.length < at + 2) return tooShort(bytes);
    const end = at + 2 + view.getUint16(at, true);
    if (bytes.length < end) return tooShort(bytes);
    extra = parseSubfields(bytes.subarray(at + 2, end));
    at = end;
  }
  const readText = (): string | undefined => {
    const end = bytes.indexOf(0, at);
    if (end === -1) return undefined;
    const text = latin1(bytes.subarray(at, end));
    at = end + 1;
    return text;
  };
  const name = flags & FNAME ? readText() : "";
  if (name === undefined) return tooShort(bytes);
  const comment = flags & FCOMMENT ? readText() : "";
  if (comment === undefined) return tooShort(bytes);
  if (flags & FHCRC) at += 2;
  if (bytes.length < at) return tooShort(bytes);
  const modified_s = view.getUint32(4, true);
  return { modified_s, name, extra, comment, bytes: at };
}

function tooShort(bytes: Uint8Array): undefined {
  if (bytes.length > HEADER_BYTES_MAX) {
    throw new BackupError("Cannot read the gzip header: it has no end");
  }
}

/** Reads the subfields that are whole; of a repeated one the first counts. */
function parseSubfields(bytes: Uint8Array): Map<string, string> {
  const subfields = new Map<string, string>();
  for (let at = 0; at + SUBFIELD_HEAD_BYTES <= bytes.length;) {
    const id = latin1(bytes.subarray(at, at + 2));
    const start = at + SUBFIELD_HEAD_BYTES;
    const end = start + bytes[at + 2] + (bytes[at + 3] << 8);
    if (end > bytes.length) break;
    if (!subfields.has(id)) {
      subfields.set(id, latin1(bytes.subarray(start, end)));
    }
    at = end;
  }
  return subfields;
}

/** Latin-1 by the RFC; `TextDecoder` would take Windows-1252 for it. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
