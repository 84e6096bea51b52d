import assert from "node:assert/strict";
import { basicAuthorization, USER } from "../support/credentials.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

interface Span {
  readonly name: string;
  readonly attributes: readonly {
    readonly key: string;
    readonly value: { readonly stringValue: string };
  }[];
}

/** A collector of telemetry. */
class Collector implements AsyncDisposable {
  /** All that was sent, as text. */
  text = "";
  readonly spans: Span[] = [];
  readonly #server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: () => {},
  }, async (request) => {
    const text = await request.text();
    this.text += text;
    if (request.url.endsWith("/v1/traces")) {
      for (const { scopeSpans } of JSON.parse(text).resourceSpans) {
        for (const { spans } of scopeSpans) this.spans.push(...spans);
      }
    }
    return Response.json({});
  });

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("with OTEL_DENO=true spans are named by route, and nothing that is collected has a user's id or the password", async () => {
  using folder = new TemporaryFolder();
  await using collector = new Collector();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: {
      AUTH_PASSWORD: "",
      LOG_FORMAT: "json",
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    },
  });
  const password =
    service.lines.find(({ message }) =>
      message.startsWith("Password of user ")
    )!.message.split(": ")[1];
  const set = await service.set({ user_id: "secret-1" }, {
    headers: { authorization: basicAuthorization(USER, password) },
  });
  assert.equal(set.status, 200, await set.text());
  const paths = [
    "/get?user_id=secret-1",
    "/get/?user_id=secret-2",
    "/get/secret-3",
    "/secret-4?x=secret-5",
    "/watch?user_id=secret-6&after=x",
  ];
  for (const path of paths) await (await service.get(path)).body?.cancel();
  const host = new URL(service.url("get")).host;
  assert.equal((await service.end("SIGTERM")).code, 0);

  const of = ({ attributes }: Span) =>
    Object.fromEntries(
      attributes.map(({ key, value }) => [key, value.stringValue]),
    );
  const spans = collector.spans.map((span) => ({ ...of(span), ...span }));
  const names = spans.map(({ name }) => name);
  for (const name of ["POST /set", "GET /get", "GET /watch", "GET /readyz"]) {
    assert.ok(names.includes(name), `${name}: ${names}`);
  }
  assert.equal(names.filter((name) => name === "GET /get").length, 2);
  assert.equal(names.filter((name) => name === "GET").length, 2);
  const got = of(collector.spans.find(({ name }) => name === "GET /get")!);
  assert.equal(got["http.route"], "/get");
  assert.equal(got["url.path"], "/get");
  assert.equal(got["url.full"], `http://${host}/get`);
  assert.equal(got["http.response.status_code"], "200");
  assert.doesNotMatch(collector.text, /secret-/);
  assert.ok(!collector.text.includes(password));
});
