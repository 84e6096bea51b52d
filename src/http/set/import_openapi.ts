/**
 * What `/import` takes and answers.
 *
 * @module
 */
import * as z from "zod";
import {
  encodingRefused,
  GUARDS,
  json,
  type PathItem,
  problem,
  SECURITY,
  unavailable,
} from "../openapi/responses.ts";
import {
  count,
  file,
  sequence,
  ValidationProblem,
} from "../openapi/schemas.ts";

const ImportResult = z.strictObject({
  rows: count,
  deleted: count.optional().meta({
    description:
      "How many users were deleted because they are not in the file; only with replace=true.",
  }),
  log_sequence: sequence,
}).meta({ id: "ImportResult" });

/** What an import has stored. */
export type ImportAnswer = z.infer<typeof ImportResult>;

const ImportProblem = z.strictObject({
  ...ValidationProblem.shape,
  line: z.int().min(1).optional().meta({
    description: "The line of the file that it failed at.",
  }),
  rows_committed: count.optional().meta({
    description: "How many rows are stored. Importing again is harmless.",
  }),
  deleted_committed: count.optional().meta({
    description:
      "How many users are deleted because they are not in the file; only once all rows are stored and deleting has begun.",
  }),
}).meta({ id: "ImportProblem" });

/** How far an import came: the members of its errors. */
export type ImportFailure =
  & Required<Pick<z.infer<typeof ImportProblem>, "line" | "rows_committed">>
  & Pick<z.infer<typeof ImportProblem>, "deleted_committed">;

/** The path `/import`. */
export const IMPORT_PATH: PathItem = {
  post: {
    operationId: "importUsers",
    summary:
      "Sets every row of a backup or any CSV file; other users stay as they are, or are deleted",
    description:
      "Each row is a set and goes through the log, so that every replica gets it. The file may have any size. An import that fails says at which line and how many rows are stored; importing the file again is harmless.",
    tags: ["backups"],
    security: SECURITY,
    requestParams: {
      query: z.object({
        replace: z.enum(["true"]).optional().meta({
          description:
            "Users who are not in the file are deleted at the end, also those who are set meanwhile, in up to 3 rounds. Users who are set after the last round stay. One such import runs at a time in the whole cluster: you see to it.",
        }),
      }),
    },
    requestBody: {
      required: true,
      description:
        "CSV in UTF-8, plain or gzip of any number of members, told by its first bytes: any Content-Type is accepted. A header line names `user_id` and at least one number, quoted or not, in any case and order, separated by comma, semicolon or tab. A column left out or an empty cell keeps the stored value; numbers are integers as JSON writes them (`7.0`, `1e+05`); blank rows are skipped; a column without a name must be empty.",
      content: { "application/octet-stream": { schema: file } },
    },
    responses: {
      "200": json(
        "All rows are stored. With replace=true, all users of the file were there at log_sequence, and nobody else but who was set since the last round of deletions",
        ImportResult,
        { example: { rows: 100_000, log_sequence: 220 } },
      ),
      "400": problem(
        "From some line on, the body is not a CSV file of user grades: `detail` says what was found and what to do, and all rows before that line are stored. Or the query is wrong: nothing is stored. Or the file has no users, with replace=true: nothing is deleted",
        ImportProblem,
      ),
      ...GUARDS,
      "408": problem("No byte came within 10 s", ImportProblem),
      "409": problem(
        "With replace=true: others have deleted users of the file meanwhile, another such import perhaps. Import it again while nobody else imports or deletes",
        ImportProblem,
      ),
      "415": encodingRefused("Content-Encoding is not gzip or identity"),
      "503": unavailable(
        "From some line on, the rows are certainly not stored; or too many imports are under way",
        ImportProblem,
      ),
      "504": problem(
        "From some row on, the outcome is unknown",
        ImportProblem,
      ),
    },
  },
};
