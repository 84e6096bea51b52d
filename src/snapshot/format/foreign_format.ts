/**
 * Files that are sent as CSV and are something else, recognized by their first
 * bytes.
 *
 * @module
 */

/** What to do about a file that is packed. */
const UNPACK = "unpack it, or pack it with gzip instead";

/** What to do about a file of another program. */
const EXPORT = "export it as CSV";

/** How files begin, what they are, and what to do with them. */
type Signature = [begin: string, name: string, remedy: string];

const SIGNATURES: readonly Signature[] = [
  [
    "PK\x03\x04",
    "a zip archive or a workbook (xlsx, ods)",
    `${UNPACK}, or save the workbook as CSV`,
  ],
  ["PK\x05\x06", "an empty zip archive", UNPACK],
  ["\x1f\x8b", "gzip within gzip", "unpack it once"],
  ["\x28\xb5\x2f\xfd", "zstd", UNPACK],
  // Zstandard's skippable frames, with which pzstd begins.
  ...Array.from({ length: 16 }, (_, i): Signature => [
    `${String.fromCharCode(0x50 + i)}\x2a\x4d\x18`,
    "zstd",
    UNPACK,
  ]),
  // RFC 1950: deflate with the largest window, and one of four levels.
  ...["x\x01", "x\x5e", "x\x9c", "x\xda"].map((begin): Signature => [
    begin,
    "zlib",
    UNPACK,
  ]),
  ["BZh", "bzip2", UNPACK],
  ["\xfd7zXZ\0", "xz", UNPACK],
  ["LZIP", "lzip", UNPACK],
  ["7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK],
  ["Rar!\x1a\x07", "a rar archive", UNPACK],
  ["\x04\x22\x4d\x18", "lz4", UNPACK],
  ["\x1f\x9d", "a file of compress (.Z)", UNPACK],
  ["PAR1", "Parquet", EXPORT],
  ["Obj\x01", "Avro", EXPORT],
  ["ORC", "ORC", EXPORT],
  ["ARROW1", "Arrow", EXPORT],
  ["SQLite format 3\0", "a SQLite database", EXPORT],
  ["%PDF-", "a PDF document", "export the table as CSV"],
  ["\x89PNG", "a PNG image", "send the table itself as CSV"],
  ["\xd0\xcf\x11\xe0", "an old workbook (xls)", "save it as CSV"],
  ["\xff\xfe", "UTF-16 or UTF-32", "save it as UTF-8"],
  ["\xfe\xff", "UTF-16", "save it as UTF-8"],
  [
    "--",
    "a multipart body (curl -F)",
    "send the file itself, with curl --data-binary @FILE",
  ],
  ["<", "HTML or XML", EXPORT],
  ["{", "JSON", "send it to POST /set, or export it as CSV"],
  ["[", "JSON", "send it to POST /set, or export it as CSV"],
];

/** Anything else that no program shows as text. */
const NOT_TEXT =
  "it is not a CSV file, since it is not text in UTF-8: send a CSV file, plain or as gzip";

/** How much of a file is looked at for what no text has. */
const TEXT_BYTES = 1_024;

/** Control characters but tab and the ends of lines. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Where a tar archive says that it is one. */
const TAR_AT = 257;

/**
 * @param begin The beginning of a file that should be CSV.
 * @returns What it really is, and what to do with it, in a few words;
 * `undefined` if it may be CSV.
 */
export function foreignFormat(begin: Uint8Array): string | undefined {
  const signature = SIGNATURES.find(([bytes]) => hasAt(begin, 0, bytes));
  if (signature !== undefined) return `it is ${signature[1]}: ${signature[2]}`;
  if (hasAt(begin, TAR_AT, "ustar")) return `it is a tar archive: ${UNPACK}`;
  if (isUtf16(begin)) return "it is UTF-16: save it as UTF-8";
  return isText(begin) ? undefined : NOT_TEXT;
}

/** Whether every other byte is 0, as in Latin letters of UTF-16. */
function isUtf16(bytes: Uint8Array): boolean {
  const begin = bytes.subarray(0, 4).map((byte) => byte === 0 ? 0 : 1).join("");
  return begin === "1010" || begin === "0101";
}

/** Whether bytes are the beginning of text in UTF-8. */
function isText(bytes: Uint8Array): boolean {
  const begin = bytes.subarray(0, TEXT_BYTES);
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    // A character may be cut off at its end.
    return !CONTROL.test(decoder.decode(begin, { stream: true }));
  } catch {
    return false;
  }
}

/** Whether the characters, as bytes, stand there. */
function hasAt(bytes: Uint8Array, at: number, characters: string): boolean {
  for (let i = 0; i < characters.length; i++) {
    if (bytes[at + i] !== characters.charCodeAt(i)) return false;
  }
  return true;
}
