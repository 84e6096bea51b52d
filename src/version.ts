/**
 * The version of this service.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };

/** As in `1.8.0`. */
export const VERSION = project.version;
