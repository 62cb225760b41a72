import type { ContainerSpec, ExecCommand, Mount, TerminalSize } from "../model/container.ts";

/** Where a container's output goes: to the server, with which it dies, or to a rotated log file. */
export type Output =
  | { readonly kind: "tied" }
  | { readonly kind: "log"; readonly path: string; readonly fileBytes: number; readonly files: number };

/** Address of a container on the bridge. */
export interface Attachment {
  readonly bridge: string;
  /** Name of the host's end of the link. */
  readonly link: string;
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
}

export interface Order {
  readonly spec: ContainerSpec;
  /** The container's directory on the host. */
  readonly directory: string;
  readonly output: Output;
  readonly attachment: Attachment | null;
  /** Written into the root before the app starts: path and content. */
  readonly files: Readonly<Record<string, string>>;
}

/** Version of the record format, checked by the monitor. */
const version = 1;
const idPattern = /^[a-z0-9-]{1,48}$/;

/** What the monitor reads from its socket: a line with the size, then "key=value" records that each end with a NUL byte. */
export function encodeOrder(order: Order): Buffer {
  return encode("spec", records(order));
}

export interface ExecOrder {
  readonly command: ExecCommand;
  readonly terminal: TerminalSize | null;
  readonly detached: boolean;
}

/** What the monitor reads from a connection for a command: the same with another first word. */
export function encodeExecOrder({ command, terminal, detached }: ExecOrder): Buffer {
  const { argv, env = {}, cwd, user } = command;
  return encode("exec", [
    ["version", version],
    ["detached", detached ? 1 : 0],
    ...(cwd === undefined ? [] : [["cwd", cwd] as const]),
    ...(user === undefined
      ? []
      : ([
          ["uid", user.uid],
          ["gid", user.gid],
        ] as const)),
    ...(terminal === null
      ? []
      : ([
          ["columns", terminal.columns],
          ["rows", terminal.rows],
        ] as const)),
    ...argv.map((argument): Entry => ["arg", argument]),
    ...variables(env),
  ]);
}

function encode(word: string, entries: readonly Entry[]): Buffer {
  const body = Buffer.from(entries.map(([key, value]) => `${key}=${checked(key, value)}\0`).join(""));
  return Buffer.concat([Buffer.from(`${word} ${body.length}\n`), body]);
}

function variables(env: Readonly<Record<string, string>>): Entry[] {
  return Object.entries(env).map(([name, value]) => ["env", `${name}=${value}`]);
}

/** An id becomes part of paths: throws when it could mean another directory. */
export function checkContainerId(id: string): void {
  if (!idPattern.test(id))
    throw new Error(`Container id ${JSON.stringify(id)} is not made of a-z, 0-9 and -`);
}

type Entry = readonly [key: string, value: string | number];

function records({ spec, directory, output, attachment, files }: Order): Entry[] {
  checkContainerId(spec.id);
  const { limits, user } = spec;
  return [
    ["version", version],
    ["id", spec.id],
    ["directory", directory],
    ["hostname", spec.hostname],
    ["cwd", spec.cwd],
    ["uid", user.uid],
    ["gid", user.gid],
    ["id-base", spec.idBase],
    ["memory", limits.memoryBytes],
    ["cpu-shares", limits.cpuShares],
    ["cpu-quota", limits.cpus === null ? 0 : Math.round(limits.cpus * 100_000)],
    ["pids", limits.pids],
    ["open-files", limits.openFiles],
    ...outputRecords(output),
    ...(attachment === null ? [] : Object.entries(attachment)),
    ...spec.layers.map((layer): Entry => ["layer", layer]),
    ...spec.mounts.flatMap(mountRecords),
    ...Object.entries(files).flatMap(([path, content]): Entry[] => [
      ["file", path],
      ["content", content],
    ]),
    ...spec.argv.map((argument): Entry => ["arg", argument]),
    ...variables(spec.env),
  ];
}

function outputRecords(output: Output): Entry[] {
  if (output.kind === "tied") return [["mode", "tied"]];
  return [
    ["mode", "detached"],
    ["log", output.path],
    ["log-bytes", output.fileBytes],
    ["log-files", output.files],
  ];
}

function mountRecords(mount: Mount): Entry[] {
  if (mount.kind === "bind")
    return [
      ["mount", mount.readOnly ? "bind-read-only" : "bind"],
      ["source", mount.source],
      ["target", mount.target],
    ];
  return [
    ["mount", "overlay"],
    ...mount.layers.map((layer): Entry => ["layer", layer]),
    ["writable", mount.writable],
    ["target", mount.target],
  ];
}

function checked(key: string, value: string | number): string {
  const text = String(value);
  if (text.includes("\0")) throw new Error(`Container ${key} contains a NUL byte`);
  return text;
}
