/**
 * Runs one attack until it is terminated, so that the normal client beside it
 * is not held up by the attackers' own work.
 *
 * @module
 */
import { attack, type Targets } from "./attacks.ts";

self.onmessage = (
  { data: { name, targets } }: MessageEvent<{ name: string; targets: Targets }>,
) => attack(name, targets);
