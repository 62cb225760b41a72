import type { Connection } from "ssh2";
import type { ExecuteLine } from "../commands/execute.ts";
import { log } from "../lib/log.ts";
import type { Key } from "../model/key.ts";
import type { KeyStore } from "../state/keys.ts";
import { authenticate, mostAttempts } from "./authenticate.ts";
import { serveSession } from "./session.ts";

/** OpenSSH's own limit of channels that are open at once (MaxSessions). */
const mostSessions = 10;

export interface ConnectionOptions {
  readonly keys: KeyStore;
  readonly execute: ExecuteLine;
  /** Where the client is, for the log. */
  readonly address: string;
  /** Called when the client has proven who it is. */
  readonly onSignIn: () => void;
  /** Called whenever the number of open channels changed. */
  readonly onSessions: (open: number) => void;
}

/** Serves one client: lets it sign in with a known key, then serves its channels, several at a time. */
export function serveConnection(client: Connection, options: ConnectionOptions): void {
  const { keys, execute, address, onSignIn, onSessions } = options;
  const closed = new AbortController();
  let signedIn: Key | null = null;
  let failures = 0;
  let open = 0;

  client.on("authentication", (attempt) => {
    const known = authenticate(attempt, keys);
    if (known !== null) {
      if (known.proven) signedIn = known.key;
      return attempt.accept();
    }
    // Asking with "none" for the methods is how every client begins.
    if (attempt.method !== "none") failures += 1;
    attempt.reject(["publickey"]);
    if (failures >= mostAttempts) client.end();
  });
  client.on("ready", onSignIn);
  client.on("session", (accept, reject) => {
    if (signedIn === null || open >= mostSessions) return reject();
    const session = accept();
    onSessions((open += 1));
    session.on("close", () => onSessions((open -= 1)));
    serveSession(session, { key: signedIn, keys, execute, connectionClosed: closed.signal });
  });
  client.on("error", (error) => log("ssh connection failed", { address, error: error.message }));
  client.on("close", () => closed.abort());
}
