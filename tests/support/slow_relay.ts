/**
 * A broker that is far away: a relay that holds every byte back for a time.
 *
 * @module
 */

/** Relays connections to a port, later. */
export class SlowRelay implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.Conn>();

  /**
   * @param port Where to.
   * @param delay_ms How long bytes are on their way there; back takes no time.
   */
  constructor(
    private readonly port: number,
    private readonly delay_ms: number,
  ) {
    this.#accept();
  }

  /** Where it listens. */
  get url(): string {
    return `nats://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) this.#relay(client);
    } catch {
      // It was closed.
    }
  }

  async #relay(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect({
      hostname: "127.0.0.1",
      port: this.port,
    });
    this.#connections.add(client).add(server);
    // Timers of one delay end in their order, and so do the bytes.
    const delayed = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        setTimeout(() => {
          try {
            controller.enqueue(chunk);
          } catch {
            // The connection has ended meanwhile.
          }
        }, this.delay_ms);
      },
    });
    await Promise.allSettled([
      client.readable.pipeThrough(delayed).pipeTo(server.writable),
      server.readable.pipeTo(client.writable),
    ]);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch {
        // It is closed already.
      }
    }
  }
}
