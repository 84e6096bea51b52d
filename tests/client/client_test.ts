import assert from "node:assert/strict";
import {
  type ClientOptions,
  OutcomeUnknownError,
  RefusedError,
  UnavailableError,
  UserGradeClient,
  UserGradeError,
} from "../../src/client/mod.ts";
import { unanswered } from "../../src/client/failure.ts";
import { sendable } from "../../src/client/import_body.ts";
import { PASSWORD, USER } from "../support/credentials.ts";
import { freePort } from "../support/ports.ts";
import { ServedService } from "../support/served_service.ts";
import {
  type Answering,
  problemAnswer,
  ScriptedServer,
} from "./scripted_server.ts";

function clientOf(
  { setUrl, url }: Pick<ServedService, "setUrl" | "url">,
  options: Partial<ClientOptions> = {},
): UserGradeClient {
  return new UserGradeClient({
    setUrl,
    getUrl: url,
    user: USER,
    password: PASSWORD,
    ...options,
  });
}

/** A client of a server that answers so. */
function scripted(
  answers: Answering[],
  options: Partial<ClientOptions> = {},
) {
  const server = new ScriptedServer(...answers);
  const { url } = server;
  const client = clientOf({ setUrl: url, url }, options);
  return {
    server,
    client,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const ANN = {
  user_id: "ann",
  postpaid_limit: 0,
  spp: 5,
  shipping_fee: 0,
  return_fee: -1,
};
const stored: Answering = () =>
  Response.json(ANN, { headers: { "log-sequence": "7" } });
const busy: Answering = () =>
  problemAnswer(503, "The queue is full", { "retry-after": "0" });

Deno.test("the client sets, gets and deletes, one and many", async () => {
  await using service = new ServedService();
  const client = clientOf(service);
  assert.equal((await client.set({ user_id: "ann", spp: 5 })).spp, 5);
  assert.deepEqual(await client.set({ user_id: "ann", return_fee: -1 }), ANN);
  assert.deepEqual(await client.get("ann"), ANN);
  assert.equal(await client.get("&ann?=é"), undefined);
  const big = { user_id: 'é, "ü"', spp: Number.MAX_SAFE_INTEGER };
  const [first] = await client.setMany([big, { user_id: "bob" }]);
  assert.equal(first.spp, Number.MAX_SAFE_INTEGER);
  const grades = await client.getMany([big.user_id, "nobody", "ann"]);
  assert.deepEqual(
    grades.map((grade) => grade?.user_id),
    [big.user_id, undefined, "ann"],
  );
  assert.equal(client.sequence, 3);
  assert.deepEqual(await client.delete("ann"), {
    user_id: "ann",
    existed: true,
  });
  assert.deepEqual(
    (await client.deleteMany(["ann", "bob"])).map(({ existed }) => existed),
    [false, true],
  );
  assert.equal(await client.get("ann"), undefined);
});

Deno.test("the client asks one listener for everything if it has no other", async () => {
  await using service = new ServedService();
  const { setUrl } = service;
  const client = new UserGradeClient({
    setUrl: `${setUrl}/`,
    user: USER,
    password: PASSWORD,
  });
  await client.set({ user_id: "ann" });
  assert.equal((await client.get("ann"))?.user_id, "ann");
});

Deno.test("a refusal says which field of which element is wrong, and is not repeated", async () => {
  await using service = new ServedService();
  const client = clientOf(service);
  await assert.rejects(
    client.setMany([ANN, { user_id: "bob", spp: 0.5 }]),
    (error) => {
      assert.ok(error instanceof RefusedError);
      assert.equal(error.answer?.status, 400);
      const [{ index, field }] = error.answer.problem.errors!;
      assert.deepEqual([index, field], [1, "spp"]);
      assert.match(error.message, /^POST .*\/set got 400: .*spp/);
      return true;
    },
  );
  await assert.rejects(client.get(""), RefusedError);
  await assert.rejects(
    clientOf(service, { password: "wrong-secret" }).set(ANN),
    (error) =>
      error instanceof RefusedError && error.answer?.status === 401 &&
      !error.message.includes("wrong-secret"),
  );
});

Deno.test("a path that is not there is no unknown user", async () => {
  await using service = new ServedService();
  const { setUrl, url } = service;
  const client = clientOf({ setUrl, url: `${url}/elsewhere` });
  await assert.rejects(client.get("ann"), RefusedError);
});

Deno.test("what is refused with 503 is sent again, until tries or time are over", async () => {
  await using once = scripted([busy, busy, stored]);
  assert.deepEqual(await once.client.set(ANN), ANN);
  assert.equal(once.server.requests.length, 3);

  await using always = scripted([busy], { retriesMax: 2 });
  await assert.rejects(always.client.set(ANN), (error) => {
    assert.ok(error instanceof UnavailableError);
    assert.match(error.message, /503: The queue is full/);
    return true;
  });
  assert.equal(always.server.requests.length, 3);

  await using late = scripted([
    () => problemAnswer(503, "Not ready", { "retry-after": "3600" }),
  ], { timeout_ms: 5_000 });
  await assert.rejects(late.client.get("ann"), UnavailableError);
  assert.equal(late.server.requests.length, 1);
});

Deno.test("a change whose fate is unknown is sent again only if that was asked for", async () => {
  const unknown: Answering[] = [
    () => problemAnswer(504, "The outcome is unknown", { "retry-after": "0" }),
    () => "cut",
  ];
  for (const answer of unknown) {
    await using asked = scripted([answer, stored], { retryUnknown: true });
    assert.deepEqual(await asked.client.set(ANN), ANN);
    await using plain = scripted([answer, stored]);
    await assert.rejects(plain.client.delete("ann"), OutcomeUnknownError);
    assert.equal(plain.server.requests.length, 1);
    await using reading = scripted([answer, stored]);
    assert.deepEqual(await reading.client.get("ann"), ANN);
  }
});

Deno.test("a change that may be stored stays unknown, whatever later tries get", async () => {
  const options = { retryUnknown: true, retriesMax: 2 };
  const gone: Answering = () =>
    problemAnswer(504, "The outcome is unknown", { "retry-after": "0" });
  await using later = scripted([gone, busy], options);
  await assert.rejects(later.client.set(ANN), (error) => {
    assert.ok(error instanceof OutcomeUnknownError);
    assert.match(error.message, /outcome is unknown; the last try: .*503/);
    return true;
  });
  assert.equal(later.server.requests.length, 3);
  await using wrong = scripted([
    gone,
    () => problemAnswer(401, "The user or the password is wrong"),
  ], options);
  await assert.rejects(wrong.client.set(ANN), OutcomeUnknownError);
});

Deno.test("a change that found no connection is not stored, and is sent again", async () => {
  const url = `http://127.0.0.1:${freePort()}`;
  const impatient = clientOf({ setUrl: url, url }, { retriesMax: 0 });
  await assert.rejects(impatient.set(ANN), (error) => {
    assert.ok(error instanceof UnavailableError);
    assert.match(error.message, /got no answer/);
    return true;
  });
  const request = { name: "POST", isChange: true, retryUnknown: false };
  const failed = (cause: unknown) =>
    unanswered(request, new TypeError("fetch failed", { cause }));
  const withCode = (code: string) => Object.assign(new Error(), { code });
  for (const code of ["ECONNREFUSED", "ENOTFOUND", "ConnectionRefused"]) {
    const { error, wait_ms } = failed(withCode(code));
    assert.ok(error instanceof UnavailableError, code);
    assert.ok(wait_ms! > 0);
  }
  for (const cause of [withCode("ECONNRESET"), undefined, "ECONNREFUSED"]) {
    assert.ok(failed(cause).error instanceof OutcomeUnknownError);
  }
});

Deno.test("no answer in time is no word of a change", async () => {
  const never = Promise.withResolvers<Response>();
  await using silent = scripted([() => never.promise], { timeout_ms: 50 });
  await assert.rejects(silent.client.set(ANN), (error) => {
    assert.ok(error instanceof OutcomeUnknownError);
    assert.match(error.message, /no answer came in 50 ms/);
    return true;
  });
  await assert.rejects(silent.client.get("ann"), UnavailableError);
  never.resolve(new Response());
});

Deno.test("a signal ends a call while it waits, with its reason", async () => {
  const reason = new Error("enough");
  const abort = new AbortController();
  await using slow = scripted([
    () => {
      abort.abort(reason);
      return problemAnswer(503, "Not ready", { "retry-after": "20" });
    },
  ]);
  await assert.rejects(
    slow.client.set(ANN, { signal: abort.signal }),
    (error) => error === reason,
  );
  await assert.rejects(
    slow.client.get("ann", { signal: abort.signal }),
    (error) => error === reason,
  );
  assert.equal(slow.server.requests.length, 1);
});

Deno.test("gets wait for what the same client has changed, unless told otherwise", async () => {
  await using one = scripted([stored]);
  await one.client.get("ann");
  await one.client.set(ANN);
  await one.client.get("ann");
  await one.client.getMany([]).catch(() => {});
  assert.deepEqual(one.server.requests, [
    "GET /get?user_id=ann",
    "POST /set",
    "GET /get?user_id=ann&min_sequence=7",
    "POST /get?min_sequence=7",
  ]);
  await using other = scripted([stored], { readsOwnChanges: false });
  await other.client.set(ANN);
  await other.client.get("ann");
  assert.deepEqual(other.server.requests.slice(1), ["GET /get?user_id=ann"]);
});

Deno.test("a redirection is not followed with the password", async () => {
  await using service = new ServedService();
  const elsewhere = `${service.setUrl.replace("//", "//ann:secret@")}/set`;
  await using moved = scripted([
    () => new Response(null, { status: 307, headers: { location: elsewhere } }),
  ]);
  await assert.rejects(moved.client.set(ANN), (error) => {
    assert.ok(error instanceof RefusedError);
    assert.match(error.message, /it has moved to http:\/\/127/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
  assert.equal(await clientOf(service).get("ann"), undefined);
});

Deno.test("a URL that can't be used is refused without a word of it", () => {
  for (
    const setUrl of ["ann:secret@a", "ftp://a", "http://ann:secret@a", "", "/"]
  ) {
    assert.throws(
      () => new UserGradeClient({ setUrl }),
      (error) => error instanceof TypeError && !/secret/.test(error.message),
    );
  }
  const setUrl = "http://127.0.0.1:8080";
  assert.throws(() => new UserGradeClient({ setUrl, timeout_ms: NaN }));
  assert.throws(() => new UserGradeClient({ setUrl, retriesMax: NaN }));
});

Deno.test("a backup comes as a file, and goes in as an import", async () => {
  await using service = new ServedService();
  const client = clientOf(service);
  await client.setMany([ANN, { user_id: "bob" }]);
  const { body, sequence, fileName } = await client.backup();
  assert.equal(sequence, 1);
  assert.match(fileName!, /^usergrades-\d{8}T\d{6}Z-1\.csv\.gz$/);
  const file = await new Response(body).bytes();

  await using other = new ServedService();
  const target = clientOf(other);
  await target.set({ user_id: "eve" });
  const sent = new Blob([file]).stream();
  assert.deepEqual(await target.import(sent, { replace: true }), {
    rows: 2,
    deleted: 1,
    log_sequence: target.sequence,
  });
  assert.deepEqual(
    (await target.getMany(["ann", "bob", "eve"])).map((one) => one?.spp),
    [5, 0, undefined],
  );
  const bad = new Blob(["user_id,spp\nann,1\nbob,x\n"]).stream();
  await assert.rejects(target.import(bad), (error) => {
    assert.ok(error instanceof RefusedError);
    assert.equal(error.answer?.problem.line, 3);
    assert.equal(typeof error.answer.problem.rows_committed, "number");
    return true;
  });
});

Deno.test("a backup that breaks off is an error, not a short file", async () => {
  await using broken = scripted([
    () => {
      let isBegun = false;
      const body = new ReadableStream({
        pull(stream) {
          if (isBegun) return stream.error(new Error("cut"));
          isBegun = true;
          stream.enqueue(new Uint8Array(1000));
        },
      }, { highWaterMark: 0 });
      return new Response(body, { headers: { "log-sequence": "7" } });
    },
  ]);
  const { body, sequence } = await broken.client.backup();
  assert.equal(sequence, 7);
  await assert.rejects(new Response(body).bytes());
});

Deno.test("an import takes a Blob, and a browser keeps a stream to send it, up to a limit", async () => {
  await using service = new ServedService();
  const client = clientOf(service);
  const text = "user_id,spp\nann,1\nbob,2\n";
  assert.equal((await client.import(new Blob([text]))).rows, 2);

  const stream = () => new Blob([text]).stream();
  const sent = stream();
  assert.equal(await sendable(sent), sent);
  const kept = await sendable(stream(), true, text.length);
  assert.ok(kept instanceof Blob);
  assert.equal(await kept.text(), text);
  await assert.rejects(
    sendable(stream(), true, text.length - 1),
    (error) => error instanceof UserGradeError && /a Blob/.test(error.message),
  );
});
