import { readFile } from "node:fs/promises";

const listen = "0A";

/** TCP ports on which something listens in the network namespace of a process, ascending (proc_pid_net: tcp, tcp6). */
export async function listeningPorts(pid: number): Promise<number[]> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/${pid}/net/${name}`, "utf8").catch(() => "")),
  );
  const ports = new Set(tables.flatMap(portsIn));
  return [...ports].sort((a, b) => a - b);
}

function portsIn(table: string): number[] {
  const rows = table.trim().split("\n").slice(1);
  return rows.flatMap((row) => {
    const [, local = "", , state] = row.trim().split(/\s+/);
    return state === listen ? [Number.parseInt(local.split(":")[1] ?? "", 16)] : [];
  });
}
