/**
 * The paths of the set listener.
 *
 * @module
 */
import * as z from "zod";
import type {
  ZodOpenApiPathItemObject,
  ZodOpenApiResponseObject,
} from "zod-openapi";
import {
  GUARDS,
  json,
  LogSequence,
  problem,
  unavailable,
} from "./responses.ts";
import {
  ImportProblem,
  ImportResult,
  PartialUserGrade,
  Problem,
  UserGrade,
  ValidationProblem,
} from "./schemas.ts";

const security = [{ basic: [] }];

/** A file, of which a schema can say nothing. */
const file = z.string();

const BACKUP_NAME =
  /^attachment; filename="usergrades-\d{8}T\d{6}Z-\d+\.csv\.gz"$/;

/** A body in a content coding that is not read. */
function encodingRefused(description: string): ZodOpenApiResponseObject {
  return problem(description, Problem, {
    "accept-encoding": z.string().meta({ description: "What is." }),
  });
}

/** @returns The paths by their names. */
export function setListenerPaths(): Record<string, ZodOpenApiPathItemObject> {
  return {
    "/set": {
      post: {
        summary: "Creates a user or changes some of its fields",
        security,
        requestBody: {
          required: true,
          content: { "application/json": { schema: PartialUserGrade } },
        },
        responses: {
          "200": json("The whole record, committed and applied", UserGrade, {
            "log-sequence": LogSequence,
          }),
          "400": problem("No partial user grade", ValidationProblem),
          ...GUARDS,
          "408": problem("The body did not arrive within 10 s"),
          "413": problem("The body is longer than MAX_BODY_BYTES"),
          "415": encodingRefused("Content-Encoding is not identity"),
          "503": unavailable(
            "Certainly not stored: not ready, too many wait, or READ_ONLY",
          ),
          "504": problem(
            "Its outcome is unknown, or it is stored and can't be applied here yet",
          ),
        },
      },
    },
    "/backup": {
      get: {
        summary: "The state at one sequence, as csv.gz",
        security,
        responses: {
          "200": {
            description: "A gzip file of a CSV file",
            headers: z.object({
              "content-disposition": z.string().regex(BACKUP_NAME),
              "last-modified": z.string().meta({
                description: "When it was made.",
              }),
              "log-sequence": LogSequence,
            }),
            content: { "application/gzip": { schema: file } },
          },
          ...GUARDS,
          "503": unavailable("Not ready, or too many backups are under way"),
        },
      },
    },
    "/import": {
      post: {
        summary:
          "Sets every row of a backup or any CSV file; users who are not in it stay",
        security,
        requestBody: {
          required: true,
          description:
            "CSV in UTF-8, plain or gzip of any number of members. A header line names `user_id` and at least one number, quoted or not, in any case and order, separated by comma, semicolon or tab. A column left out or an empty cell keeps the stored value; numbers are integers as JSON writes them (`7.0`, `1e+05`); blank rows are skipped.",
          content: {
            "application/gzip": { schema: file },
            "text/csv": { schema: file },
          },
        },
        responses: {
          "200": json("All rows are stored", ImportResult),
          "400": problem(
            "Not CSV of user grades, from some line on: `detail` says what was found and what to do; all rows before it are stored",
            ImportProblem,
          ),
          ...GUARDS,
          "408": problem("No byte came within 10 s", ImportProblem),
          "415": encodingRefused("Content-Encoding is not gzip or identity"),
          "503": unavailable(
            "Rows from some line on are certainly not stored, or too many imports are under way",
            ImportProblem,
          ),
          "504": problem(
            "Of rows from some line on nobody can say whether they are stored",
            ImportProblem,
          ),
        },
      },
    },
  };
}
