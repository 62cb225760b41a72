import { readFileSync } from "node:fs";

/** When a process was started (field 22 of /proc/PID/stat, proc(5)): with its pid it names the process for ever. Null when it is gone. */
export function processStartTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name is in parentheses and may hold anything, so fields are counted from behind it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}
