import { log } from "../lib/log.ts";

type Fields = Parameters<typeof log>[1];

const linesPerSecond = 20;

let second = 0;
let written = 0;

/** Logs what clients and apps can cause at any rate: beyond a few lines a second the rest is dropped. */
export function throttledLog(message: string, fields: Fields): void {
  const now = Math.floor(performance.now() / 1000);
  if (now !== second) {
    if (written > linesPerSecond) log("dropped log lines", { count: written - linesPerSecond });
    second = now;
    written = 0;
  }
  written += 1;
  if (written <= linesPerSecond) log(message, fields);
}
