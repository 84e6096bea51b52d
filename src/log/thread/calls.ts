/**
 * Calls from one thread to another: each has a number, which its answer
 * repeats.
 *
 * @module
 */

/** What can be called: functions of one argument, by their names. */
export type CallTable = Record<string, (argument: never) => unknown>;

type Argument<F> = F extends (argument: infer A) => unknown ? A : never;
type Received<A> = A extends HandedOver<infer V> ? V : A;
type Answer<F> = F extends (argument: never) => infer R ? Received<Awaited<R>>
  : never;

/** An answer with memory that is transferred, not copied. */
export class HandedOver<T> {
  constructor(readonly value: T, readonly transfer: Transferable[]) {}
}

/** Calls a function; answered by `answer` or `call_failed`. */
export interface CallMessage {
  readonly type: "call";
  readonly call: number;
  readonly name: string;
  readonly argument: unknown;
}

/** What a called function returned. */
export interface AnswerMessage {
  readonly type: "answer";
  readonly call: number;
  readonly value: unknown;
}

/** What a called function threw: names of classes do not cross by themselves. */
export interface CallFailedMessage {
  readonly type: "call_failed";
  readonly call: number;
  readonly errorName: string;
  readonly reason: string;
}

/** A called function threw an error. */
export class CallError extends Error {
  override name = "CallError";

  /** @param errorName The name of the error's class. */
  constructor(readonly errorName: string, reason: string) {
    super(reason);
  }
}

/** A class of errors that crosses by its name. */
export type CrossingError = new (text: string, options: ErrorOptions) => Error;

/**
 * Gives an error of the other thread its class again.
 *
 * @param classes The classes that are told apart.
 * @param Other The class of all other errors.
 */
export async function withClass<T>(
  call: Promise<T>,
  classes: readonly CrossingError[],
  Other: CrossingError,
): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    if (!(cause instanceof CallError)) throw cause;
    const { errorName, message } = cause;
    const ErrorClass = classes.find(({ name }) => name === errorName) ?? Other;
    throw new ErrorClass(message, { cause });
  }
}

/** The side that calls. Invariant: each call has one end. */
export class Caller<T extends CallTable> {
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #lastCall = 0;
  /** Why the other side is gone; undefined while it is there. */
  #failure: Error | undefined;

  constructor(
    private readonly post: (
      message: CallMessage,
      transfer: Transferable[],
    ) => void,
  ) {}

  /**
   * @param transfer What of the argument is handed over and not copied.
   * @throws {CallError} If the function throws; and what {@linkcode fail} was
   * told.
   */
  call<N extends keyof T & string>(
    name: N,
    argument: Argument<T[N]>,
    transfer: Transferable[] = [],
  ): Promise<Answer<T[N]>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const call = ++this.#lastCall;
    const ended = Promise.withResolvers<unknown>();
    this.#waiting.set(call, ended);
    this.post({ type: "call", call, name, argument }, transfer);
    return ended.promise as Promise<Answer<T[N]>>;
  }

  /** Takes the end of a call. */
  receive(message: AnswerMessage | CallFailedMessage): void {
    const ended = this.#waiting.get(message.call);
    this.#waiting.delete(message.call);
    if (message.type === "answer") ended?.resolve(message.value);
    else ended?.reject(new CallError(message.errorName, message.reason));
  }

  /** The other side is gone: ends all calls, those to come too. */
  fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/**
 * The side that is called.
 *
 * @param table The functions.
 * @returns The message that ends the call, and what of it is handed over.
 */
export async function answerCall(
  table: CallTable,
  { call, name, argument }: CallMessage,
): Promise<[AnswerMessage | CallFailedMessage, Transferable[]]> {
  try {
    const answer = await table[name](argument as never);
    return answer instanceof HandedOver
      ? [{ type: "answer", call, value: answer.value }, answer.transfer]
      : [{ type: "answer", call, value: answer }, []];
  } catch (error) {
    const { name: errorName, message } = error as Error;
    return [{ type: "call_failed", call, errorName, reason: message }, []];
  }
}
