/**
 * A TCP proxy whose network can be made bad.
 *
 * It holds one chunk at most each way of each connection; what does not fit
 * waits at the sender.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";

/** The most bytes that it holds each way of a connection. */
const CHUNK_BYTES = 16 * 1024;

/** What happens to the bytes. */
export type Weather =
  | { readonly type: "fair" }
  /** Each chunk is held for a time. */
  | { readonly type: "delay"; readonly delay_ms: number }
  /** Nothing passes until the weather is another; connections stay. */
  | { readonly type: "stall" };

/** Stands between its clients and one server on 127.0.0.1. */
export class TcpProxy implements AsyncDisposable {
  /** The port that its clients connect to. */
  readonly port: number;
  /** Each connection's two ends. */
  readonly #links = new Set<[Deno.Conn, Deno.Conn]>();
  /** The ports from which it is connected, or ever was, to the server. */
  readonly outgoing = new Set<number>();
  #listener: Deno.Listener | undefined;
  #serving: Promise<void> = Promise.resolve();
  #weather: Weather = { type: "fair" };
  #weatherChanged = Promise.withResolvers<void>();

  /** @param serverPort Where the connections go on to. */
  constructor(private readonly serverPort: number) {
    this.port = this.#listen(0);
  }

  #listen(port: number): number {
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#listener = listener;
    this.#serving = this.#serve(listener);
    return (listener.addr as Deno.NetAddr).port;
  }

  async #serve(listener: Deno.Listener): Promise<void> {
    const links: Promise<void>[] = [];
    for await (const client of listener) links.push(this.#link(client));
    await Promise.all(links);
  }

  async #link(client: Deno.Conn): Promise<void> {
    let server: Deno.Conn;
    try {
      server = await Deno.connect({
        hostname: "127.0.0.1",
        port: this.serverPort,
      });
    } catch {
      return client.close();
    }
    this.outgoing.add((server.localAddr as Deno.NetAddr).port);
    const link: [Deno.Conn, Deno.Conn] = [client, server];
    this.#links.add(link);
    // It may have been refused meanwhile.
    if (this.#listener === undefined) this.#cutLink(link);
    await Promise.all([
      this.#pump(link, client, server),
      this.#pump(link, server, client),
    ]);
  }

  /** Carries bytes one way until either end is gone, which ends both. */
  async #pump(
    link: [Deno.Conn, Deno.Conn],
    from: Deno.Conn,
    to: Deno.Conn,
  ): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        await this.#endure(link);
        for (let sent = 0; sent < count;) {
          sent += await to.write(buffer.subarray(sent, count));
        }
      }
    } catch {
      // Cut, or reset by one of them.
    }
    this.#cutLink(link);
  }

  /** Waits as long as the weather holds a chunk, or until it is cut. */
  async #endure(link: [Deno.Conn, Deno.Conn]): Promise<void> {
    if (this.#weather.type === "delay") {
      const { delay_ms } = this.#weather;
      await sleep(delay_ms);
    }
    while (this.#weather.type === "stall" && this.#links.has(link)) {
      await this.#weatherChanged.promise;
    }
  }

  #cutLink(link: [Deno.Conn, Deno.Conn]): void {
    if (!this.#links.delete(link)) return;
    for (const end of link) end.close();
    this.#changeWeather();
  }

  #changeWeather(weather = this.#weather): void {
    this.#weather = weather;
    this.#weatherChanged.resolve();
    this.#weatherChanged = Promise.withResolvers();
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#links.size;
  }

  /** Changes the weather of all connections, those to come included. */
  set weather(weather: Weather) {
    this.#changeWeather(weather);
  }

  /** Cuts all connections; new ones are welcome. */
  cut(): void {
    for (const link of this.#links) this.#cutLink(link);
  }

  /** Cuts all connections and refuses new ones. */
  async refuse(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    this.cut();
    await this.#serving;
  }

  /** Takes connections again. */
  accept(): void {
    if (this.#listener === undefined) this.#listen(this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
  }
}
