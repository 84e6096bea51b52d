/**
 * The set listener as a function, without a socket.
 *
 * @module
 */
import { Availability } from "../../src/http/server/availability.ts";
import { BackupCounts } from "../../src/http/set/backup.ts";
import { BodyReader } from "../../src/http/server/body.ts";
import { RequestCounts } from "../../src/http/server/request_counts.ts";
import { setApp } from "../../src/http/set/set_app.ts";
import type { Replica } from "../../src/replica/replica.ts";

/**
 * @param replica Whose listener it is.
 * @returns Sends a request with the right credentials: a POST if it has a body.
 */
export function setListener(
  replica: Replica,
): (
  path: string,
  body?: string | Uint8Array<ArrayBuffer>,
) => Promise<Response> {
  const app = setApp(
    replica,
    new BodyReader(2 ** 16, () => performance.now()),
    { user: "u", passwords: ["p"] },
    new RequestCounts(),
    new BackupCounts(),
    new Availability(false),
  );
  const authorization = `Basic ${new TextEncoder().encode("u:p").toBase64()}`;
  return async (path, body) =>
    await app(
      new Request(`http://x${path}`, {
        headers: { authorization },
        ...(body !== undefined && { method: "POST", body }),
      }),
    );
}
