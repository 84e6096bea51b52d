/**
 * The main thread's side of the calls that heal a log.
 *
 * @module
 */
import {
  type HealableLog,
  HealingForbiddenError,
  type HealPoint,
  type LogLoss,
  LogMovedError,
} from "../healable_log.ts";
import { UnconfirmedError } from "../../errors.ts";
import { type Caller, withClass } from "./calls.ts";
import type { LogCalls } from "./messages.ts";

/** The errors that are told apart. */
const ERRORS = [LogMovedError, HealingForbiddenError];

/** A {@linkcode HealableLog} that another thread has. */
export class HealingClient implements HealableLog {
  constructor(private readonly calls: Caller<LogCalls>) {}

  look(): Promise<LogLoss | undefined> {
    return named(this.calls.call("heal_look", undefined));
  }

  remake(): Promise<void> {
    return named(this.calls.call("heal_remake", undefined));
  }

  fence(point: HealPoint, after: number): Promise<void> {
    return named(this.calls.call("heal_fence", { point, after }));
  }

  moveTo(point: HealPoint): Promise<void> {
    return named(this.calls.call("heal_move", point));
  }
}

function named<T>(call: Promise<T>): Promise<T> {
  return withClass(call, ERRORS, UnconfirmedError);
}
