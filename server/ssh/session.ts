import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { ServerChannel, Session } from "ssh2";
import type { ExecuteLine } from "../commands/execute.ts";
import { log } from "../lib/log.ts";
import { messageOf } from "../model/error.ts";
import type { Key } from "../model/key.ts";
import type { KeyStore } from "../state/keys.ts";
import { openTerminal } from "./pty.ts";

/** Variables that a client may hand to commands; all others are accepted and forgotten. */
const passedVariables = new Set(["GIT_PROTOCOL"]);
const longestVariable = 256;

const interruptingSignals = new Set(["INT", "TERM", "HUP", "QUIT", "KILL"]);

export interface SessionOptions {
  /** The key that signed in. */
  readonly key: Key;
  readonly keys: KeyStore;
  readonly execute: ExecuteLine;
  /** Aborts when the connection is closed. */
  readonly connectionClosed: AbortSignal;
}

interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Serves one channel (RFC 4254, section 6): one command, or help for who asks for a shell. No other use is allowed. */
export function serveSession(session: Session, options: SessionOptions): void {
  const env: Record<string, string> = {};
  let wantsTerminal = false;
  const closed = new AbortController();
  const interrupted = new AbortController();
  const gone = AbortSignal.any([options.connectionClosed, closed.signal]);

  // Not the channel's own "close": ssh2 emits that only after somebody read all of its input.
  session.on("close", () => closed.abort());
  session.on("env", (accept, _reject, { key, val }) => {
    if (passedVariables.has(key) && val.length <= longestVariable) env[key] = val;
    accept?.();
  });
  session.on("pty", (accept) => {
    wantsTerminal = true;
    accept?.();
  });
  session.on("window-change", (accept) => accept?.());
  session.on("signal", (accept, _reject, { name }) => {
    if (interruptingSignals.has(name)) interrupted.abort();
    accept?.();
  });

  const run = async (channel: ServerChannel, text: string) => {
    channel.on("error", () => {});
    channel.stderr.on("error", () => {});
    const streams = wantsTerminal ? terminalOf(channel, interrupted) : plain(channel);
    const signal = AbortSignal.any([gone, interrupted.signal]);
    try {
      const status = await execute(options, { ...streams, text, env }, signal);
      await finish(channel, streams, status, gone);
    } catch (error) {
      log("ssh session failed", { error: messageOf(error) });
      channel.close();
    }
  };
  session.on("exec", (accept, _reject, { command }) => void run(accept(), command));
  session.on("shell", (accept) => void run(accept(), ""));
}

function plain(channel: ServerChannel): Streams {
  return { stdin: channel, stdout: channel, stderr: channel.stderr };
}

function terminalOf(channel: ServerChannel, interrupted: AbortController): Streams {
  const { stdin, output } = openTerminal(channel, () => interrupted.abort());
  return { stdin, stdout: output, stderr: output };
}

async function execute(
  { key, keys, execute: executeLine }: SessionOptions,
  line: Streams & { readonly text: string; readonly env: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<number> {
  // As it is now: connections stay open for long, and the key may have been removed or changed meanwhile.
  const actor = keys.byId(key.id);
  if (actor === null) {
    line.stderr.write(" !     Access denied\n");
    return 1;
  }
  return await executeLine({ ...line, actor, signal });
}

/** Sends what is still to be sent, then the exit status, then the end: clients take what comes later for lost. */
async function finish(
  channel: ServerChannel,
  { stdout, stderr }: Streams,
  status: number,
  gone: AbortSignal,
): Promise<void> {
  const left = gone.aborted ? Promise.resolve() : once(gone, "abort");
  await Promise.race([Promise.all([flushed(stdout), flushed(stderr)]), left]);
  channel.exit(status);
  channel.end();
}

/** Resolves when all that was written is on its way. */
function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => void stream.write("", () => resolve()));
}
