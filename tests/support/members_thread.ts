/**
 * The worker's entry: the worker's end of a members port, which says more than
 * the main thread takes in one turn, and then says on its own channel how many
 * heartbeats these were.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { membersListener } from "../../src/log/thread/members_port.ts";

const HEARTBEATS = 200;

self.onmessage = ({ data: port }: MessageEvent<MessagePort>) => {
  const members = membersListener(port, () => {});
  for (let count = 0; count < HEARTBEATS; count++) {
    members.heard("other", new Uint8Array(1));
  }
  members.left();
  self.postMessage(HEARTBEATS);
};
