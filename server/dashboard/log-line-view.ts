import type { LogLine } from "../model/log-line.ts";
import { terminalText, type TextRun } from "./terminal-text.ts";

/** Colours that tell process types apart; app.css has as many. */
const hues = 6;

export interface LogLineView {
  /** The time with nanoseconds, then which of the lines with that time this is: what a reconnecting page has seen. */
  readonly id: string;
  readonly at: string;
  readonly clock: string;
  readonly process: string;
  readonly hue: number;
  readonly stderr: boolean;
  readonly runs: readonly TextRun[];
}

/** Numbers lines that came in the same nanosecond, so that each has an id of its own. */
export class LogLineIds {
  #at = "";
  #count = 0;

  next(at: string): string {
    this.#count = at === this.#at ? this.#count + 1 : 1;
    this.#at = at;
    return `${at}/${this.#count}`;
  }
}

export function logLineView(line: LogLine, id: string): LogLineView {
  return {
    id,
    at: line.at,
    clock: line.at.slice(11, 19),
    process: line.process,
    hue: hueOf(line.process),
    stderr: line.stream === "stderr",
    runs: terminalText(line.text),
  };
}

function hueOf(process: string): number {
  const [type = ""] = process.split(".");
  return Buffer.from(type).reduce((hash, byte) => (hash * 33 + byte) % 1009, 7) % hues;
}

/** One line of a deploy's log: what kind it is by Dokku's prefixes, and its text. */
export interface DeployLineView {
  readonly kind: "step" | "done" | "error" | "detail";
  readonly runs: readonly TextRun[];
}

export function deployLineView(line: string): DeployLineView {
  return { kind: kindOf(line), runs: terminalText(line) };
}

function kindOf(line: string): DeployLineView["kind"] {
  if (line.startsWith("-----> ")) return "step";
  if (line.startsWith("=====> ")) return "done";
  if (line.startsWith(" ! ")) return "error";
  return "detail";
}
