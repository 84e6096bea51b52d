/**
 * A replica's ways to the broker: a proxy for each server, all of them good or
 * bad together.
 *
 * @module
 */
import { TcpProxy, type Weather } from "./tcp_proxy.ts";

/** All proxies of one replica. */
export class Network implements AsyncDisposable {
  readonly #proxies: readonly TcpProxy[];

  /** @param serverPorts Where the servers are. */
  constructor(serverPorts: readonly number[]) {
    this.#proxies = serverPorts.map((port) => new TcpProxy(port));
  }

  /** The servers as the replica knows them, as `NATS_URL` takes them. */
  get urls(): string {
    return this.#proxies.map(({ port }) => `nats://127.0.0.1:${port}`)
      .join(",");
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#proxies.reduce((sum, one) => sum + one.connections, 0);
  }

  /** The ports from which it is connected, or ever was, to the servers. */
  get outgoing(): number[] {
    return this.#proxies.flatMap(({ outgoing }) => [...outgoing]);
  }

  /** Changes the weather of all connections, those to come included. */
  set weather(weather: Weather) {
    for (const proxy of this.#proxies) proxy.weather = weather;
  }

  /** Cuts all connections; new ones are welcome. */
  cut(): void {
    for (const proxy of this.#proxies) proxy.cut();
  }

  /** Cuts all connections and refuses new ones. */
  async refuse(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.refuse()));
  }

  /** Takes connections again. */
  accept(): void {
    for (const proxy of this.#proxies) proxy.accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#proxies.map((proxy) => proxy[Symbol.asyncDispose]()),
    );
  }
}
