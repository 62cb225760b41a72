import { UserError } from "../../model/error.ts";

const variableName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Reads NAME=value words; with `encoded` every value is base64. Throws a UserError with Dokku's words. */
export function parsePairs(words: readonly string[], encoded: boolean): Map<string, string> {
  if (words.length === 0) throw new UserError("At least one env pair must be given");
  return new Map(
    words.map((word) => {
      const at = word.indexOf("=");
      if (at < 0) throw new UserError(`Invalid env pair: ${word}`);
      const name = word.slice(0, at);
      if (!variableName.test(name)) throw new UserError(`Invalid key name: '${name}'`);
      const value = encoded ? decode(name, word.slice(at + 1)) : word.slice(at + 1);
      if (value.includes("\0"))
        throw new UserError(`The value of ${name} holds a NUL byte, which no environment can`);
      return [name, value];
    }),
  );
}

function decode(name: string, text: string): string {
  const bytes = Buffer.from(text, "base64");
  const padded = text.replace(/=+$/, "");
  if (bytes.toString("base64").replace(/=+$/, "") !== padded)
    throw new UserError(`The value of ${name} is not base64, as --encoded says`);
  return bytes.toString("utf8");
}

/** "NAME:  value" rows with the values in one column. */
export function columns(vars: ReadonlyMap<string, string>): string[] {
  const width = Math.max(0, ...[...vars.keys()].map((name) => name.length + 1));
  return [...vars].map(([name, value]) => `${`${name}:`.padEnd(width)}  ${value}`);
}
