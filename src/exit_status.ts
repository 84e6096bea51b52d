/**
 * The exit statuses of the process.
 *
 * @module
 */

/** It did what was asked for; the service was told to stop and has drained. */
export const EXIT_OK = 0;

/** It failed at run time. */
export const EXIT_FAILED = 1;

/** The arguments or the configuration are wrong. */
export const EXIT_BAD_CONFIGURATION = 2;
