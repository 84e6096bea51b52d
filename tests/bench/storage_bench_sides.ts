/**
 * The two sides of the storage and churn benchmarks, behind one small interface: the
 * table of this project, and the plain `Map` of objects that it replaces.
 *
 * @module
 */
import { Storage } from "../../src/storage/storage.ts";
import type { UserGrade, UserGradePatch } from "../../src/user_grade.ts";

/** What the benchmark drives. */
export interface Side {
  readonly size: number;
  set(patch: UserGradePatch): UserGrade;
  get(id: string): UserGrade | undefined;
  delete(id: string): boolean;
}

/** The names of the sides, in the order of the table. */
export const SIDE_NAMES = ["Storage", "Map"] as const;

/** The name of a side. */
export type SideName = (typeof SIDE_NAMES)[number];

/** A `Map` of objects with the same meaning as {@linkcode Storage}. */
class MapStorage implements Side {
  readonly #users = new Map<string, UserGrade>();

  get size(): number {
    return this.#users.size;
  }

  set(patch: UserGradePatch): UserGrade {
    const stored = this.#users.get(patch.user_id);
    const merged = {
      user_id: patch.user_id,
      postpaid_limit: patch.postpaid_limit ?? stored?.postpaid_limit ?? 0,
      spp: patch.spp ?? stored?.spp ?? 0,
      shipping_fee: patch.shipping_fee ?? stored?.shipping_fee ?? 0,
      return_fee: patch.return_fee ?? stored?.return_fee ?? 0,
    };
    this.#users.set(patch.user_id, merged);
    return merged;
  }

  get(id: string): UserGrade | undefined {
    return this.#users.get(id);
  }

  delete(id: string): boolean {
    return this.#users.delete(id);
  }
}

/** @returns An empty side. */
export function createSide(name: SideName): Side {
  return name === "Storage" ? new Storage() : new MapStorage();
}
