/**
 * The client: a method for each thing that the service does.
 *
 * @module
 */
import { RefusedError } from "./errors.ts";
import { sendable } from "./import_body.ts";
import { bodyOf, type Call, Listener } from "./listener.ts";
import {
  assertWellFormed,
  type Backup,
  type Deleted,
  type Imported,
  type UserGrade,
  type UserGradePatch,
} from "./user_grade.ts";
import { Watch, type WatchOptions } from "./watch.ts";

/** How the service is reached. */
export interface ClientOptions {
  /** The base URL of the set listener, as in `http://127.0.0.1:8080`. */
  readonly setUrl: string;
  /**
   * The base URL of the get listener. If it is left out, the set listener
   * answers gets too, with the password.
   */
  readonly getUrl?: string;
  /** Logs in at the set listener; `admin` if it is left out. */
  readonly user?: string;
  /** If it is left out, nobody logs in: a page of the service needs none. */
  readonly password?: string;
  /**
   * How long a call may take with all its repetitions, in milliseconds: 30,000
   * if it is left out. Imports, and the bodies of backups and watches, may take
   * any time.
   */
  readonly timeout_ms?: number;
  /** How often a request is repeated at most; 5 if it is left out. */
  readonly retriesMax?: number;
  /**
   * Whether a set or a deletion of which no word came is sent again. It may be
   * stored twice then, after what others have stored in between.
   */
  readonly retryUnknown?: boolean;
  /**
   * Whether gets wait for what this client has changed before, at whichever
   * replica; true if it is left out.
   */
  readonly readsOwnChanges?: boolean;
  /**
   * Sends the requests; the global `fetch` if it is left out. In Deno, give one
   * with a `client` that trusts a CA of your own, and in Node.js one with such
   * a `dispatcher`.
   */
  readonly fetch?: typeof fetch;
}

/** How one call is made. */
export interface CallOptions {
  /** Ends the call; it then fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * A client of one service, or of the proxy before its replicas.
 *
 * A call that is refused with 503 stored nothing, and is repeated after
 * `Retry-After`. A change that got 504 or no answer may be stored: it is
 * repeated only if `retryUnknown` says so.
 */
export class UserGradeClient {
  /**
   * The sequence of the newest entry that this client knows of: gets wait for
   * it. Give it to another client to let that one read what this one has set.
   * After the log went back to an older state, set it to 0.
   */
  sequence = 0;
  readonly #set: Listener;
  readonly #get: Listener;
  readonly #readsOwnChanges: boolean;

  /** @throws {TypeError} If a URL can't be used, or a limit is no number. */
  constructor(options: ClientOptions) {
    const {
      setUrl,
      getUrl,
      user = "admin",
      password,
      timeout_ms = 30_000,
      retriesMax = 5,
      retryUnknown = false,
      readsOwnChanges = true,
      fetch = globalThis.fetch,
    } = options;
    // One that is not a number would let a call be repeated for ever.
    if (!(timeout_ms > 0) || !(retriesMax >= 0)) {
      throw new TypeError(
        "timeout_ms must be above 0, and retriesMax at least 0",
      );
    }
    const send = { timeout_ms, retriesMax, retryUnknown, fetch };
    const login = password === undefined ? undefined : { user, password };
    this.#set = new Listener(setUrl, login, send);
    this.#get = getUrl === undefined
      ? this.#set
      : new Listener(getUrl, undefined, send);
    this.#readsOwnChanges = readsOwnChanges;
  }

  /**
   * Stores a user's grade. What is left out keeps its value.
   *
   * @example
   * ```ts
   * const ann = await client.set({ user_id: "ann", spp: 5 });
   * ```
   * @returns The whole record, once it is committed and applied.
   * @throws {RefusedError} If it is not valid, or the password is wrong.
   * @throws {UnavailableError} If it is not stored.
   * @throws {OutcomeUnknownError} If it may be stored.
   */
  set(patch: UserGradePatch, options?: CallOptions): Promise<UserGrade> {
    return this.#change("/set", patch, options);
  }

  /**
   * Stores up to 1,000 in one entry of the log: all or none, in their order.
   *
   * @example
   * ```ts
   * await client.setMany([{ user_id: "ann", spp: 5 }, { user_id: "bob" }]);
   * ```
   * @returns The records in the same order. Fails as {@linkcode set} does.
   */
  setMany(
    patches: readonly UserGradePatch[],
    options?: CallOptions,
  ): Promise<UserGrade[]> {
    return this.#change("/set", patches, options);
  }

  /**
   * Deletes a user.
   *
   * @example
   * ```ts
   * const { existed } = await client.delete("ann");
   * ```
   * @returns Whether there was one. Fails as {@linkcode set} does.
   */
  delete(user_id: string, options?: CallOptions): Promise<Deleted> {
    return this.#change("/delete", { user_id }, options);
  }

  /**
   * Deletes up to 1,000 users in one entry of the log.
   *
   * @example
   * ```ts
   * await client.deleteMany(["ann", "bob"]);
   * ```
   * @returns What became of each. Fails as {@linkcode set} does.
   */
  deleteMany(
    userIds: readonly string[],
    options?: CallOptions,
  ): Promise<Deleted[]> {
    const deletions = userIds.map((user_id) => ({ user_id }));
    return this.#change("/delete", deletions, options);
  }

