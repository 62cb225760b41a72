import { UserError } from "../../model/error.ts";

const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/** The names in lower case (RFC 1035; "*.example.com" allowed). Throws a UserError that names the first bad one. */
export function checkDomains(words: readonly string[]): string[] {
  if (words.length === 0) throw new UserError("Please specify a domain");
  return words.map((word) => {
    const name = word.toLowerCase();
    const labels = (name.startsWith("*.") ? name.slice(2) : name).split(".");
    // A name that ends in a number is an address (WHATWG URL, ends-in-a-number checker).
    const address = /^\d+$/.test(labels.at(-1) ?? "");
    if (name.length > 253 || address || !labels.every((each) => label.test(each)))
      throw new UserError(`${word} is invalid. exiting...`);
    return name;
  });
}
