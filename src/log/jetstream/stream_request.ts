/**
 * Asking NATS what a session wants to know, or wants done, about its stream. It
 * decides nothing.
 *
 * @module
 */
import { ApiError } from "./api.ts";
import { describe } from "./connection.ts";
import type { Line } from "./line.ts";
import type { StreamRequest } from "./session_actions.ts";
import type { ConsumerStarted, Failed, Looked } from "./session_events.ts";

/**
 * @param action What is wanted.
 * @param line The connection to ask over.
 * @param streamReplicas On how many servers a new stream is kept.
 * @returns What comes of it.
 */
export async function askStream(
  action: StreamRequest,
  line: Line,
  streamReplicas: number,
): Promise<Looked | ConsumerStarted | Failed> {
  const { request } = action;
  try {
    if (action.type === "start_consumer") {
      const server = await line.consume(action.first);
      return {
        type: "consumer_started",
        request,
        ...(server !== undefined && { server }),
      };
    }
    const look = await lookOf(action, line, streamReplicas);
    return { type: "looked", request, look };
  } catch (error) {
    const reason = error instanceof ApiError ? error.message : describe(error);
    return { type: "failed", request, reason };
  }
}

function lookOf(
  action: Exclude<StreamRequest, { readonly type: "start_consumer" }>,
  { stream }: Line,
  streamReplicas: number,
): Promise<Looked["look"]> {
  switch (action.type) {
    case "look":
      return stream.look(action.question);
    case "make_stream":
      return stream.make(streamReplicas, action.id);
    case "rename_stream":
      return stream.rename(action.id);
  }
}