  /**
   * Gets a user's grade, with all that this client has changed before.
   *
   * @example
   * ```ts
   * const ann = await client.get("ann");
   * ```
   * @returns The record; undefined if there is no such user.
   * @throws {TypeError} If the id is not well-formed.
   * @throws {RefusedError} If it is not valid otherwise.
   * @throws {UnavailableError} If no replica can answer in time.
   */
  async get(
    userId: string,
    { signal }: CallOptions = {},
  ): Promise<UserGrade | undefined> {
    assertWellFormed(userId);
    const query = new URLSearchParams({ user_id: userId });
    const path = this.#afterOwnChanges("/get", query);
    try {
      return await this.#get.send({ path, signal }, json<UserGrade>);
    } catch (error) {
      if (error instanceof RefusedError && isUnknownUser(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /**
   * Gets up to 1,000 users as of one entry of the log.
   *
   * @example
   * ```ts
   * const [ann, bob] = await client.getMany(["ann", "bob"]);
   * ```
   * @returns The records in the same order, undefined for an unknown user. Fails
   * as {@linkcode get} does.
   */
  async getMany(
    userIds: readonly string[],
    { signal }: CallOptions = {},
  ): Promise<(UserGrade | undefined)[]> {
    const grades = await this.#get.send({
      path: this.#afterOwnChanges("/get", new URLSearchParams()),
      method: "POST",
      body: JSON.stringify(userIds),
      signal,
    }, json<(UserGrade | null)[]>);
    return grades.map((grade) => grade ?? undefined);
  }

  /**
   * Watches changes as they commit. A connection that breaks is opened again,
   * and no change is missing and none is told twice.
   *
   * @example
   * ```ts
   * const watch = client.watch({ userIds: ["ann"] });
   * for await (const change of watch) console.log(watch.sequence, change);
   * ```
   */
  watch(options: WatchOptions = {}): Watch {
    return new Watch(this.#get, options);
  }

  /**
   * Downloads the whole state, as of one entry of the log.
   *
   * @example
   * ```ts
   * const { body, fileName } = await client.backup();
   * await Deno.writeFile(fileName ?? "backup.csv.gz", body);
   * ```
   * @throws {RefusedError} If the password is wrong.
   * @throws {UnavailableError} If the replica holds no whole state.
   */
  async backup({ signal }: CallOptions = {}): Promise<Backup> {
    const call = { path: "/backup", signal };
    const response = await this.#set.send(call, (whole) => whole);
    const { headers } = response;
    const disposition = headers.get("content-disposition") ?? "";
    return {
      body: bodyOf(response),
      sequence: Number(headers.get("log-sequence")),
      fileName: /filename="([\w.-]+)"/.exec(disposition)?.[1],
    };
  }

  /**
   * Stores the rows of a backup or of another CSV file, gzip or plain. It is not
   * repeated; importing again is harmless.
   *
   * @example
   * ```ts
   * await client.import((await Deno.open("grades.csv")).readable);
   * ```
   * @param file Its bytes. In a browser, give it the `File` of an input element:
   * of a stream it keeps all bytes before it sends them, 256 MiB at most.
   * @param options `replace` deletes the users who are not in the file.
   * @throws {RefusedError} At the first bad row; `answer.problem` says its `line`
   * and how many `rows_committed`.
   * @throws {UnavailableError} If the log takes no more; the rows before are
   * stored.
   * @throws {OutcomeUnknownError} If the connection breaks.
   * @throws {UserGradeError} If a browser would have to keep a longer stream.
   */
  async import(
    file: Blob | ReadableStream<Uint8Array>,
    { replace = false, signal }: CallOptions & { replace?: boolean } = {},
  ): Promise<Imported> {
    const imported = await this.#set.send({
      path: replace ? "/import?replace=true" : "/import",
      method: "POST",
      body: await sendable(file),
      isChange: true,
      isEndless: true,
      signal,
    }, json<Imported>);
    this.#know(imported.log_sequence);
    return imported;
  }

  async #change<Result>(
    path: Call["path"],
    body: unknown,
    { signal }: CallOptions = {},
  ): Promise<Result> {
    return await this.#set.send({
      path,
      method: "POST",
      body: JSON.stringify(body),
      isChange: true,
      signal,
    }, (response) => {
      this.#know(Number(response.headers.get("log-sequence")));
      return json<Result>(response);
    });
  }

  #know(sequence: number): void {
    this.sequence = Math.max(this.sequence, sequence);
  }

  /** Adds what makes a get wait; a get without it is faster. */
  #afterOwnChanges(path: string, query: URLSearchParams): string {
    if (this.#readsOwnChanges && this.sequence > 0) {
      query.set("min_sequence", String(this.sequence));
    }
    return query.size > 0 ? `${path}?${query}` : path;
  }
}

function json<Value>(response: Response): Promise<Value> {
  return response.json();
}

/** A path that is not there, as of a wrong base URL, gets 404 with another text. */
function isUnknownUser({ answer }: RefusedError): boolean {
  return answer?.status === 404 && answer.detail.includes("user_id");
}
