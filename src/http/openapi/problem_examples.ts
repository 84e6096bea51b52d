/**
 * Examples of errors, one for each status: without them, a page that shows the
 * document makes the same one of the schema for all.
 *
 * @module
 */
import type { ZodOpenApiResponseObject } from "zod-openapi";
import { TITLES } from "./titles.ts";

/** What the service says; of other statuses, the description does. */
const DETAILS: Readonly<Record<string, string>> = {
  401: "The user or the password is wrong",
  404: "No user has this user_id",
};

/** What an error has besides, if it always has it. */
const MEMBERS: Readonly<Record<string, Record<string, unknown>>> = {
  410: { oldest_sequence: 65_536 },
};

/**
 * @param status As the document names it.
 * @param response What is answered with it.
 * @returns The same, with an example if it is an error.
 */
export function withExample(
  status: string,
  response: ZodOpenApiResponseObject,
): ZodOpenApiResponseObject {
  const { content = {}, description } = response;
  const error = content["application/problem+json"];
  const title = TITLES[Number(status) as keyof typeof TITLES];
  if (error === undefined || title === undefined) return response;
  const example = {
    type: "about:blank",
    title,
    status: Number(status),
    detail: DETAILS[status] ?? description,
    ...MEMBERS[status],
  };
  return {
    ...response,
    content: { ...content, "application/problem+json": { ...error, example } },
  };
}
