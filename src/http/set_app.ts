/**
 * The set listener.
 *
 * @module
 */
import type { Replica } from "../replica/replica.ts";
import { parsePatch, userGradeJson } from "../user_grade.ts";
import { backup } from "./backup.ts";
import { basicAuth, type Credentials } from "./basic_auth.ts";
import type { BodyReader } from "./body.ts";
import { refuseCrossOrigin } from "./cross_origin.ts";
import { importBackup } from "./import.ts";
import { probes } from "./probes.ts";
import { HttpError } from "./problem.ts";
import { type Handler, methods, notFound, router } from "./router.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * @param replica Where sets go.
 * @param bodies Reads their bodies.
 * @param credentials Who may set.
 * @returns A function for `Deno.serve`.
 */
export function setApp(
  replica: Replica,
  bodies: BodyReader,
  credentials: Credentials,
): (request: Request) => Response | Promise<Response> {
  const guarded = (handler: Handler) =>
    refuseCrossOrigin(basicAuth(credentials, handler));
  return router({
    "/set": guarded(methods({ POST: set(replica, bodies) })),
    "/backup": guarded(methods({ GET: backup(replica) })),
    "/import": guarded(methods({ POST: importBackup(replica) })),
    ...probes(replica, () => replica.writable),
  }, guarded(notFound));
}

function set(replica: Replica, bodies: BodyReader): Handler {
  return async (request) => {
    const patch = parsePatch(await readJson(request, bodies));
    const { grade, sequence } = await replica.submit(patch);
    return new Response(
      userGradeJson(
        grade.user_id,
        grade.postpaid_limit,
        grade.spp,
        grade.shipping_fee,
        grade.return_fee,
      ),
      {
        // An array of pairs costs less than an object or `append`.
        headers: [
          ["content-type", "application/json"],
          ["log-sequence", String(sequence)],
        ],
      },
    );
  };
}

async function readJson(
  request: Request,
  bodies: BodyReader,
): Promise<unknown> {
  const bytes = await bodies.read(request);
  let text;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new HttpError(400, "The body is not UTF-8");
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError(
      400,
      `The body is not JSON: ${(error as Error).message}`,
    );
  }
}
