/**
 * `POST /set`.
 *
 * @module
 */
import { userGradeJson } from "../../user_grade.ts";
import type { CommittedSet, SetTarget } from "../ports.ts";
import type { BodyReader } from "../server/body.ts";
import { parseJsonBody } from "../server/json_body.ts";
import { jsonResponseAt } from "../server/json_response.ts";
import type { Handler } from "../server/router.ts";

/**
 * A set takes two promises besides the runtime's own; each further one would
 * cost 0.2 µs.
 *
 * @param target Where the set is proposed.
 * @param bodies Reads its body.
 * @returns A handler that answers with the whole record once it is applied.
 */
export function set(target: SetTarget, bodies: BodyReader): Handler {
  const propose = (body: Uint8Array) => target.set(parseJsonBody(body));
  return (request) => bodies.read(request).then(propose).then(answer);
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
