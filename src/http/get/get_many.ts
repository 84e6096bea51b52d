/**
 * `POST /get`: many users at once.
 *
 * @module
 */
import { InvalidArrayError, InvalidElementError } from "../../change_array.ts";
import { UnavailableError } from "../../errors.ts";
import {
  assertUserId,
  InvalidUserGradeError,
} from "../../user_grade_schema.ts";
import type { RecordSource } from "../ports/records.ts";
import type { Readiness } from "../ports/status.ts";
import type { BodyReader } from "../server/body.ts";
import { parseJsonStrings } from "../server/json_body.ts";
import { jsonResponseAt } from "../server/json_response.ts";
import type { Handler } from "../server/router.ts";
import { parseMinSequence } from "./query.ts";

/** The most users of one request: their look-up takes some 0.5 ms. */
export const IDS_MAX = 1_000;

/** Has the records, and says whether they are the state at one sequence. */
type WholeRecordSource =
  & RecordSource
  & Pick<Readiness, "isWhole" | "reason">;

/**
 * It changes nothing, so it is open as `GET /get` is, to pages of other origins
 * too: a browser lets them send it and does not let them read the answer.
 *
 * @param source Where the records are.
 * @param bodies Reads the body, a JSON array of ids.
 * @returns A handler that answers with the users' records in the order of the
 * ids, `null` for an unknown user, all as of one sequence.
 */
export function getMany(
  source: WholeRecordSource,
  bodies: BodyReader,
): Handler {
  return async (request, query) => {
    const minSequence = parseMinSequence(query);
    const ids = parseIds(await bodies.read(request));
    if (minSequence !== undefined) await source.waitFor(minSequence);
    // No entry is applied before the end of this turn.
    return jsonResponseAt(findAll(source, ids), source.appliedSequence);
  };
}

function parseIds(body: Uint8Array): unknown[] {
  const ids = parseJsonStrings(body);
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > IDS_MAX) {
    throw new InvalidArrayError(
      `The body must be a JSON array of 1 to ${IDS_MAX} user_ids`,
    );
  }
  return ids;
}

function findAll(source: WholeRecordSource, ids: readonly unknown[]): string {
  let text = "";
  for (const [index, id] of ids.entries()) {
    // Half a character would find the user whose id has U+FFFD in its place.
    const json = typeof id === "string" && id.isWellFormed()
      ? source.getJson(id)
      : undefined;
    if (json === undefined) checkId(id, index);
    text += (index === 0 ? "[" : ",") + (json ?? "null");
  }
  if (!source.isWhole) {
    throw new UnavailableError(
      `This replica has no state of one sequence now: ${source.reason}`,
    );
  }
  return text + "]";
}

/** Only an id that was not found is checked: checking each would cost speed. */
function checkId(id: unknown, index: number): void {
  try {
    assertUserId(id);
  } catch (error) {
    if (!(error instanceof InvalidUserGradeError)) throw error;
    throw new InvalidElementError(index, error);
  }
}
