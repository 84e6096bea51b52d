/**
 * A disk of a given size, for tests of what happens when it is full or can't be
 * written.
 *
 * @module
 */
import { TemporaryFolder } from "./temporary_folder.ts";

/** A mounted file system, gone after the test. */
export class SmallDisk implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly path = this.#folder.path;

  /** @param options As of `mount -t tmpfs`: `size=600k`. */
  static async mount(options: string): Promise<SmallDisk> {
    const disk = new SmallDisk();
    await disk.change(options);
    return disk;
  }

  /** Whether this process may mount one. */
  static async isAllowed(): Promise<boolean> {
    try {
      await using _disk = await SmallDisk.mount("size=4k");
      return true;
    } catch {
      return false;
    }
  }

  /** Mounts it, or changes it: `remount,ro`. */
  async change(options: string): Promise<void> {
    await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", this.path]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", ["-l", this.path]).catch(() => {});
    this.#folder[Symbol.dispose]();
  }
}

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
