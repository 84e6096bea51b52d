/**
 * A file that holds one password.
 *
 * @module
 */

/**
 * @param content The content of the file.
 * @returns The password: without the byte order mark and the line ends that
 * editors add.
 */
export function passwordLine(content: string): string {
  return content.replace(/^\ufeff/, "").replace(/[\r\n]+$/, "");
}
