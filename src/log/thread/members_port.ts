/**
 * The replicas' heartbeats on their way between the cluster's view, on the main
 * thread, and the connection that carries them, in the log worker: a port of
 * their own, separate from the log's messages.
 *
 * @module
 */
import type { HeartbeatForms, MembersListener } from "../members.ts";

/** What the worker says. */
type FromMembers =
  | { type: "joined"; wasAway: boolean }
  | { type: "left" }
  | { type: "heard"; replicaId: string; bytes: Uint8Array<ArrayBuffer> }
  | { type: "dropped"; count: number }
  | { type: "off"; reason: string }
  | { type: "on" }
  | { type: "flushed" };

/** What the main thread says. */
type ToMembers =
  | { readonly type: "send"; readonly forms: HeartbeatForms }
  | { readonly type: "flush" };

/** The main thread's end. */
export class MembersPort {
  readonly #port: MessagePort;
  /** The other end, to be handed to the worker. */
  readonly remote: MessagePort;
  /** Those who wait until all is taken, in their order. */
  readonly #flushes: (() => void)[] = [];

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.remote = port2;
  }

  /** Sets the listener for the other replicas' heartbeats. */
  listen(listener: MembersListener): void {
    this.#port.onmessage = ({ data }: MessageEvent<FromMembers>) => {
      switch (data.type) {
        case "joined":
          return listener.joined(data.wasAway);
        case "left":
          return listener.left();
        case "heard":
          return listener.heard(data.replicaId, data.bytes);
        case "dropped":
          return listener.dropped(data.count);
        case "off":
          return listener.off(data.reason);
        case "on":
          return listener.on();
        case "flushed":
          return this.#flushes.shift()?.();
      }
    };
  }

  /** Sends this replica's heartbeat to the others, if that can be done now. */
  send(forms: HeartbeatForms): void {
    this.#post({ type: "send", forms });
  }

  /**
   * The log's messages, its end among them, may overtake those of this port, in
   * both directions.
   *
   * @returns Resolves once the worker has taken all that was sent until now, and
   * the listener all that the worker had said by then.
   */
  flush(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flushes.push(resolve);
    this.#post({ type: "flush" });
    return promise;
  }

  #post(message: ToMembers): void {
    this.#port.postMessage(message);
  }
}

/**
 * The worker's end.
 *
 * @param port The other end of a {@linkcode MembersPort}.
 * @param send Sends this replica's heartbeats.
 * @returns The listener that tells the main thread about the other replicas.
 */
export function membersListener(
  port: MessagePort,
  send: (forms: HeartbeatForms) => void,
): MembersListener {
  const post = (message: FromMembers, transfer: Transferable[] = []) =>
    port.postMessage(message, transfer);
  port.onmessage = ({ data }: MessageEvent<ToMembers>) => {
    if (data.type === "flush") post({ type: "flushed" });
    else send(data.forms);
  };
  return {
    joined: (wasAway) => post({ type: "joined", wasAway }),
    left: () => post({ type: "left" }),
    heard: (replicaId, bytes) =>
      post({ type: "heard", replicaId, bytes }, [bytes.buffer]),
    dropped: (count) => post({ type: "dropped", count }),
    off: (reason) => post({ type: "off", reason }),
    on: () => post({ type: "on" }),
  };
}
