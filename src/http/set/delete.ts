/**
 * `POST /delete`.
 *
 * @module
 */
import type { Deletion } from "../../committed.ts";
import type { SetTarget } from "../ports/changes.ts";
import type { BodyReader } from "../server/body.ts";
import { parseJsonStrings } from "../server/json_body.ts";
import { jsonResponseAt } from "../server/json_response.ts";
import { refuseParameters } from "../server/parameters.ts";
import type { Handler } from "../server/router.ts";
import type { DeletionAnswer } from "./delete_openapi.ts";

/**
 * @param target Where the deletion is proposed.
 * @param bodies Reads its body.
 * @returns A handler that answers whether there was a record once that is
 * deleted; to an array of deletions with the array of answers.
 */
export function deleteUsers(target: SetTarget, bodies: BodyReader): Handler {
  return async (request, query) => {
    refuseParameters(query, "A deletion");
    const value = parseJsonStrings(await bodies.read(request));
    if (Array.isArray(value)) {
      const { deleted, sequence } = await target.deleteMany(value);
      return jsonResponseAt(JSON.stringify(deleted.map(answer)), sequence);
    }
    const { sequence, ...deletion } = await target.delete(value);
    return jsonResponseAt(JSON.stringify(answer(deletion)), sequence);
  };
}

function answer({ user_id, existed }: Deletion): DeletionAnswer {
  return { user_id, existed };
}
