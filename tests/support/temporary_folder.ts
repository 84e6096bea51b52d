/**
 * A folder that is gone after the test.
 *
 * @module
 */

/** A new, empty folder. */
export class TemporaryFolder implements Disposable {
  /** Where it is. */
  readonly path = Deno.makeTempDirSync({ prefix: "usergrade-" });

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
