/**
 * The passwords of the set listener, in a variable or a file.
 *
 * @module
 */
import type { Credentials } from "../http/server/basic_auth.ts";
import type { Environment, VariableReader } from "./variable_reader.ts";
import { VARIABLES } from "./variables.ts";

/** The most passwords that are accepted at a time: old, new and two to spare. */
const PASSWORDS_MAX = 4;

/**
 * @param reader Reads the variables; gets what is wrong with them.
 * @param environment Which of them are set.
 * @returns The passwords; undefined if none is set.
 */
export function readPasswords(
  reader: VariableReader,
  { AUTH_PASSWORD, AUTH_PASSWORD_FILE }: Environment,
): Credentials["passwords"] | undefined {
  if (AUTH_PASSWORD && AUTH_PASSWORD_FILE) {
    reader.problems.push(
      "AUTH_PASSWORD and AUTH_PASSWORD_FILE must not both be set",
    );
  }
  const content = reader.file("AUTH_PASSWORD_FILE");
  if (content === undefined) {
    const password = reader.value("AUTH_PASSWORD", VARIABLES.AUTH_PASSWORD);
    return password === undefined ? undefined : [password];
  }
  const passwords = passwordLines(content);
  if (
    passwords.length > PASSWORDS_MAX ||
    !passwords.every((one) =>
      VARIABLES.AUTH_PASSWORD.schema.safeParse(one).success &&
      // Stands for bytes that are no UTF-8, which no client could send.
      !one.includes("\ufffd")
    )
  ) {
    reader.problems.push(
      `AUTH_PASSWORD_FILE must hold 1 to ${PASSWORDS_MAX} lines, each with 1 to 1024 characters of UTF-8 and no control characters`,
    );
  }
  return passwords;
}

/**
 * @param content The content of a password file.
 * @returns Its passwords, one per line. Line ends and empty lines at the end,
 * as editors leave them, are no passwords.
 */
function passwordLines(content: string): [string, ...string[]] {
  const [first, ...more] = content.replace(/[\r\n]+$/, "").split(/\r?\n/);
  return [first, ...more];
}
