/**
 * A session whose outside is a test: it answers each action by hand.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  type FeedMessage,
  MESSAGE_ID,
  SEAM,
} from "../../../src/log/jetstream/feed_message.ts";
import type { StreamLook } from "../../../src/log/jetstream/stream_look.ts";
import { Session } from "../../../src/log/jetstream/session.ts";
import type { SessionAction } from "../../../src/log/jetstream/session_actions.ts";
import type { SessionEvent } from "../../../src/log/jetstream/session_events.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";

/** What the stream answers if a test does not say otherwise. */
export const LOOK: StreamLook = {
  created: "2026-01-01T00:00:00Z",
  config: newStreamConfig("USERGRADE", 1, "0123456789abcdef"),
  firstSequence: 1,
  lastSequence: 0,
  bytes: 0,
  identified: undefined,
  isRequiredMissing: false,
  maxPayload_bytes: 1024 * 1024,
};

type ActionOf<T extends SessionAction["type"]> = Extract<
  SessionAction,
  { type: T }
>;

/** One session, driven by hand. */
export class SessionDriver {
  readonly session = new Session({
    stream: "USERGRADE",
    replicaId: "a",
    commitTimeout_ms: 5_000,
    session: "s",
  });
  now_ms = 0;
  /** The server that it connects to. */
  serverId = "server 1";
  /** What the session wanted, and no test has looked at. */
  readonly actions: SessionAction[] = [];

  /** Tells the session of something. */
  tell(event: SessionEvent): void {
    this.session.handle(event, this.now_ms);
    this.actions.push(...this.session.takeActions());
  }

  /** Lets time pass, with the ticks that belong to it. */
  pass(ms: number): void {
    for (const end = this.now_ms + ms; this.now_ms < end;) {
      this.now_ms = Math.min(end, this.now_ms + 100);
      this.session.tick(this.now_ms);
      this.actions.push(...this.session.takeActions());
    }
  }

  /** Gives the session a message of its consumer. */
  receive(message: FeedMessage): void {
    this.session.receive(message, this.now_ms);
    this.actions.push(...this.session.takeActions());
  }

  /** Gives the session a heartbeat every half second while time passes. */
  passWithHeartbeats(ms: number): void {
    for (let passed = 0; passed < ms; passed += 500) {
      this.pass(500);
      this.receive({
        subject: "inbox",
        reply: undefined,
        header: (name) =>
          name === "Nats-Last-Stream" ? String(this.session.feed.fed) : "",
        data: new Uint8Array(0),
        bytes: 0,
      });
    }
  }

  /** Takes the first action of a kind out of what the session wanted. */
  take<T extends SessionAction["type"]>(type: T): ActionOf<T> {
    const index = this.actions.findIndex((action) => action.type === type);
    assert.ok(
      index !== -1,
      `it wants [${this.actions.map((action) => action.type)}], not ${type}`,
    );
    return this.actions.splice(index, 1)[0] as ActionOf<T>;
  }

  /** Whether the session wanted something of a kind. */
  wants(type: SessionAction["type"]): boolean {
    return this.actions.some((action) => action.type === type);
  }

  /** Lets it connect, wanting the log. */
  connect(): void {
    this.tell({ type: "open" });
    this.join();
  }

  /** Lets it connect. */
  join(): void {
    this.pass(600);
    const { attempt } = this.take("connect");
    this.tell({ type: "connected", attempt, serverId: this.serverId });
  }

  /** Answers the look that it wants; null: there is no stream. */
  look(answer: Partial<StreamLook> | null = {}): void {
    const { request } = this.take("look");
    const look = answer === null ? undefined : { ...LOOK, ...answer };
    this.tell({ type: "looked", request, look });
  }

  /** Lets it open, and consume after an entry. */
  open(after = 0, look: Partial<StreamLook> = { lastSequence: after }): void {
    this.connect();
    this.look(look);
    this.take("opened");
    this.tell({ type: "consume", after, time: null });
  }

  /** Lets it open and feed. */
  feed(after = 0): void {
    this.open(after);
    this.look({ lastSequence: after });
    this.start();
  }

  /** Answers the consumer that it wants to start. */
  start(server?: string): void {
    this.answerStart(server);
    this.take("take_consumer");
    this.take("status");
  }

  /** The same, wherever it is. */
  answerStart(server?: string): void {
    const { request } = this.take("start_consumer");
    this.tell({
      type: "consumer_started",
      request,
      ...(server !== undefined && { server }),
    });
  }

  /** Fails the look that it wants. */
  failLook(reason = "TIMEOUT"): void {
    const { request } = this.take("look");
    this.tell({ type: "failed", request, reason });
  }

  /** Loses the connection. */
  disconnect(attempt = 1): void {
    this.tell({
      type: "disconnected",
      attempt,
      reason: "cut",
      isRefused: false,
    });
  }
}

/** An entry as a consumer gives it. */
export function entry(
  sequence: number,
  { subject = "usergrade.v1.set.a", messageId = "", seam = "" } = {},
): FeedMessage {
  return {
    subject,
    reply: `$JS.ACK.S.C.1.${sequence}.1.${1_700_000_000 + sequence}000000000.0`,
    header: (name) => {
      if (name === MESSAGE_ID) return messageId;
      return name === SEAM ? seam : "";
    },
    data: new TextEncoder().encode(`[{"user_id":"u${sequence}"}]`),
    bytes: 100,
  };
}
