/**
 * Characters as fast-check makes them, of each length that UTF-8 has.
 *
 * @module
 */
import fc from "fast-check";

/** Code points from one to another. */
function between(min: number, max: number): fc.Arbitrary<string> {
  return fc.integer({ min, max }).map(
    (codePoint) => String.fromCodePoint(codePoint),
    (text) => {
      if (typeof text !== "string") throw new TypeError("no text");
      const codePoint = text.codePointAt(0);
      if (
        codePoint === undefined || text.length !== (codePoint > 0xffff ? 2 : 1)
      ) {
        throw new RangeError("not one character");
      }
      return codePoint;
    },
  );
}

/**
 * Any character: the unit of strings in the place of fast-check's `binary`,
 * which takes two seconds of CPU in each file to be made.
 */
export const anyCharacter: fc.Arbitrary<string> = fc.oneof(
  { withCrossShrink: true },
  between(0, 0x7f),
  between(0x80, 0x7ff),
  // Between them are halves of pairs, which are no characters.
  between(0x800, 0xd7ff),
  between(0xe000, 0xffff),
  between(0x1_0000, 0x10_ffff),
);
