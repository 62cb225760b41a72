import { UserError } from "./error.ts";

const entry = /^([A-Za-z0-9_-]{1,63}):\s*(.*)$/;

/**
 * Process types and their shell commands, in file order (Heroku's format as Dokku reads it: `#` and `//` comments,
 * a trailing ` # comment` is dropped, CRLF tolerated). Throws a UserError that names the line when it cannot be read.
 */
export function parseProcfile(text: string): Map<string, string> {
  const processes = new Map<string, string>();
  for (const [number, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/\s#\s.*$/, "").trim();
    if (line === "" || line.startsWith("#") || line.startsWith("//")) continue;
    const [, type, command] = entry.exec(line) ?? [];
    if (type === undefined || command === undefined)
      throw invalid(number, `expected "type: command", found "${line.slice(0, 60)}"`);
    if (command === "") throw invalid(number, `process type ${type} has no command`);
    if (processes.has(type)) throw invalid(number, `process type ${type} appears twice`);
    processes.set(type, command);
  }
  return processes;
}

function invalid(index: number, reason: string): UserError {
  return new UserError(`Invalid Procfile: line ${index + 1}: ${reason}`);
}
