import { setTimeout as delay } from "node:timers/promises";
import type { RunningContainer } from "../model/container.ts";
import { describeExit } from "../model/container.ts";
import { UserError } from "../model/error.ts";
import { listeningPorts } from "../runtime/listening.ts";
import type { Rooms } from "./rooms.ts";

/** A process that serves nothing counts as up when it has lived this long. */
const upAfterMs = 1000;
const firstProbesMs = 10;
const laterProbesMs = 100;

/** Resolves when the process can take work. Rejects with a UserError when it ends before, or never listens. */
export async function untilReady(
  rooms: Rooms,
  name: string,
  container: RunningContainer,
  port: number | null,
): Promise<void> {
  const settled = new AbortController();
  const signal = AbortSignal.any([settled.signal, rooms.closing]);
  const ended = container.exited.then((exit) => {
    throw new UserError(`${name} ended while starting (${describeExit(exit)})`);
  });
  const up =
    port === null
      ? delay(upAfterMs, undefined, { signal })
      : untilListening(rooms, name, container, port, signal);
  try {
    await Promise.race([up, ended]);
  } finally {
    settled.abort();
    up.catch(() => {});
    ended.catch(() => {});
  }
}

async function untilListening(
  { router, settings }: Rooms,
  name: string,
  container: RunningContainer,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const upstream = { id: container.id, pid: container.pid, pidStartTime: container.pidStartTime, port };
  const started = Date.now();
  while (!(await router.probe(upstream))) {
    const waited = Date.now() - started;
    if (waited > settings.bootTimeoutMs) throw await neverListened(name, container, port, waited);
    await delay(waited < 2000 ? firstProbesMs : laterProbesMs, undefined, { signal });
  }
}

async function neverListened(
  name: string,
  container: RunningContainer,
  port: number,
  waited: number,
): Promise<UserError> {
  const others = (await listeningPorts(container.pid)).filter((other) => other !== port);
  const seconds = Math.round(waited / 1000);
  const hint =
    others.length === 0
      ? `make the app listen on the port in the PORT environment variable`
      : `it listens on ${others.join(", ")}: make the app use the PORT environment variable`;
  return new UserError(`${name} did not listen on port ${port} within ${seconds} s; ${hint}`);
}
