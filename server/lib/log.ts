type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The server's own log: one JSON object a line on stderr, for the operator and journald. Never config values. */
export function log(message: string, fields: Fields = {}): void {
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), message, ...fields })}\n`);
}
