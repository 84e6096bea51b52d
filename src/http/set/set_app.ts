/**
 * The set listener.
 *
 * @module
 */
import { Change } from "../../log/change.ts";
import type { CommittedSet } from "../../replica/group_commit.ts";
import type { Replica } from "../../replica/replica.ts";
import { userGradeJson } from "../../user_grade.ts";
import type { Availability } from "../server/availability.ts";
import { backup, type BackupCounts } from "./backup.ts";
import { basicAuth, type Credentials } from "../server/basic_auth.ts";
import type { BodyReader } from "../server/body.ts";
import { acceptEncodings } from "../server/content_encoding.ts";
import { refuseCrossOrigin } from "../server/cross_origin.ts";
import { importBackup } from "./import.ts";
import { parseJsonBody } from "../server/json_body.ts";
import { jsonResponseAt } from "../server/json_response.ts";
import { probes } from "../server/probes.ts";
import type { RequestCounts } from "../server/request_counts.ts";
import { type Handler, methods, notFound, router } from "../server/router.ts";

/**
 * @param replica Where sets go.
 * @param bodies Reads their bodies.
 * @param credentials Who may set.
 * @param requests Counts the answers.
 * @param backups Counts the backups.
 * @param availability Whether sets and imports are served.
 * @returns A function for `Deno.serve`.
 */
export function setApp(
  replica: Replica,
  bodies: BodyReader,
  credentials: Credentials,
  requests: RequestCounts,
  backups: BackupCounts,
  availability: Availability,
): (request: Request) => Response | Promise<Response> {
  const guarded = (handler: Handler) =>
    refuseCrossOrigin(basicAuth(credentials, handler));
  const writing = (handler: Handler) => availability.writing(handler);
  return router(
    {
      "/set": guarded(methods({
        POST: writing(acceptEncodings([], set(replica, bodies))),
      })),
      "/backup": guarded(methods(backup(replica, backups))),
      "/import": guarded(methods({
        POST: writing(
          acceptEncodings(["gzip", "x-gzip"], importBackup(replica)),
        ),
      })),
      ...probes(replica, () => replica.writable, () => availability.setRefusal),
    },
    guarded(notFound),
    requests,
  );
}

/** Two promises a set besides the runtime's own: each more costs 0.2 µs. */
function set(replica: Replica, bodies: BodyReader): Handler {
  const submit = (body: Uint8Array) =>
    replica.submit(Change.set(parseJsonBody(body)));
  return (request) => bodies.read(request).then(submit).then(answer);
}

function answer({ grade, sequence }: CommittedSet): Response {
  return jsonResponseAt(
    userGradeJson(
      grade.user_id,
      grade.postpaid_limit,
      grade.spp,
      grade.shipping_fee,
      grade.return_fee,
    ),
    sequence,
  );
}
