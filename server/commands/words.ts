import { UserError } from "../model/error.ts";

/**
 * Splits the text of an SSH exec request by the rules of `xargs -n 1`, as Dokku does: blanks separate, '…' and "…" keep
 * all as it is, a backslash outside of quotes keeps the next character. There are no variables and no globs. Other than
 * with xargs a quoted word may hold line breaks. Throws a UserError on an open quote.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === "'" || character === '"') {
      const end = text.indexOf(character, at + 1);
      if (end < 0) throw new UserError(`The command has a ${character} that is never closed`);
      word = (word ?? "") + text.slice(at + 1, end);
      at = end;
    } else if (character === "\\" && at + 1 < text.length) {
      at += 1;
      word = (word ?? "") + text.charAt(at);
    } else {
      word = (word ?? "") + character;
    }
  }
  if (word !== null) words.push(word);
  return words;
}
