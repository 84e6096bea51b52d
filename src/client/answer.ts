/**
 * Reading an answer that is not the one hoped for.
 *
 * @module
 */
import type { Answer, Problem } from "./errors.ts";

/** The most characters of an answer that are read. */
const ANSWER_CHARACTERS_MAX = 64 * 1024;

/** The most characters that are told of an answer that is no problem document. */
const DETAIL_CHARACTERS_MAX = 300;

/**
 * @param response The answer, whose body is read. A server that refuses a long
 * body may break off after it.
 * @returns Its status and what it says of itself.
 */
export async function readAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const location = headers.get("location");
  const text = await beginning(response);
  if (location !== null) {
    const detail = `it has moved to ${withoutUser(location, response.url)}`;
    return { status, detail, problem: {} };
  }
  const problem = problemIn(text);
  const detail = problem.detail ??
    text.slice(0, DETAIL_CHARACTERS_MAX).replace(/\s+/g, " ").trim();
  return { status, detail, problem };
}

async function beginning({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = "";
  try {
    while (text.length < ANSWER_CHARACTERS_MAX) {
      const { value, done } = await reader.read();
      if (done) return text;
      text += decoder.decode(value, { stream: true });
    }
    await reader.cancel();
  } catch {
    // What came is what there is to tell.
  }
  return text;
}

function problemIn(text: string): Problem {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "detail" in value &&
        typeof value.detail === "string"
      ? value as Problem
      : {};
  } catch {
    return {};
  }
}

function withoutUser(location: string, base: string): string {
  const about = base === "" ? undefined : base;
  if (!URL.canParse(location, about)) return "another address";
  const url = new URL(location, about);
  url.username = url.password = "";
  return url.href;
}
