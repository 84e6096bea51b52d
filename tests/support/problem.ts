/**
 * Answers that are problems (RFC 9457).
 *
 * @module
 */
import assert from "node:assert/strict";

/**
 * @param response An answer.
 * @param status What its status must be.
 * @returns The problem that it holds, its head checked.
 */
export async function problem(
  response: Response,
  status: number,
  // deno-lint-ignore no-explicit-any -- tests look at its members
): Promise<any> {
  assert.equal(response.status, status);
  assert.equal(
    response.headers.get("content-type"),
    "application/problem+json",
  );
  const body = await response.json();
  assert.equal(body.status, status);
  assert.equal(body.type, "about:blank");
  assert.equal(typeof body.title, "string");
  assert.equal(typeof body.detail, "string");
  return body;
}
