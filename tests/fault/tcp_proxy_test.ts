import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** Says everything back that it hears. */
class EchoServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving = this.#serve();
  readonly port = (this.#listener.addr as Deno.NetAddr).port;

  async #serve(): Promise<void> {
    const echoes: Promise<void>[] = [];
    for await (const one of this.#listener) {
      echoes.push(one.readable.pipeTo(one.writable).catch(() => {}));
    }
    await Promise.all(echoes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }
}

/** How long nothing has to come for it to count as nothing. */
const SILENCE_MS = 300;

class Client implements Disposable {
  private constructor(readonly conn: Deno.Conn) {}

  static async connect({ port }: TcpProxy): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Says something and waits for as much; null if the connection ends. */
  async say(text: string): Promise<string | null> {
    await this.conn.write(new TextEncoder().encode(text));
    return await this.hear(text.length);
  }

  async hear(length: number): Promise<string | null> {
    const bytes = new Uint8Array(length);
    for (let heard = 0; heard < length;) {
      const count = await this.conn.read(bytes.subarray(heard));
      if (count === null) return null;
      heard += count;
    }
    return new TextDecoder().decode(bytes);
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}

Deno.test("TcpProxy forwards all bytes both ways", async () => {
  await using server = new EchoServer();
  await using proxy = new TcpProxy(server.port);
  using client = await Client.connect(proxy);
  const text = "0123456789".repeat(50_000);
  const writing = client.conn.write(new TextEncoder().encode(text));
  // What fits nowhere waits at the sender.
  let sent = await writing;
  const hearing = client.hear(text.length);
  while (sent < text.length) {
    sent += await client.conn.write(new TextEncoder().encode(text.slice(sent)));
  }
  assert.equal(await hearing, text);
});

Deno.test("TcpProxy.cut() ends all connections and accepts new ones", async () => {
  await using server = new EchoServer();
  await using proxy = new TcpProxy(server.port);
  using client = await Client.connect(proxy);
  assert.equal(await client.say("one"), "one");
  assert.equal(proxy.connections, 1);
  proxy.cut();
  assert.equal(proxy.connections, 0);
  assert.equal(await client.hear(1).catch(() => null), null);
  using again = await Client.connect(proxy);
  assert.equal(await again.say("two"), "two");
  assert.equal(proxy.outgoing.size, 2);
});

Deno.test("TcpProxy.refuse() refuses connections until accept()", async () => {
  await using server = new EchoServer();
  await using proxy = new TcpProxy(server.port);
  using client = await Client.connect(proxy);
  assert.equal(await client.say("one"), "one");
  await proxy.refuse();
  assert.equal(await client.hear(1).catch(() => null), null);
  await assert.rejects(Client.connect(proxy), Deno.errors.ConnectionRefused);
  proxy.accept();
  using again = await Client.connect(proxy);
  assert.equal(await again.say("two"), "two");
});

Deno.test("TcpProxy holds bytes during a stall, those of new connections too, and forwards them afterwards", async () => {
  await using server = new EchoServer();
  await using proxy = new TcpProxy(server.port);
  using old = await Client.connect(proxy);
  assert.equal(await old.say("one"), "one");
  proxy.weather = { type: "stall" };
  using late = await Client.connect(proxy);
  let heard = 0;
  const answers = [old.say("two"), late.say("six")];
  for (const answer of answers) answer.then(() => heard++);
  await sleep(SILENCE_MS);
  assert.equal(heard, 0);
  proxy.weather = { type: "fair" };
  assert.deepEqual(await Promise.all(answers), ["two", "six"]);
});

Deno.test("TcpProxy.cut() ends connections during a stall", async () => {
  await using server = new EchoServer();
  await using proxy = new TcpProxy(server.port);
  using client = await Client.connect(proxy);
  proxy.weather = { type: "stall" };
  const answer = client.say("one").catch(() => null);
  await eventually(() => assert.equal(proxy.connections, 1));
  proxy.cut();
  assert.equal(await answer, null);
});

Deno.test("TcpProxy delays bytes in both directions", async () => {
  await using server = new EchoServer();
  await using proxy = new TcpProxy(server.port);
  using client = await Client.connect(proxy);
  proxy.weather = { type: "delay", delay_ms: 100 };
  const start = performance.now();
  assert.equal(await client.say("one"), "one");
  // Timers may fire a little early.
  assert.ok(performance.now() - start >= 190);
});
