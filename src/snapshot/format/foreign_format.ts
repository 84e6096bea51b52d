/**
 * Files that are sent for CSV and are something else, told by their first
 * bytes.
 *
 * @module
 */

/** What to do about a file that is packed. */
const UNPACK = "unpack it, or pack it with gzip instead";

/** What to do about a file of another program. */
const EXPORT = "export it as CSV";

/** How files begin, what they are, and what to do with them. */
const SIGNATURES: readonly [begin: string, name: string, remedy: string][] = [
  [
    "PK\x03\x04",
    "a zip archive or a workbook (xlsx, ods)",
    `${UNPACK}, or save the workbook as CSV`,
  ],
  ["PK\x05\x06", "an empty zip archive", UNPACK],
  ["\x1f\x8b", "gzip within gzip", "unpack it once"],
  ["\x28\xb5\x2f\xfd", "zstd", UNPACK],
  ["BZh", "bzip2", UNPACK],
  ["\xfd7zXZ\0", "xz", UNPACK],
  ["7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK],
  ["Rar!\x1a\x07", "a rar archive", UNPACK],
  ["\x04\x22\x4d\x18", "lz4", UNPACK],
  ["\x1f\x9d", "a file of compress (.Z)", UNPACK],
  ["PAR1", "Parquet", EXPORT],
  ["Obj\x01", "Avro", EXPORT],
  ["ORC", "ORC", EXPORT],
  ["ARROW1", "Arrow", EXPORT],
  ["SQLite format 3\0", "a SQLite database", EXPORT],
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

/** Where a tar archive says that it is one. */
const TAR_AT = 257;

/**
 * @param begin The beginning of a file that should be CSV.
 * @returns What it is in truth, and what to do with it, in a few words;
 * `undefined` if it may be CSV.
 */
export function foreignFormat(begin: Uint8Array): string | undefined {
  const signature = SIGNATURES.find(([bytes]) => hasAt(begin, 0, bytes));
  if (signature !== undefined) return `it is ${signature[1]}: ${signature[2]}`;
  if (hasAt(begin, TAR_AT, "ustar")) return `it is a tar archive: ${UNPACK}`;
  // Text has no U+0000: every other byte of UTF-16's Latin letters is one.
  return begin[0] === 0 || begin[1] === 0
    ? "it is UTF-16, or no text: save it as CSV in UTF-8"
    : undefined;
}

/** Whether the characters, as bytes, stand there. */
function hasAt(bytes: Uint8Array, at: number, characters: string): boolean {
  for (let i = 0; i < characters.length; i++) {
    if (bytes[at + i] !== characters.charCodeAt(i)) return false;
  }
  return true;
}
