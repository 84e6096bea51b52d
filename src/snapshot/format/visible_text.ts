/** How many characters of a file an error shows. */
const SHOWN_CHARACTERS_MAX = 80;

/** What a terminal or an editor would not show, or not as it is. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * @param bytes Some text of a file, of any encoding.
 * @returns Its beginning in quotes, with escapes as in JSON for what can't be
 * seen, for an error's message.
 */
export function visibleText(bytes: Uint8Array): string {
  // A character has at most four bytes of UTF-8.
  const begin = decoder.decode(bytes.subarray(0, 4 * SHOWN_CHARACTERS_MAX + 4));
  const characters = [...begin];
  const shown = characters.slice(0, SHOWN_CHARACTERS_MAX).join("");
  const escaped = JSON.stringify(shown).replace(
    INVISIBLE,
    (character) =>
      "\\u" + character.codePointAt(0)!.toString(16).padStart(4, "0"),
  );
  return characters.length > SHOWN_CHARACTERS_MAX ? `${escaped}…` : escaped;
}
